// Clock epochs: times in which the clocks ran evenly against each other, and what ended each. Pure: readings come in as numbers.
//
// Slewing (NTP, PTP) changes CLOCK_MONOTONIC and CLOCK_REALTIME alike, so their difference moves only when the wall clock is set, a leap
// second is taken or the machine slept: any change beyond the readings' own error is a step. What an edge spoils: a wall step the wall time
// of whatever spans it (durations are monotonic and stay right); suspend, a TSC step and a stop the durations as well. A spike across any
// of them is inconclusive, and says which.
#ifndef HFTMON_COMMON_CLOCK_EPOCH_H_
#define HFTMON_COMMON_CLOCK_EPOCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock_conversion.h"

namespace hftmon {

enum class EpochReason : uint8_t {
  kStart,        // the daemon's
  kWallStep,     // CLOCK_REALTIME was set, or took a leap second
  kSuspend,      // CLOCK_BOOTTIME went on while CLOCK_MONOTONIC stood
  kTscStep,      // the cycle counter jumped against CLOCK_MONOTONIC
  kTscUnstable,  // the cycle counter is no longer trusted
  kStopped,      // nobody looked at the clocks for long: the machine, or the daemon, stood still
};
std::string_view EpochReasonName(EpochReason reason);

struct ClockEpoch {
  uint32_t number = 1;
  EpochReason reason = EpochReason::kStart;
  // It began between these two: the last look at the clocks before, and the look that found the change. CLOCK_MONOTONIC.
  int64_t begin_after_mono_ns = 0;
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = INT64_MAX;  // of the epoch in force
  int64_t step_ns = 0;              // forward positive; for kStopped the time without a look
  ClockPair pair;                   // the tightest of this epoch
  int64_t tai_offset_ns = 0;        // the last that was seen in it; 0: the kernel was told none
};

// One look at all clocks.
struct ClockReading {
  ClockPair pair;
  int64_t boottime_offset_ns = 0;  // CLOCK_BOOTTIME - CLOCK_MONOTONIC
  int64_t boottime_error_ns = 0;
  int64_t tai_offset_ns = 0;
  bool wall_notice = false;  // the kernel said that the wall clock was set since the last look
  bool tsc_trusted = false;
  uint32_t tsc_epoch = 0;         // counts the counter's steps and its dismissal
  int64_t tsc_step_ns = 0;        // of the latest one
  uint64_t tsc_calibrations = 0;  // comparisons of the counter with CLOCK_MONOTONIC so far
};

// "clock epoch 3: the wall clock stepped by 1.5s".
std::string DescribeEpoch(const ClockEpoch& epoch);

// The newest kKept epochs. One thread, or a lock around it.
class ClockEpochs {
 public:
  static constexpr size_t kKept = 64;
  static constexpr int64_t kStepMinNs = 1'000;  // beyond the readings' own errors
  static constexpr int64_t kStoppedNs = 1'000'000'000;
  // The kernel tells every CPU of a step before it gives notice: the notice of a step that was read comes within this.
  static constexpr int64_t kNoticeLateNs = 1'000'000'000;

  // The first reading opens epoch 1. Readings come in the order of time.
  void Observe(const ClockReading& reading);

  // Oldest first; the last is in force. Empty before the first reading.
  const std::vector<ClockEpoch>& epochs() const { return epochs_; }

 private:
  void Begin(EpochReason reason, int64_t after_mono_ns, int64_t step_ns, const ClockReading& reading);
  bool ObserveWall(const ClockReading& reading);
  bool ObserveTsc(const ClockReading& reading);

  std::vector<ClockEpoch> epochs_;
  ClockReading last_;
  int64_t tsc_good_mono_ns_ = 0;           // the counter was found right after this
  int64_t notice_owed_until_mono_ns_ = 0;  // a notice until then is of a step that was read before
};

// The one that a time lies in: the oldest kept for earlier ones; null when there is none. Between an edge's two times it is the earlier
// epoch.
const ClockEpoch* EpochOf(const std::vector<ClockEpoch>& epochs, int64_t mono_ns);

// The first whose beginning may lie in [begin, end]; null when there is none.
const ClockEpoch* EpochEdgeWithin(const std::vector<ClockEpoch>& epochs, int64_t begin_mono_ns, int64_t end_mono_ns);

}  // namespace hftmon

#endif  // HFTMON_COMMON_CLOCK_EPOCH_H_
