// TimeSource: the seam through which the service places what was measured in time. Implemented by the daemon, faked in tests.
// Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_
#define HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock_anchor.h"
#include "common/clock_epoch.h"
#include "common/placed_time.h"

namespace hftmon {

class TimeSource {
 public:
  virtual ~TimeSource() = default;
  // Oldest first, the last in force, after a look at the clocks. Never empty.
  virtual std::vector<ClockEpoch> Epochs() const = 0;
  // The bound of what `record_mono_ns` - `duration_ns` may be off, of an interval in the clock of `cpu`'s run queue.
  virtual BeginError ErrorOfBegin(uint16_t cpu, int64_t record_clock_ns, int64_t record_mono_ns, int64_t duration_ns) const = 0;
  // CLOCK_MONOTONIC of readings of the processor's counter, in their order. FAILED_PRECONDITION where the counter is no clock.
  virtual absl::StatusOr<std::vector<PlacedTime>> FromTicks(std::span<const uint64_t> ticks) const = 0;
  // CLOCK_MONOTONIC of a recent reading of a run queue's clock; nothing where no record has told the two together yet.
  virtual std::optional<int64_t> FromRunQueueClock(uint16_t cpu, int64_t clock_ns) const = 0;
  // CLOCK_MONOTONIC of a CLOCK_BOOTTIME time.
  virtual int64_t FromBoottime(int64_t boottime_ns) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_
