// What of this host's events is read at overflows, and of which event: what was wished for, tried. System calls: never from the loop. Any
// thread.
//
// Reads: what ChooseHostCounters, ReadTopCyclesPerSecond and ReadCounterRivals read. On a processor with cores of several kinds the events
// of the first online CPU's kind are counted, on all CPUs of that kind; elsewhere they have no counters, and the answer says so.
//
// Tried as a pinned group, which comes before unpinned ones, hftmon's own of each CPU among them: ThreadOverflows opens it so too.
#ifndef HFTMON_DAEMON_PMU_HOST_OVERFLOW_EVENTS_H_
#define HFTMON_DAEMON_PMU_HOST_OVERFLOW_EVENTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/pmu/counter_choice.h"
#include "daemon/pmu/host_counters.h"
#include "daemon/pmu/overflow_event.h"

namespace hftmon {

struct OverflowEvents {
  OverflowEvent overflow;
  uint64_t cross_call_count = 0;   // sent to try how many events fit, at most
  bool one_kind_of_cores = false;  // threads on CPUs of another kind are not counted: `unavailable` says so
  std::vector<ChosenEvent> events;
  std::vector<CountedEvent> members;                             // the same, in the same order, as they are opened
  std::vector<std::pair<std::string, std::string>> unavailable;  // metrics and CPUs that are not counted, each with the reason
};

// Errors as ChooseCounters and ChooseOverflowEvent.
absl::StatusOr<OverflowEvents> HostOverflowEvents(const HostCounters& host, const CounterWish& wish, size_t events_max, OverflowBy by,
                                                  int64_t rate_hz);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_HOST_OVERFLOW_EVENTS_H_
