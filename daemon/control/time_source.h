// TimeSource: the seam through which the service places what was measured in time. Implemented by the daemon, faked in tests.
// Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_
#define HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_

#include <cstdint>
#include <vector>

#include "common/clock_anchor.h"
#include "common/clock_epoch.h"

namespace hftmon {

class TimeSource {
 public:
  virtual ~TimeSource() = default;
  // Oldest first, the last in force, after a look at the clocks. Never empty.
  virtual std::vector<ClockEpoch> Epochs() const = 0;
  // The bound of what `record_mono_ns` - `duration_ns` may be off, of an interval in the clock of `cpu`'s run queue.
  virtual BeginError ErrorOfBegin(uint16_t cpu, int64_t record_clock_ns, int64_t record_mono_ns, int64_t duration_ns) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TIME_SOURCE_H_
