#include "daemon/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <functional>

#include "common/duration.h"

namespace hftmon {
namespace {

struct Choice {
  const char* name;
  KernelAccess access;
};
constexpr std::array<Choice, 3> kAccessChoices = {
    {{"auto", KernelAccess::kAuto}, {"btf", KernelAccess::kBtf}, {"raw", KernelAccess::kRaw}}};

absl::Status InRange(const char* option, int64_t value, int64_t low, int64_t high, const char* unit) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--{} {}: must be {} to {} {}", option, value, low, high, unit));
}

absl::Status Validate(const Config& config) {
  for (absl::Status status : {
           InRange("targets-max", config.targets_max, 1, 65536, "targets"),
           InRange("threads-max", config.threads_max, 1, 65534, "threads"),
           InRange("rings-bytes", static_cast<int64_t>(config.rings_bytes), 64 << 10, 1 << 30, "bytes"),
           InRange("spike-history", static_cast<int64_t>(config.spike_history), 16, 1 << 20, "spikes"),
           InRange("switch-history", static_cast<int64_t>(config.switch_history), 16, 1 << 24, "events"),
           InRange("spike-threshold", config.spike_threshold_ns, 1'000, 60'000'000'000, "ns (1us to 60s)"),
           InRange("sampling-interval", config.sampling_interval_ns, 1'000'000, 60'000'000'000, "ns (1ms to 60s)"),
           InRange("nice", config.nice, -20, 19, ""),
           InRange("cpu", config.cpu, -1, 1 << 20, "(-1 = chosen)"),
       }) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadDuration(const std::string& option, const std::string& text, int64_t* value_ns) {
  absl::StatusOr<int64_t> parsed = ParseDuration(text);
  if (!parsed.ok()) return absl::InvalidArgumentError(fmt::format("--{}: {}", option, std::string(parsed.status().message())));
  *value_ns = *parsed;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParsedConfig> ParseConfig(int argc, const char* const* argv) {
  ParsedConfig parsed;
  Config& config = parsed.config;
  CLI::App app{"hftmond: watches the processes of a trading host and tells why a thread stalled", "hftmond"};
  app.set_version_flag("--version", HFTMON_VERSION);
  app.set_config("--config", "", "configuration file: TOML, keys as the options below");
  app.allow_config_extras(CLI::config_extras_mode::error);
  std::string spike_threshold = "50us";
  std::string sampling_interval = "10ms";
  std::string access = "auto";
  app.add_option("--listen", config.listen, fmt::format("unix:PATH or loopback HOST:PORT; may be given again [{}]", kDefaultListenAddress));
  app.add_option("--mode", config.mode, "how the housekeeping loop polls: auto, latency (spins), balanced, economy (sleeps)")
      ->check(CLI::IsMember({"auto", "latency", "balanced", "economy"}));
  app.add_flag("--quiet", config.quiet, "market hours: refuse whatever would attach programs, create maps or reload, once started");
  app.add_option("--cpu", config.cpu, "CPU of the housekeeping loop; -1 = one of the inherited mask that is not isolated");
  app.add_option("--scheduling", config.scheduling, "of the housekeeping loop: other or fifo")->check(CLI::IsMember({"other", "fifo"}));
  app.add_option("--nice", config.nice, "of the housekeeping loop under SCHED_OTHER [-20]");
  app.add_option("--targets-max", config.targets_max, "watched processes at most");
  app.add_option("--threads-max", config.threads_max, "watched threads at most");
  app.add_option("--rings-bytes", config.rings_bytes, "memory of all record rings together");
  app.add_option("--spike-history", config.spike_history, "spikes kept");
  app.add_option("--switch-history", config.switch_history, "switch events kept");
  app.add_option("--spike-threshold", spike_threshold, "default threshold of a spike [50us]");
  app.add_option("--sampling-interval", sampling_interval, "default width of the finest window bucket [10ms]");
  app.add_option("--btf-path", config.btf_path, "types of the running kernel");
  app.add_option("--kernel-access", access, "auto, btf (tp_btf) or raw (raw tracepoints)")->check(CLI::IsMember({"auto", "btf", "raw"}));
  app.add_flag("--check-config", config.check_only, "say whether the configuration is sound, and end")->configurable(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.exit_code = 0;
    parsed.output = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.exit_code = 0;
    parsed.output = std::string("hftmond ") + HFTMON_VERSION + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(fmt::format("{} (hftmond --help lists the options)", error.what()));
  }
  for (const Choice& choice : kAccessChoices) {
    if (access == choice.name) config.kernel_access = choice.access;
  }
  if (config.listen.empty()) config.listen.push_back(kDefaultListenAddress);
  for (absl::Status status : {ReadDuration("spike-threshold", spike_threshold, &config.spike_threshold_ns),
                              ReadDuration("sampling-interval", sampling_interval, &config.sampling_interval_ns), Validate(config)}) {
    if (!status.ok()) return status;
  }
  if (config.check_only) {
    parsed.exit_code = 0;
    parsed.output = "hftmond: the configuration is sound\n";
  }
  return parsed;
}

}  // namespace hftmon
