#include "daemon/service/blocked_floor.h"

#include <algorithm>

namespace hftmon {

BlockedFloor FloorOfBlocked(const Targets& targets, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) {
  int64_t highest_ns = -1;
  for (const TargetInfo& target : selection.targets()) {
    const int64_t own_ns = target.options.blocked_threshold_ns;
    if (own_ns == 0 || (target.ended_mono_ns > 0 && target.ended_mono_ns < begin_ns)) continue;
    highest_ns = std::max(highest_ns, FloorOf(targets, target, &Targets::Floors::off_cpu_ns, begin_ns, own_ns, own_ns));
  }
  // No target asks: a stream may.
  if (highest_ns < 0) highest_ns = targets.FloorsSince(begin_ns).off_cpu_ns;
  if (highest_ns != kNoFloor) return {highest_ns, false};
  const int64_t now_ns = targets.FloorsSince(end_ns).off_cpu_ns;
  return {now_ns, now_ns != kNoFloor};
}

}  // namespace hftmon
