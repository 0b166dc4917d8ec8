// CounterChoice: which events are counted of threads, of what was asked for and what this host has. ChooseCounters decides it. Pure but
// for what it is given; allocates: never in the loop. Any thread.
//
// Events that are named are counted all or none. The metrics of caches come behind them, in order of what they are worth, as many as find
// counters beside the others: the rest is unavailable, each with its reason.
#ifndef HFTMON_DAEMON_PMU_COUNTER_CHOICE_H_
#define HFTMON_DAEMON_PMU_COUNTER_CHOICE_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/pmu/counter_wish.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/hardware_metric.h"
#include "daemon/pmu/metric_events.h"

namespace hftmon {

struct ChosenEvent {
  std::string name;                      // as it was asked for
  std::string metric;                    // HardwareMetricName, where it is one; else empty
  std::string counts;                    // what exactly; empty: its name says it
  bool number_unchecked = false;         // as EventEncoding says
  std::vector<EventEncoding> encodings;  // one for each kind of core that has it, for its CPUs

  // Null: the cores of that kind do not have it.
  const EventEncoding* ForCpu(int cpu) const;
};

struct CounterChoice {
  std::vector<ChosenEvent> events;
  std::vector<std::pair<std::string, std::string>> unavailable;  // metrics that were asked for with the rest, each with the reason
};

struct CounterChoiceParts {
  // EventNames::EncodeAll, each encoding tried.
  std::function<absl::StatusOr<std::vector<EventEncoding>>(const std::string& name)> encode;
  // EncodeMetric for each kind of core, tried; those that have it, or why none has.
  std::function<absl::StatusOr<std::vector<MetricEvent>>(HardwareMetric metric)> encode_metric;
  // Whether these count at once: CheckCounterBudget, on each kind of core.
  std::function<absl::Status(std::span<const ChosenEvent> events)> fits;
};

// Of those in order of what they are worth, which "cache" stands for.
std::span<const HardwareMetric> CacheMetrics();

// At most `events_max`. NOT_FOUND names near ones; RESOURCE_EXHAUSTED: they do not count at once, with who may have the counters;
// INVALID_ARGUMENT: no event of a thread. FAILED_PRECONDITION: this host cannot count it, or of `cache` nothing at all. Each names the
// event.
absl::StatusOr<CounterChoice> ChooseCounters(const CounterWish& wish, const CounterChoiceParts& parts, size_t events_max);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_CHOICE_H_
