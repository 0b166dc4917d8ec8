#include "daemon/numa/bandwidth_events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/os/number_file.h"
#include "daemon/pmu/sysfs_events.h"

namespace hftmon {
namespace {

constexpr double kLineBytes = 64;
constexpr double kUpiFlitBytes = 64.0 / 9.0;
constexpr double kOutboundBytes = 32;
constexpr int kOldChannels = 8;   // of a package of Zen 1 to 3
constexpr int kNewChannels = 12;  // since Zen 4
constexpr int kOldLinks = 4;
constexpr int kChannelStep = 0x40;
constexpr uint32_t kZen1To2Family = 0x17;
constexpr uint32_t kZen3To4Family = 0x19;

// Models 0x10–0x1f, 0x60–0x7f and 0xa0–0xaf of family 0x19 are Zen 4.
bool IsOldZen(const ProcessorModel& model) {
  if (model.family == kZen1To2Family) return true;
  const uint32_t group = model.model >> 4;
  return model.family == kZen3To4Family && group != 0x1 && group != 0x6 && group != 0x7 && group != 0xa;
}

// The kernel's scale turns counts into its unit; a unit or scale of another kind is none.
double BytesOf(const FileRoot& root, const Pmu& pmu, const std::string& event) {
  const std::string path = fmt::format("/sys/bus/event_source/devices/{}/events/{}", pmu.name, event);
  const std::optional<double> scale = ReadNumber<double>(root, path + ".scale");
  const auto unit = root.ReadFile(path + ".unit");
  if (!scale || !unit.ok()) return kLineBytes;
  const std::string_view name = Trim(*unit);
  const double unit_bytes = name == "MiB" ? 1024.0 * 1024.0 : name == "MB" ? 1e6 : name == "Bytes" ? 1.0 : 0.0;
  const double bytes = *scale * unit_bytes;
  return std::isfinite(bytes) && bytes > 0 ? bytes : kLineBytes;
}

class Finder {
 public:
  Finder(const FileRoot& root, BandwidthEvents* found) : root_(root), found_(found) {}

  void Add(const Pmu& pmu, const char* source, TrafficKind kind, const std::string& terms, double bytes, int link = 0) {
    absl::StatusOr<EventEncoding> encoding = EncodePmuTerms(pmu, terms);
    if (!encoding.ok()) {
      Lacks(source, kind);
      found_->reasons.push_back(fmt::format("{}: {}", pmu.name, std::string(encoding.status().message())));
      return;
    }
    if (encoding->per_thread || encoding->cpus.empty()) {
      Lacks(source, kind);
      found_->reasons.push_back(fmt::format("{}: the kernel does not tell on which CPUs it counts (cpumask)", pmu.name));
      return;
    }
    encoding->name = fmt::format("{}/{}/", pmu.name, terms);
    found_->events.push_back({.source = source, .kind = kind, .link = link, .encoding = *std::move(encoding), .bytes = bytes});
  }
  // Every event of that name, or of that name and a sub-channel's: "cas_count_read_sch0".
  void AddListed(const Pmu& pmu, const char* source, TrafficKind kind, std::string_view prefix) {
    for (const auto& [name, text] : pmu.events) {
      if (name == prefix || name.starts_with(fmt::format("{}_sch", prefix))) Add(pmu, source, kind, name, BytesOf(root_, pmu, name));
    }
  }

 private:
  // Links are told one by one and not summed.
  void Lacks(const char* source, TrafficKind kind) {
    if (kind != TrafficKind::kLink) found_->incomplete.insert(source);
  }

