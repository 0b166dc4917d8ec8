// SpikeFilter: which spikes a request wants. Passive; used by one call at a time.
#ifndef HFTMON_DAEMON_SERVICE_SPIKE_FILTER_H_
#define HFTMON_DAEMON_SERVICE_SPIKE_FILTER_H_

#include <cstdint>
#include <unordered_set>

#include "daemon/analysis/spike.h"
#include "daemon/service/target_thresholds.h"

namespace hftmon {

struct SpikeFilter {
  std::unordered_set<uint32_t> pids;  // empty = all
  int64_t threshold_ns = 0;           // of waits; 0 = each target's own
  int64_t blocked_threshold_ns = 0;   // 0 = no blocked spikes

  // True when the spike exceeds the threshold of its kind. `duration_ns`: its own, or of one that goes on how long it has lasted by now.
  bool Wants(const Spike& spike, int64_t duration_ns, TargetThresholds* thresholds) const {
    if (!pids.empty() && !pids.contains(spike.thread.tgid)) return false;
    // It exceeded its operation's own threshold; where its thread was is not always known.
    if (IsMarked(spike.kind)) return threshold_ns == 0 || duration_ns > threshold_ns;
    if (!thresholds->CoversCpu(spike.thread.tgid, spike.cpu)) return false;
    if (spike.kind == SpikeKind::kBlocked) return blocked_threshold_ns > 0 && duration_ns > blocked_threshold_ns;
    const int64_t limit_ns = threshold_ns > 0 ? threshold_ns : thresholds->SpikeThresholdNs(spike.thread.tgid);
    return duration_ns > limit_ns;
  }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SPIKE_FILTER_H_
