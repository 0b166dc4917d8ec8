// CounterTotal: one event of all threads of a process together. Pure, any thread.
#ifndef HFTMON_DAEMON_PMU_COUNTER_TOTAL_H_
#define HFTMON_DAEMON_PMU_COUNTER_TOTAL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/pmu/process_counters.h"

namespace hftmon {

struct CounterTotal {
  // Each thread's own estimate where it was multiplexed. Saturates. Absent: none was counted. Threads that were on no CPU add nothing.
  std::optional<uint64_t> count;
  bool exact = true;                  // no estimate in it, none that also samples, none missing
  size_t uncounted_thread_count = 0;  // they ran, and never had a counter: what they did is missing
  std::optional<uint64_t> lost;       // samples; absent where a kernel before 6.0 does not tell
};

// In the order of the events. All threads have as many readings.
std::vector<CounterTotal> SumOfThreads(std::span<const ThreadReadings> threads);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_TOTAL_H_
