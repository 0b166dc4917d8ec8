#include "common/placed_time.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace hftmon {
namespace {

int64_t SaturatingSubtract(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t DistanceNs(int64_t a, int64_t b) {
  const int64_t distance_ns = a < b ? SaturatingSubtract(b, a) : SaturatingSubtract(a, b);
  return std::max<int64_t>(0, distance_ns);
}

int64_t MonotonicBy(const ClockEpoch& epoch, WallScale scale, int64_t wall_ns) {
  const int64_t utc_ns = scale == WallScale::kTai ? SaturatingSubtract(wall_ns, epoch.tai_offset_ns) : wall_ns;
  return SaturatingAdd(epoch.pair.monotonic_ns, SaturatingSubtract(utc_ns, epoch.pair.realtime_ns));
}

}  // namespace

PlacedTime PlaceWallTime(const std::vector<ClockEpoch>& epochs, WallScale scale, int64_t wall_ns) {
  const auto knows = [scale](const ClockEpoch& epoch) { return scale == WallScale::kRealtime || epoch.tai_offset_ns != 0; };
  const bool any = std::any_of(epochs.begin(), epochs.end(), knows);
  const ClockEpoch* oldest = nullptr;
  const ClockEpoch* chosen = nullptr;
  const ClockEpoch* before_step = nullptr;  // the last whose time had passed its end already
  PlacedTime placed;
  for (const ClockEpoch& epoch : epochs) {
    if (any && !knows(epoch)) continue;
    const int64_t mono_ns = MonotonicBy(epoch, scale, wall_ns);
    if (oldest == nullptr) oldest = &epoch;
    if (mono_ns >= epoch.end_mono_ns) before_step = &epoch;
    if (mono_ns < epoch.begin_after_mono_ns || mono_ns >= epoch.end_mono_ns) continue;
    placed.error_ns = std::max(epoch.pair.error_ns, chosen == nullptr ? 0 : DistanceNs(placed.mono_ns, mono_ns) + epoch.pair.error_ns);
    placed.mono_ns = mono_ns;
    chosen = &epoch;
  }
  if (chosen != nullptr) return placed;
  if (before_step != nullptr && before_step != &epochs.back()) {
    const int64_t edge_ns = before_step->end_mono_ns;
    return {.mono_ns = edge_ns, .error_ns = DistanceNs(MonotonicBy(*before_step, scale, wall_ns), edge_ns) + before_step->pair.error_ns};
  }
  return {.mono_ns = MonotonicBy(*oldest, scale, wall_ns), .error_ns = oldest->pair.error_ns};
}

int64_t MonotonicFromBoottimeNs(const std::vector<ClockEpoch>& epochs, int64_t offset_ns, int64_t boottime_ns) {
  int64_t mono_ns = boottime_ns - offset_ns;
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if (epoch->reason == EpochReason::kSuspend && mono_ns < epoch->begin_mono_ns) mono_ns += epoch->step_ns;
  }
  return mono_ns;
}

}  // namespace hftmon
