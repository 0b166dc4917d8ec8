// PlacedTime: a moment of another clock on CLOCK_MONOTONIC, and what it may be off. Pure functions, any thread.
#ifndef HFTMON_COMMON_PLACED_TIME_H_
#define HFTMON_COMMON_PLACED_TIME_H_

#include <cstdint>
#include <vector>

#include "common/clock_epoch.h"

namespace hftmon {

struct PlacedTime {
  int64_t mono_ns = 0;
  int64_t error_ns = 0;  // bound
};

enum class WallScale : uint8_t { kRealtime, kTai };

// By the pair of the epoch that the time lies in. A wall clock that was set back shows a time twice: then it is the later one, and the
// error the distance of the two. One that was set forward never showed the times between: they are put where it was set, and the error is
// the step. Before the oldest epoch kept its pair holds. Requires an epoch; kTai: epochs whose offset is not known are left out where
// others know it.
PlacedTime PlaceWallTime(const std::vector<ClockEpoch>& epochs, WallScale scale, int64_t wall_ns);

// CLOCK_MONOTONIC of a CLOCK_BOOTTIME time. `offset_ns`: CLOCK_BOOTTIME minus CLOCK_MONOTONIC now, the time slept since boot; what of it
// was slept after that time is known from the epochs.
int64_t MonotonicFromBoottimeNs(const std::vector<ClockEpoch>& epochs, int64_t offset_ns, int64_t boottime_ns);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PLACED_TIME_H_
