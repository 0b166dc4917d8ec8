#include "daemon/config_settings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "common/cpu_list.h"
#include "common/duration.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/control/targets.h"
#include "daemon/os/file_root.h"
#include "daemon/service/listen_address.h"

namespace hftmon {
namespace {

using Kind = Setting::Kind;
constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
constexpr size_t kAddressesMax = 16;
constexpr bool kLive = true;
constexpr bool kRestart = false;
constexpr char kGeneral[] = "General";
constexpr char kLimits[] = "Limits";

#define HFTMON_MEMBER(member) [](Config& config) -> decltype(auto) { return (config.member); }
const Setting kSettings[] = {
    {"listen", Kind::kAddresses, kRestart, 0, 0, "", "", kGeneral,
     "Where clients connect: unix:PATH, or HOST:PORT of the loopback alone. May be given more than once."},
    {"mode", Kind::kChoice, kLive, 0, 0, "", "auto, latency, balanced, economy", kGeneral,
     "How the housekeeping loop polls. latency: it spins, a spike is known within microseconds, and it takes the whole of one CPU. "
     "balanced: "
     "it sleeps 50 us while records come and up to 1 ms while none do. economy: it sleeps 5 ms. auto: latency where a CPU can be spared "
     "for "
     "it, else balanced.",
     nullptr, HFTMON_MEMBER(mode)},
    {"quiet", Kind::kChoice, kRestart, 0, 0, "", "off, on", kGeneral,
     "Whether market hours begin with the daemon: what would attach programs, create maps or reload is then refused (hftmon quiet off ends "
     "it).",
     nullptr, HFTMON_MEMBER(quiet)},
    {"cpu", Kind::kNumber, kRestart, -1, 65'535, "(-1: one of the inherited mask that is not isolated)", "", kGeneral,
     "The CPU of the housekeeping loop.", HFTMON_MEMBER(cpu)},
    {"scheduling", Kind::kChoice, kRestart, 0, 0, "", "other, fifo", kGeneral,
     "Of the housekeeping loop. other: SCHED_OTHER at the nice value below; fifo: SCHED_FIFO, which the kernel throttles unless "
     "sched_rt_runtime_us is -1.",
     nullptr, HFTMON_MEMBER(scheduling)},
    {"nice", Kind::kNumber, kRestart, -20, 19, "(lower is sooner)", "", kGeneral, "Nice value of the housekeeping loop under SCHED_OTHER.",
     HFTMON_MEMBER(nice)},
    {"spike_threshold", Kind::kDuration, kLive, kThresholdMinNs, kThresholdMaxNs, "", "", kGeneral,
     "A wait longer than this is a spike, unless a target or a subscriber says otherwise.", HFTMON_MEMBER(spike_threshold_ns)},
    {"sampling_interval", Kind::kDuration, kLive, kSamplingIntervalMinNs, kSamplingIntervalMaxNs, "", "", kGeneral,
     "Width of the finest bucket of counts and histograms, unless a target says otherwise.", HFTMON_MEMBER(sampling_interval_ns)},
    {"kernel_access", Kind::kChoice, kRestart, 0, 0, "", "auto, btf, raw", kGeneral,
     "How the kernel is read: btf (tp_btf programs), raw (raw tracepoints, where the kernel refuses the former), or whichever works.",
     nullptr, HFTMON_MEMBER(kernel_access)},
    {"btf_path", Kind::kPath, kRestart, 0, 0, "", "", kGeneral, "Types of the running kernel.", nullptr, HFTMON_MEMBER(btf_path)},

    {"targets_max", Kind::kNumber, kLive, 1, 65'536, "targets", "", kLimits, "Watched processes.", HFTMON_MEMBER(targets_max)},
    {"threads_max", Kind::kNumber, kRestart, 1, 65'534, "threads", "", kLimits, "Watched threads; their memory is taken at the start.",
     HFTMON_MEMBER(threads_max)},
    {"rings_bytes", Kind::kNumber, kRestart, 64 << 10, 1 << 30, "bytes", "", kLimits, "Memory of the record rings of all CPUs together.",
     HFTMON_MEMBER(rings_bytes)},
    {"spike_history", Kind::kNumber, kRestart, 16, 1 << 20, "spikes", "", kLimits,
     "Spikes that are kept (rounded up to a power of two); a new one overwrites the oldest.", HFTMON_MEMBER(spike_history)},
    {"switch_history", Kind::kNumber, kRestart, 16, 1 << 24, "events", "", kLimits,
     "Switch events that are kept (rounded up to a power of two); a new one overwrites the oldest.", HFTMON_MEMBER(switch_history)},
    {"spike_streams_max", Kind::kNumber, kLive, 1, 65'536, "streams", "", kLimits, "Open StreamSpikes calls, all clients together.",
     HFTMON_MEMBER(limits.spike_streams_max)},
    {"metric_streams_max", Kind::kNumber, kLive, 1, 65'536, "streams", "", kLimits, "Open WatchMetrics calls, all clients together.",
     HFTMON_MEMBER(limits.metric_streams_max)},
    {"sessions_max", Kind::kNumber, kLive, 1, 65'536, "sessions", "", kLimits, "Clients' sessions (open HoldTargets calls).",
     HFTMON_MEMBER(limits.sessions_max)},
    {"rules_max", Kind::kNumber, kLive, 1, HFT_RULE_NAMES_MAX, "rules", "", kLimits,
     "Rules in force (names, cgroups, units, CPUs), all clients together.", HFTMON_MEMBER(limits.rules_max)},
    {"target_holders_max", Kind::kNumber, kLive, 1, 4'096, "parts", "", kLimits,
     "Parts that clients have in one target, a client's by process id and by each rule, and holders of one rule.",
     HFTMON_MEMBER(limits.target_holders_max)},
    {"threshold_leases_max", Kind::kNumber, kLive, 1, 65'536, "leases", "", kLimits,
     "Thresholds that streams hold in the kernel: one each, so not below spike_streams_max.", HFTMON_MEMBER(threshold_leases_max)},
    {"stream_queue_max", Kind::kNumber, kLive, 1, 65'536, "spikes", "", kLimits,
     "Spikes that may wait for one slow reader (8 bytes each); beyond it the oldest are dropped and counted.",
     HFTMON_MEMBER(limits.stream_queue_max)},
    {"queries_max", Kind::kNumber, kLive, 1, 65'536, "queries", "", kLimits,
     "Queries in flight, all clients together; so are calls that name processes by a container's numbers.",
     HFTMON_MEMBER(limits.queries_max)},
    {"window_max", Kind::kDuration, kLive, 1'000'000'000, 366 * kDayNs, "", "", kLimits, "The longest window that a query may ask for.",
     HFTMON_MEMBER(limits.window_max_ns)},
    {"answer_rows_max", Kind::kNumber, kLive, 1, 10'000'000, "rows", "", kLimits, "Spikes, events, threads or samples of one answer.",
     HFTMON_MEMBER(limits.answer_rows_max)},
    {"answer_bytes_max", Kind::kNumber, kLive, 64 << 10, 1 << 30, "bytes", "", kLimits,
     "Size of one answer; a client may have a limit of its own.", HFTMON_MEMBER(limits.answer_bytes_max)},
    {"request_bytes_max", Kind::kNumber, kRestart, 4 << 10, 64 * kMiB, "bytes", "", kLimits, "Size of one request.",
     HFTMON_MEMBER(limits.request_bytes_max)},
    {"calls_per_connection_max", Kind::kNumber, kRestart, 16, 65'536, "calls", "", kLimits,
     "Calls that one connection may have open, streams included; more wait in the client.", HFTMON_MEMBER(limits.calls_per_connection_max)},
    {"transport_bytes_max", Kind::kNumber, kRestart, 16 * kMiB, 16'384 * kMiB, "bytes", "", kLimits,
     "Memory of gRPC's connections and buffers, all clients together.", HFTMON_MEMBER(limits.transport_bytes_max)},
};
#undef HFTMON_MEMBER

// Exact, and as ParseDuration reads it.
std::string DurationText(int64_t duration_ns) {
  struct Unit {
    const char* name;
    int64_t ns;
  };
  constexpr Unit kUnits[] = {{"d", kDayNs},        {"h", kDayNs / 24}, {"m", 60'000'000'000},
                             {"s", 1'000'000'000}, {"ms", 1'000'000},  {"us", 1'000}};
  for (const Unit& unit : kUnits) {
    if (duration_ns != 0 && duration_ns % unit.ns == 0) return fmt::format("{}{}", duration_ns / unit.ns, unit.name);
  }
  return fmt::format("{}ns", duration_ns);
}

std::string RangeText(const Setting& setting) {
  switch (setting.kind) {
    case Kind::kNumber:
      return fmt::format("{} to {} {}", setting.min, setting.max, setting.unit);
    case Kind::kDuration:
      return fmt::format("{} to {}", DurationText(setting.min), DurationText(setting.max));
    case Kind::kChoice:
      return std::string(setting.choices);
    case Kind::kPath:
      return "the absolute path of a file";
    case Kind::kAddresses:
      return fmt::format("1 to {} addresses", kAddressesMax);
  }
  return "";
}

bool IsChoice(const Setting& setting, std::string_view text) {
  std::string_view rest = setting.choices;
  while (!rest.empty()) {
    const size_t comma = rest.find(", ");
    if (rest.substr(0, comma) == text) return true;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 2);
  }
  return false;
}

// What a value is quoted as: of bounded length, without what would garble a terminal.
std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string quoted;
  for (const char c : text.substr(0, kShown)) quoted += c >= ' ' && c <= '~' ? c : '?';
  return "'" + quoted + (text.size() > kShown ? "…'" : "'");
}

std::string AddAddress(const std::string& text, Config* config) {
  if (const absl::StatusOr<ListenAddress> address = ParseListenAddress(text); !address.ok()) {
    return fmt::format("is {}: {}", Quoted(text), std::string(address.status().message()));
  }
  if (std::find(config->listen.begin(), config->listen.end(), text) != config->listen.end()) {
    return fmt::format("names {} twice: name each address once", Quoted(text));
  }
  if (config->listen.size() >= kAddressesMax) return fmt::format("has more than {} addresses: leave some out", kAddressesMax);
  config->listen.push_back(text);
  return "";
}

std::string CheckPath(const std::string& path) {
  if (path.empty() || path[0] != '/') return fmt::format("is {}: give an absolute path, e.g. {}", Quoted(path), kDefaultBtfPath);
  struct stat info {};
  if (path == kDefaultBtfPath || (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode))) return "";
  return fmt::format("is {}: there is no such file: name that of a kernel with CONFIG_DEBUG_INFO_BTF=y", Quoted(path));
}

std::string CheckCpu(int64_t cpu) {
  if (cpu < 0) return "";
  const absl::StatusOr<std::string> text = FileRoot().ReadFile("/sys/devices/system/cpu/online");
  if (!text.ok()) return "";
  const absl::StatusOr<std::vector<int>> online = ParseCpuList(*text);
  if (!online.ok() || std::find(online->begin(), online->end(), static_cast<int>(cpu)) != online->end()) return "";
  return fmt::format("is {}: this host's CPUs are {}", cpu, FormatCpuList(*online));
}

}  // namespace

