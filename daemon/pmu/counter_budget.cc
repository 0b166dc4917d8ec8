#include "daemon/pmu/counter_budget.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "daemon/os/number_file.h"

namespace hftmon {
namespace {

constexpr CounterGroup::Options kPinned{.pinned = true};

absl::Status CheckPlace(const CounterPlace& place) {
  if (place.tid <= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("whether counters are free for {} shows only while it runs: try a CPU, or the calling thread", place.ToString()));
}

// Switches it on; whether it found counters.
absl::StatusOr<bool> Begin(CounterGroup& group) {
  if (absl::Status enabled = group.Enable(); !enabled.ok()) return enabled;
  const absl::StatusOr<std::vector<CounterReading>> readings = group.Read();
  if (absl::IsResourceExhausted(readings.status())) return false;
  if (!readings.ok()) return readings.status();
  if (readings->front().counted()) return true;
  return absl::FailedPreconditionError(fmt::format("{} does not count on {}: of a hybrid processor, it belongs to cores of the other kind",
                                                   group.name(0), group.place().ToString()));
}

absl::StatusOr<bool> CountAtOnce(PerfEventCalls& calls, const CounterPlace& place, std::span<const CountedEvent> events) {
  absl::StatusOr<CounterGroup> group = CounterGroup::Open(calls, place, events, kPinned);
  return group.ok() ? Begin(*group) : group.status();
}

std::string Holders(const CounterRivals& rivals) {
  std::string text;
  if (rivals.nmi_watchdog.value_or(false)) text += "the NMI watchdog holds one (sysctl kernel.nmi_watchdog=0 frees it); ";
  if (!rivals.nmi_watchdog) text += "the NMI watchdog may hold one (see kernel.nmi_watchdog); ";
  if (rivals.hypervisor) text += "the hypervisor may give fewer than the processor has; ";
  return text + "other users of perf may hold some (end them), or this processor has no more (arm64 kernels do not tell)";
}

}  // namespace

CounterRivals ReadCounterRivals(const FileRoot& root, bool has_hypervisor) {
  CounterRivals rivals{.hypervisor = has_hypervisor};
  if (const auto level = ReadNumber<int>(root, "/proc/sys/kernel/nmi_watchdog")) rivals.nmi_watchdog = *level != 0;
  return rivals;
}

absl::StatusOr<CounterBudget> MeasureCounterBudget(PerfEventCalls& calls, const CounterPlace& place, const CountedEvent& event,
                                                   size_t events_max) {
  if (absl::Status checked = CheckPlace(place); !checked.ok()) return checked;
  // Each a group of its own. The kernel places pinned ones in the order in which they came: the newest is the one that finds nothing.
  std::vector<CounterGroup> copies;
  while (copies.size() < events_max) {
    absl::StatusOr<CounterGroup> copy = CounterGroup::Open(calls, place, std::span(&event, 1), kPinned);
    if (!copy.ok()) return copy.status();
    const absl::StatusOr<bool> counts = Begin(*copy);
    if (!counts.ok()) return counts.status();
    if (!*counts) return CounterBudget{.events = copies.size()};
    copies.push_back(*std::move(copy));
  }
  return CounterBudget{.events = copies.size(), .at_least = true};
}

absl::Status CheckCounterBudget(PerfEventCalls& calls, const CounterPlace& place, std::span<const CountedEvent> events,
                                const CounterRivals& rivals) {
  if (absl::Status checked = CheckPlace(place); !checked.ok()) return checked;
  if (events.empty()) return absl::InvalidArgumentError("no event: name one to see whether it counts");
  size_t fitting = events.size();
  bool one_more_is_refused = false;  // whoever holds counters
  for (;; --fitting) {
    const absl::StatusOr<bool> counts = fitting == 0 ? true : CountAtOnce(calls, place, events.first(fitting));
    if (counts.ok() && *counts) break;
    if (!counts.ok() && !absl::IsOutOfRange(counts.status())) return counts.status();
    one_more_is_refused = !counts.ok();
  }
  if (fitting == events.size()) return absl::OkStatus();
  if (one_more_is_refused) {
    return absl::OutOfRangeError(fmt::format(
        "{} events do not count at once on {}: {} do, {} finds no counter: this processor has no more, or another PMU counts it: "
        "count fewer at a time",
        events.size(), place.ToString(), fitting, events[fitting].name));
  }
  return absl::ResourceExhaustedError(
      fmt::format("{} events do not count at once on {}: {} do, {} finds no counter: {}; else count fewer at a time", events.size(),
                  place.ToString(), fitting, events[fitting].name, Holders(rivals)));
}

}  // namespace hftmon
