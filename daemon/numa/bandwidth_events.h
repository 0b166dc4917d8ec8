// BandwidthEvents: which events of this host's PMUs tell what memory controllers and links between packages move. Any thread.
// Reads: /sys/bus/event_source/devices/PMU/events/EVENT.{scale,unit}; else pure.
//
// | PMU | events | bytes of one |
// |---|---|---|
// | uncore_imc* (Intel, servers) | cas_count_read*, cas_count_write* as the kernel lists them | by its scale, 64 |
// | uncore_imc* (Intel, clients) | data_reads, data_writes | by its scale, 64 |
// | amd_umc_* (Zen 4 on, Linux 6.8) | CAS commands to read, to write | 64 |
// | amd_df (where there is no amd_umc) | Zen 1 to 3: requests with data of 8 channels, both ways in one; later: beats of 12 channels | 64 |
// | amd_df, Zen 1 to 3 | outbound data of 4 links to other packages | 32 |
// | arm_cmn_* | hnf_mc_reqs, both ways in one | 64 |
// | uncore_upi_* | data flits sent, 9 of which carry a line | 64/9 |
#ifndef HFTMON_DAEMON_NUMA_BANDWIDTH_EVENTS_H_
#define HFTMON_DAEMON_NUMA_BANDWIDTH_EVENTS_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"
#include "daemon/pmu/processor_model.h"

namespace hftmon {

enum class TrafficKind { kRead, kWrite, kBoth, kLink };

struct BandwidthEvent {
  std::string source;  // "uncore_imc", "amd_umc", "amd_df", "arm_cmn", "uncore_upi"
  TrafficKind kind = TrafficKind::kBoth;
  int link = 0;            // of kLink
  EventEncoding encoding;  // its name is "uncore_imc_0/cas_count_read/"; never per thread
  double bytes = 0;        // of one count
};

struct BandwidthEvents {
  std::vector<BandwidthEvent> events;
  std::vector<std::string> reasons;  // why a PMU that is one of these gives none
  std::set<std::string> incomplete;  // sources of which a PMU gives none: what the others count is not all that was moved
  std::string others;                // the PMUs that this host has instead: "breakpoint, msr, software"; empty: it has none
};

// `model`: absent where it is not known; then nothing is told of amd_df, whose events differ.
BandwidthEvents FindBandwidthEvents(const FileRoot& root, const PmuList& pmus, const std::optional<ProcessorModel>& model);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_BANDWIDTH_EVENTS_H_
