// FakeTime: clocks as a test sets them. Safe from any thread, as the seam demands.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIME_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIME_H_

#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "daemon/control/time_source.h"

namespace hftmon {

// One epoch at first; the error of a beginning is a thousandth of the duration.
class FakeTime : public TimeSource {
 public:
  std::vector<ClockEpoch> Epochs() const override {
    std::lock_guard lock(mutex_);
    return epochs_;
  }
  BeginError ErrorOfBegin(uint16_t /*cpu*/, int64_t /*record_clock_ns*/, int64_t /*record_mono_ns*/, int64_t duration_ns) const override {
    return {.bound_ns = duration_ns / 1'000, .estimated = false};
  }

  // Two ticks are a nanosecond.
  absl::StatusOr<std::vector<PlacedTime>> FromTicks(std::span<const uint64_t> ticks) const override {
    if (!ticks_are_a_clock) return absl::FailedPreconditionError("the counter is no clock here");
    std::vector<PlacedTime> placed;
    for (const uint64_t reading : ticks) placed.push_back({.mono_ns = static_cast<int64_t>(reading / 2), .error_ns = 40});
    return placed;
  }
  std::optional<int64_t> FromRunQueueClock(uint16_t /*cpu*/, int64_t clock_ns) const override { return clock_ns + run_queue_offset_ns; }
  int64_t FromBoottime(int64_t boottime_ns) const override { return boottime_ns; }

  bool ticks_are_a_clock = true;    // set before the server is asked
  int64_t run_queue_offset_ns = 0;  // the same

  // The wall clock goes forward by `step_ns` between the two times.
  void StepWallClock(int64_t after_mono_ns, int64_t mono_ns, int64_t step_ns) {
    std::lock_guard lock(mutex_);
    ClockEpoch next = epochs_.back();
    epochs_.back().end_mono_ns = mono_ns;
    ++next.number;
    next.reason = EpochReason::kWallStep;
    next.begin_after_mono_ns = after_mono_ns;
    next.begin_mono_ns = mono_ns;
    next.step_ns = step_ns;
    next.pair.realtime_ns += step_ns;
    epochs_.push_back(next);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ClockEpoch> epochs_ = {
      {.pair = {.monotonic_ns = 0, .realtime_ns = 1'000'000, .error_ns = 20}, .tai_offset_ns = 37'000'000'000}};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIME_H_
