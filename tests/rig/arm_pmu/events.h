// The events that the cases count, and counting while something runs. The thread of main; system calls.
#ifndef HFTMON_TESTS_RIG_ARM_PMU_EVENTS_H_
#define HFTMON_TESTS_RIG_ARM_PMU_EVENTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/counter_reading.h"

namespace hftmon {

// What these CPUs count at once, besides one counter for cycles alone.
inline constexpr size_t kCounters = 6;

// User code's alone, as all below.
CountedEvent Event(std::string name, uint32_t type, uint64_t config);
CountedEvent Instructions();
CountedEvent Cycles();
// As many, each counting instructions: cycles would find a counter of their own.
std::vector<CountedEvent> SomeInstructions(size_t count);

// The type of this guest's hardware PMU; 0 and a failure of the case when /sys has none.
uint32_t PmuType();

// The kernel's.
PerfEventCalls& Calls();

// Opens them for the calling thread, or for `place`.
absl::StatusOr<CounterGroup> Open(const std::vector<CountedEvent>& events, const CounterPlace& place = {},
                                  const CounterGroup::Options& options = {});
// Switches the group on, does the work, switches it off, reads it. The first error.
absl::StatusOr<std::vector<CounterReading>> CountDuring(CounterGroup& group, const std::function<void()>& work);

// "" when the reading is that of the loop and was never multiplexed: no instruction is missing, and what was counted besides is at most
// `excess_per_mille` of it. Else what is wrong. Of the calls around it there are about 60.
std::string NotTheLoop(const CounterReading& reading, uint64_t rounds, uint64_t excess_per_mille = 1);

}  // namespace hftmon

#endif  // HFTMON_TESTS_RIG_ARM_PMU_EVENTS_H_
