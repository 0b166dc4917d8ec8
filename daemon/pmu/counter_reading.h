// CounterReading: what one counter said: of one moment, or (CounterDelta) of the time between two. Passive data.
#ifndef HFTMON_DAEMON_PMU_COUNTER_READING_H_
#define HFTMON_DAEMON_PMU_COUNTER_READING_H_

#include <cstdint>
#include <optional>

namespace hftmon {

struct CounterReading {
  uint64_t value = 0;       // as counted: of running_ns alone
  uint64_t enabled_ns = 0;  // a thread's: on a CPU while the counter was switched on; a CPU's: switched on, the CPU online
  uint64_t running_ns = 0;  // of those, how long the event had a hardware counter
  // Samples of it that found no room in their ring; 0 of an event that only counts. Absent: kernels before 6.0 do not tell.
  std::optional<uint64_t> lost;
  // It also writes samples. While the kernel throttles those, the event stands still and its time runs on: nothing here shows it.
  bool sampled = false;

  // It had a counter at some time. If not, there is no value: neither 0 nor another.
  bool counted() const { return running_ns > 0; }
  // Others had the counters for a part of the time, or (hybrid processors) the thread was on cores of another kind.
  bool multiplexed() const { return running_ns < enabled_ns; }
  // `value` is all that happened while it was switched on.
  bool exact() const { return counted() && !multiplexed() && !sampled; }
  // `value`, or where it was multiplexed the estimate for the whole of enabled_ns, which supposes that the rest was like what was counted.
  // Saturates. Absent when !counted(). Not for a hybrid processor's thread: there the sum of both kinds' `value` is the count.
  std::optional<uint64_t> Scaled() const;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_READING_H_
