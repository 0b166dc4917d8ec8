// CounterBudget: how many events a processor counts at once here and now: found out by trying, since nobody tells what the NMI watchdog,
// other users of perf and a hypervisor have taken.
//
// Any thread; nothing stays open. The CPU of the place is interrupted several times for each event: never one that is isolated or watched
// unless somebody asked for it; the calling thread's own costs others nothing.
#ifndef HFTMON_DAEMON_PMU_COUNTER_BUDGET_H_
#define HFTMON_DAEMON_PMU_COUNTER_BUDGET_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/counter_group.h"

namespace hftmon {

// Who may hold counters, for the message.
struct CounterRivals {
  std::optional<bool> nmi_watchdog;  // absent: the kernel does not tell
  bool hypervisor = false;
};
// Reads /proc/sys/kernel/nmi_watchdog.
CounterRivals ReadCounterRivals(const FileRoot& root, bool has_hypervisor);

struct CounterBudget {
  size_t events = 0;      // copies of the event that counted at once; of instructions or cycles that is one more where they have a counter
                          // of their own
  bool at_least = false;  // as many as were tried
};

// `place` is a CPU or the calling thread: of another thread nothing shows until it runs. Errors as CounterGroup::Open; INVALID_ARGUMENT:
// another thread. FAILED_PRECONDITION: the event does not count there at all.
absl::StatusOr<CounterBudget> MeasureCounterBudget(PerfEventCalls& calls, const CounterPlace& place, const CountedEvent& event,
                                                   size_t events_max = kGroupEventsMax);

// Whether all of them count at once there, now: others may come. RESOURCE_EXHAUSTED: they do not; it says how many do, which is the first
// that does not, who may have the counters and what helps; on arm64, whose kernels open a group that can never count, it may be nobody.
// OUT_OF_RANGE: the same, and nobody has them: there are no more. INVALID_ARGUMENT: no event, or more than kGroupEventsMax. Else as
// MeasureCounterBudget.
absl::Status CheckCounterBudget(PerfEventCalls& calls, const CounterPlace& place, std::span<const CountedEvent> events,
                                const CounterRivals& rivals);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_BUDGET_H_
