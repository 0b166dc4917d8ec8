#include "daemon/numa/host_bandwidth.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/cpu_list.h"
#include "daemon/numa/bandwidth_events.h"
#include "daemon/os/last_level_caches.h"
#include "daemon/pmu/processor_model.h"

namespace hftmon {
namespace {

void AddTo(const std::optional<double>& value, bool first, std::optional<double>* sum) {
  if (first) {
    *sum = value;
  } else if (!value) {
    sum->reset();
  } else if (*sum) {
    **sum += *value;
  }
}

std::string Joined(const std::string& one, const std::string& other) {
  return one.empty() || other.empty() ? one + other : one + "; " + other;
}

std::set<std::string> ControlGroups(const ResctrlReading& reading) {
  std::set<std::string> names;
  for (const ResctrlGroup& group : reading.groups) {
    if (group.control) names.insert(group.name);
  }
  return names;
}

// Why the control groups of the two readings do not sum to what a domain moved; empty: they do.
std::string WhyNoSums(const ResctrlReading& before, const ResctrlReading& after) {
  if (before.left_out_count > 0 || after.left_out_count > 0) return "resctrl: groups are left out, a domain's sum would lack them";
  if (ControlGroups(before) == ControlGroups(after)) return "";
  return "resctrl: control groups were made or removed meanwhile, a domain's sum would lack them: ask again";
}

// Of resctrl, where it is; else why not.
class ResctrlLook {
 public:
  explicit ResctrlLook(const HostBandwidthParts& parts) : parts_(parts) {
    const absl::StatusOr<std::vector<LastLevelCache>> caches = ReadLastLevelCaches(parts.files);
    if (caches.ok()) caches_ = *caches;
    before_ = Read();
  }

  void End(HostBandwidth* out) {
    const absl::StatusOr<ResctrlReading> after = before_.ok() ? Read() : before_;
    if (!after.ok()) {
      out->groups_unavailable = std::string(after.status().message());
      return;
    }
    std::vector<GroupBandwidthRow> rows = BandwidthsBetween(*before_, *after, caches_, parts_.places.nodes);
    std::string missing = WhyNoSums(*before_, *after);
    if (missing.empty()) {
      for (NodeBandwidthRow& row : DomainRows(rows, &missing)) out->rows.nodes.push_back(std::move(row));
    }
    out->rows.nodes_unavailable = Joined(out->rows.nodes_unavailable, missing);
    std::erase_if(rows, [](const GroupBandwidthRow& row) { return row.name.empty(); });
    out->groups = std::move(rows);
    out->groups_unavailable = WhySkipped();
    if (after->left_out_count > 0) {
      out->groups_unavailable =
          Joined(out->groups_unavailable, fmt::format("{} groups and domains are left out, beyond {} groups and {} domains",
                                                      after->left_out_count, kResctrlGroupsMax, kResctrlDomainsMax));
    }
  }

 private:
  absl::StatusOr<ResctrlReading> Read() {
    return ReadResctrl(parts_.files, *parts_.clock, [this](int domain) { return MayRead(domain); });
  }

  bool MayRead(int domain) {
    const std::vector<int>& avoided = parts_.places.avoided_cpus;
    if (avoided.empty()) return true;
    for (const LastLevelCache& cache : caches_) {
      if (cache.id != domain || cache.cpus.empty()) continue;
      if (!std::binary_search(avoided.begin(), avoided.end(), cache.cpus.front())) return true;
      left_alone_.insert(domain);
      return false;
    }
    unknown_.insert(domain);
    return false;
  }

  std::string WhySkipped() const {
    std::string reason;
    if (!left_alone_.empty()) {
      reason = fmt::format("domains {} are not read: the kernel may ask their lowest CPU, which is to be left alone",
                           FormatCpuList(std::vector<int>(left_alone_.begin(), left_alone_.end())));
    }
    if (unknown_.empty()) return reason;
    return Joined(reason, fmt::format("domains {} are not read: which CPUs the kernel would ask is not told (cache/index*/id), and some "
                                      "are to be left alone",
                                      FormatCpuList(std::vector<int>(unknown_.begin(), unknown_.end()))));
  }

  const HostBandwidthParts& parts_;
  std::vector<LastLevelCache> caches_;
  absl::StatusOr<ResctrlReading> before_;
  std::set<int> left_alone_;  // domains that were not read
  std::set<int> unknown_;     // likewise
};

}  // namespace

std::vector<NodeBandwidthRow> DomainRows(const std::vector<GroupBandwidthRow>& groups, std::string* unavailable) {
  std::map<int, NodeBandwidthRow> domains;
  for (const GroupBandwidthRow& group : groups) {
    if (!group.control) continue;
    const auto [found, first] = domains.try_emplace(group.domain);
    NodeBandwidthRow& row = found->second;
    AddTo(group.total_mb_s, first, &row.total_mb_s);
    AddTo(group.local_mb_s, first, &row.local_mb_s);
    row.source = "resctrl";
    row.package = group.domain;
    row.node = group.node;
    row.window_ns = std::max(row.window_ns, group.window_ns);
    ++row.counter_count;
    if (!group.total_mb_s && unavailable->empty()) {
      *unavailable = fmt::format("resctrl, domain {}, group \"{}\": {}", group.domain, group.name, group.reason);
    }
  }
  std::vector<NodeBandwidthRow> rows;
  for (auto& [domain, row] : domains) {
    if (row.total_mb_s || row.local_mb_s) rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<HostBandwidth> MeasureHostBandwidth(const HostBandwidthParts& parts, int64_t duration_ns,
                                                   const std::function<bool(int64_t)>& wait) {
  std::optional<ProcessorModel> model;
  const std::vector<int>& online = parts.places.topology.online;
  if (!online.empty()) {
    if (const absl::StatusOr<ProcessorModel> read = ReadProcessorModel(parts.files, online.front()); read.ok()) model = *read;
  }
  const BandwidthEvents events = FindBandwidthEvents(parts.files, PmuList::Read(parts.files), model);
  ResctrlLook resctrl(parts);
  HostBandwidth measured;
  {
    const NodeBandwidthCounters counters(*parts.calls, events, parts.places, parts.facts);
    if (wait(duration_ns)) return absl::CancelledError("cancelled");
    measured.rows = counters.Read();
  }
  resctrl.End(&measured);
  return measured;
}

}  // namespace hftmon