std::span<const Setting> Settings() {
  return kSettings;
}

const Setting* FindSetting(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kSettings), std::end(kSettings), [name](const Setting& setting) { return setting.name == name; });
  return found == std::end(kSettings) ? nullptr : found;
}

std::string FlagOf(const Setting& setting) {
  std::string flag = "--" + std::string(setting.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string Describe(const Setting& setting) {
  return fmt::format("{}; default {}; {} puts it in force", RangeText(setting), ValueText(setting, Config{}),
                     setting.live ? "a reload" : "a restart");
}

std::string ValueText(const Setting& setting, const Config& config) {
  Config& readable = const_cast<Config&>(config);  // the accessors only name the member
  switch (setting.kind) {
    case Kind::kNumber:
      return std::to_string(setting.number(readable));
    case Kind::kDuration:
      return DurationText(setting.number(readable));
    case Kind::kAddresses:
      return fmt::format("{}", fmt::join(config.listen, ", "));
    default:
      return setting.text(readable);
  }
}

std::string SetNumber(const Setting& setting, int64_t value, Config* config) {
  if (value < setting.min || value > setting.max) {
    const std::string shown = setting.kind == Kind::kDuration ? DurationText(value) : std::to_string(value);
    return fmt::format("is {}: give {}", shown, RangeText(setting));
  }
  if (setting.name == "cpu") {
    if (std::string fault = CheckCpu(value); !fault.empty()) return fault;
  }
  setting.number(*config) = value;
  return "";
}

std::string SetFromText(const Setting& setting, const std::string& text, Config* config) {
  switch (setting.kind) {
    case Kind::kNumber: {
      int64_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return fmt::format("is {}: give {}", Quoted(text), RangeText(setting));
      return SetNumber(setting, value, config);
    }
    case Kind::kDuration: {
      const absl::StatusOr<int64_t> value_ns = ParseDuration(text);
      if (!value_ns.ok()) return fmt::format("is {}: {}", Quoted(text), std::string(value_ns.status().message()));
      return SetNumber(setting, *value_ns, config);
    }
    case Kind::kChoice:
      if (!IsChoice(setting, text)) return fmt::format("is {}: give one of {}", Quoted(text), setting.choices);
      break;
    case Kind::kPath:
      if (std::string fault = CheckPath(text); !fault.empty()) return fault;
      break;
    case Kind::kAddresses:
      return AddAddress(text, config);
  }
  setting.text(*config) = text;
  return "";
}

void CopySetting(const Setting& setting, const Config& from, Config* to) {
  Config& readable = const_cast<Config&>(from);
  if (setting.kind == Kind::kAddresses) {
    to->listen = from.listen;
  } else if (setting.number != nullptr) {
    setting.number(*to) = setting.number(readable);
  } else {
    setting.text(*to) = setting.text(readable);
  }
}

std::vector<Contradiction> FindContradictions(const Config& config) {
  std::vector<Contradiction> found;
  if (config.scheduling == "fifo" && config.nice != Config{}.nice) {
    found.push_back({"nice", "scheduling",
                     fmt::format("is {}, and scheduling is fifo, which knows no nice value: leave one of them out", config.nice)});
  }
  if (config.threshold_leases_max < config.limits.spike_streams_max) {
    found.push_back({"threshold_leases_max", "spike_streams_max",
                     fmt::format("is {}, and spike_streams_max is {}: each stream holds a lease, so give at least as many",
                                 config.threshold_leases_max, config.limits.spike_streams_max)});
  }
  return found;
}

}  // namespace hftmon
