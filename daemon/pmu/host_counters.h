// What ChooseCounters needs, of this host: names and metrics of its PMUs, tried; how many count at once. System calls: never from the loop.
//
// Whether events count at once is tried on the calling thread, which disturbs nobody; of a processor with cores of several kinds on the
// first online CPU of each kind, which is interrupted several times for each event.
// Reads: what ReadHostEventNames and ReadCoreKind read, /proc/sys/kernel/nmi_watchdog. Any thread.
#ifndef HFTMON_DAEMON_PMU_HOST_COUNTERS_H_
#define HFTMON_DAEMON_PMU_HOST_COUNTERS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/counter_choice.h"
#include "daemon/pmu/counter_group.h"

namespace hftmon {

struct HostCounters {
  FileRoot root;
  PerfEventCalls* calls = nullptr;  // outlives all who choose
  PerfEventRefusalFacts facts;
  bool has_hypervisor = false;
};

// As ChooseCounters. PMUs are read anew: they come and go with modules. `cross_call_count` is how often other CPUs were interrupted for it,
// at most, whatever the outcome.
absl::StatusOr<CounterChoice> ChooseHostCounters(const HostCounters& host, const CounterWish& wish, size_t events_max,
                                                 uint64_t* cross_call_count);

// What a CPU counts of these, and for each the place in `events`.
struct CpuEvents {
  std::vector<CountedEvent> events;
  std::vector<size_t> places;
};
CpuEvents EventsOfCpu(std::span<const ChosenEvent> events, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_HOST_COUNTERS_H_
