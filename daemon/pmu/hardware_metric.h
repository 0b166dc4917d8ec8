// HardwareMetric: what the processor's counters can tell of caches, TLBs and stalls, whatever a processor calls it. Values, any thread.
#ifndef HFTMON_DAEMON_PMU_HARDWARE_METRIC_H_
#define HFTMON_DAEMON_PMU_HARDWARE_METRIC_H_

#include <cstddef>
#include <iterator>
#include <string_view>

namespace hftmon {

// Counts of events, not times. Processors differ in what exactly they count: MetricEvent::counts says it.
enum class HardwareMetric {
  kCycles,
  kInstructions,
  kBranches,
  kBranchMisses,
  kStalledCycles,
  kFrontendStalls,
  kBackendStalls,
  kL1dLoads,
  kL1dHits,
  kL1dMisses,
  kL1iMisses,
  kL2Accesses,
  kL2Hits,
  kL2Misses,
  kL3Accesses,
  kL3Hits,
  kL3Misses,
  kDtlbMisses,           // of the first level, wherever they ended
  kDtlbSecondLevelHits,  // of the first level, found in the second
  kDtlbLoadWalks,        // in neither: the page table was walked
  kDtlbStoreWalks,
  kItlbMisses,
  kItlbSecondLevelHits,
  kItlbWalks,
  kHitmLocal,  // loads of a line that another core of this socket had modified
  kHitmRemote,
  kLocalDram,
  kRemoteDram,
};
inline constexpr size_t kHardwareMetricCount = static_cast<size_t>(HardwareMetric::kRemoteDram) + 1;

// "l1d_misses".
constexpr std::string_view HardwareMetricName(HardwareMetric metric) {
  constexpr std::string_view kNames[] = {"cycles",
                                         "instructions",
                                         "branches",
                                         "branch_misses",
                                         "stalled_cycles",
                                         "frontend_stalls",
                                         "backend_stalls",
                                         "l1d_loads",
                                         "l1d_hits",
                                         "l1d_misses",
                                         "l1i_misses",
                                         "l2_accesses",
                                         "l2_hits",
                                         "l2_misses",
                                         "l3_accesses",
                                         "l3_hits",
                                         "l3_misses",
                                         "dtlb_misses",
                                         "dtlb_second_level_hits",
                                         "dtlb_load_walks",
                                         "dtlb_store_walks",
                                         "itlb_misses",
                                         "itlb_second_level_hits",
                                         "itlb_walks",
                                         "hitm_local",
                                         "hitm_remote",
                                         "local_dram",
                                         "remote_dram"};
  static_assert(std::size(kNames) == kHardwareMetricCount);
  return kNames[static_cast<size_t>(metric)];
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_HARDWARE_METRIC_H_
