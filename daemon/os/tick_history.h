// TickHistory: the calibrations of the cycle counter that were made, so that a reading of some time ago is placed by those around it and
// not by the rate of now.
//
// Threads: Note by one thread, after each calibration; Place by any (one mutex, held for a binary search a reading).
// Bounds: the newest kKept calibrations, some 7 minutes at ten a second; older readings are placed by the oldest of them, and the error
// grows with the distance by the fastest that the kernel slews CLOCK_MONOTONIC (kSlewLimitPpm).
#ifndef HFTMON_DAEMON_OS_TICK_HISTORY_H_
#define HFTMON_DAEMON_OS_TICK_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "common/clock_conversion.h"
#include "common/placed_time.h"

namespace hftmon {

class TickHistory {
 public:
  static constexpr size_t kKept = 4'096;
  // Between two calibrations the newest one's own error holds.
  static constexpr int64_t kCurrentNs = 250'000'000;

  // `step_epoch` is another number on each side of a step of the counter. The same calibration again is not kept twice.
  void Note(const LinearConversion& line, uint32_t step_epoch);

  // CLOCK_MONOTONIC of each reading, in their order. Empty when nothing was noted.
  std::vector<PlacedTime> Place(std::span<const uint64_t> ticks) const;

 private:
  struct Entry {
    LinearConversion line;
    uint32_t step_epoch = 0;
  };

  PlacedTime PlaceOne(uint64_t ticks) const;  // mutex_ held, entries_ not empty

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // oldest first
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_TICK_HISTORY_H_