  const FileRoot& root_;
  BandwidthEvents* const found_;
};

void AddIntel(const Pmu& pmu, Finder* finder, BandwidthEvents* found) {
  const size_t before = found->events.size() + found->reasons.size();
  finder->AddListed(pmu, "uncore_imc", TrafficKind::kRead, "cas_count_read");
  finder->AddListed(pmu, "uncore_imc", TrafficKind::kWrite, "cas_count_write");
  finder->AddListed(pmu, "uncore_imc", TrafficKind::kRead, "data_reads");
  finder->AddListed(pmu, "uncore_imc", TrafficKind::kWrite, "data_writes");
  if (found->events.size() + found->reasons.size() == before) {
    found->incomplete.insert("uncore_imc");
    found->reasons.push_back(
        fmt::format("{}: the kernel lists none of cas_count_read, cas_count_write, data_reads, data_writes", pmu.name));
  }
}

void AddFabric(const Pmu& pmu, const std::optional<ProcessorModel>& model, bool has_controllers, Finder* finder, BandwidthEvents* found) {
  if (!model || model->vendor != ProcessorVendor::kAmd) {
    found->reasons.push_back(fmt::format("{}: which processor this is is not known, and its event numbers differ", pmu.name));
    return;
  }
  const auto channel = [](int event, int at, int umask) {
    return fmt::format("event={:#x},umask={:#x}", event + at * kChannelStep, umask);
  };
  const bool old = IsOldZen(*model);
  for (int link = 0; old && link < kOldLinks; ++link) {
    finder->Add(pmu, "amd_df", TrafficKind::kLink, channel(0x7c7, link, 0x2), kOutboundBytes, link);
  }
  // Those that have controllers' PMUs count there, without taking turns on the fabric's few counters.
  if (has_controllers) return;
  for (int at = 0; old && at < kOldChannels; ++at) finder->Add(pmu, "amd_df", TrafficKind::kBoth, channel(0x07, at, 0x38), kLineBytes);
  for (int at = 0; !old && at < kNewChannels; ++at) {
    finder->Add(pmu, "amd_df", TrafficKind::kRead, channel(0x1f, at, 0xffe), kLineBytes);
    finder->Add(pmu, "amd_df", TrafficKind::kWrite, channel(0x1f, at, 0xfff), kLineBytes);
  }
}

// 3 of "uncore_upi_3"; 0 where there is only one.
int NumberOf(std::string_view name, std::string_view prefix) {
  name.remove_prefix(prefix.size());
  if (name.starts_with('_')) name.remove_prefix(1);
  return ParseNumber<int>(name).value_or(0);
}

}  // namespace

BandwidthEvents FindBandwidthEvents(const FileRoot& root, const PmuList& pmus, const std::optional<ProcessorModel>& model) {
  constexpr std::string_view kUpi = "uncore_upi";
  BandwidthEvents found;
  Finder finder(root, &found);
  std::vector<std::string> others;
  const bool has_controllers =
      std::any_of(pmus.pmus.begin(), pmus.pmus.end(), [](const Pmu& pmu) { return pmu.name.starts_with("amd_umc"); });
  for (const Pmu& pmu : pmus.pmus) {
    const std::string_view name = pmu.name;
    if (name.starts_with("uncore_imc") && name.find("free_running") == std::string_view::npos) {
      AddIntel(pmu, &finder, &found);
    } else if (name.starts_with(kUpi)) {
      finder.Add(pmu, "uncore_upi", TrafficKind::kLink, "event=0x2,umask=0xf", kUpiFlitBytes, NumberOf(name, kUpi));
    } else if (name.starts_with("amd_umc")) {
      finder.Add(pmu, "amd_umc", TrafficKind::kRead, "event=0xa,rdwrmask=0x1", kLineBytes);
      finder.Add(pmu, "amd_umc", TrafficKind::kWrite, "event=0xa,rdwrmask=0x2", kLineBytes);
    } else if (name == "amd_df") {
      AddFabric(pmu, model, has_controllers, &finder, &found);
    } else if (name.starts_with("arm_cmn")) {
      finder.Add(pmu, "arm_cmn", TrafficKind::kBoth, "hnf_mc_reqs", kLineBytes);
    } else {
      others.push_back(pmu.name);
    }
  }
  found.others = fmt::format("{}", fmt::join(others, ", "));
  return found;
}

}  // namespace hftmon
