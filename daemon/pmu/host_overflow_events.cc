#include "daemon/pmu/host_overflow_events.h"

#include <algorithm>

#include "daemon/os/cpu_topology.h"
#include "daemon/pmu/counter_budget.h"

namespace hftmon {
namespace {

constexpr char kOtherCores[] =
    "the processor has cores of several kinds, and a group of counters is of one: what threads do on these CPUs is not counted: pin them";

// The CPUs on which some of the events are not counted.
bool CountsElsewhere(const std::vector<ChosenEvent>& events, const std::vector<int>& online, int cpu) {
  return std::any_of(events.begin(), events.end(), [&](const ChosenEvent& event) {
    const EventEncoding* here = event.ForCpu(cpu);
    return here != nullptr && std::any_of(online.begin(), online.end(), [&](int other) { return event.ForCpu(other) != here; });
  });
}

}  // namespace

absl::StatusOr<OverflowEvents> HostOverflowEvents(const HostCounters& host, const CounterWish& wish, size_t events_max, OverflowBy by,
                                                  int64_t rate_hz) {
  uint64_t cross_call_count = 0;
  absl::StatusOr<CounterChoice> choice = ChooseHostCounters(host, wish, events_max, &cross_call_count);
  if (!choice.ok()) return choice.status();
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(host.root);
  if (!online.ok()) return online.status();
  const int cpu = online->empty() ? 0 : online->front();
  OverflowEvents events{.overflow = {}, .events = {}, .members = {}, .unavailable = std::move(choice->unavailable)};
  events.cross_call_count = cross_call_count;
  CpuEvents counted = EventsOfCpu(choice->events, cpu);
  for (const size_t place : counted.places) events.events.push_back(choice->events[place]);
  events.members = std::move(counted.events);
  for (const ChosenEvent& event : choice->events) {
    if (event.ForCpu(cpu) == nullptr) events.unavailable.emplace_back(event.name, kOtherCores);
  }
  events.one_kind_of_cores = CountsElsewhere(events.events, *online, cpu);
  if (events.one_kind_of_cores) events.unavailable.emplace_back("cores of other kinds", kOtherCores);
  const std::optional<CycleRate> cycle_rate = ReadTopCyclesPerSecond(host.root);
  absl::Status cycles = TrySampledCycles(*host.calls, host.facts);
  if (cycles.ok()) {
    // Beside the others, on this thread: that disturbs nobody.
    std::vector<CountedEvent> group = {{.name = "cycles", .attributes = CycleAttributes()}};
    group.insert(group.end(), events.members.begin(), events.members.end());
    cycles = CheckCounterBudget(*host.calls, {}, group, ReadCounterRivals(host.root, host.has_hypervisor));
  }
  absl::StatusOr<OverflowEvent> overflow = ChooseOverflowEvent(by, rate_hz, cycles, cycle_rate);
  if (!overflow.ok()) return overflow.status();
  events.overflow = *std::move(overflow);
  return events;
}

}  // namespace hftmon
