// What a window of counters says of the catalogue's metrics of what threads count. Pure functions, any thread; allocates: never in the
// loop.
#ifndef HFTMON_DAEMON_ANALYSIS_COUNTER_METRICS_H_
#define HFTMON_DAEMON_ANALYSIS_COUNTER_METRICS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/metric_catalogue.h"
#include "daemon/analysis/counter_window.h"

namespace hftmon {

struct CounterMetricValue {
  double value = 0;
  bool estimated = false;  // events took turns on the counters: scaled
  bool doubtful = false;   // see IsDoubtful
};

// `rates` are those of the set, which the window was added up with. The mean of a rate is the ratio of sums. Of a window without spans,
// whose threads did not run: no rate, and 0 events in no time. Absent: it is not counted, no span has it, or its percentile has too few
// spans.
std::optional<CounterMetricValue> CounterMetricOf(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates,
                                                  const CounterWindow& window);

// Whether an event that it is made of was counted in no span of the window: the thread ran on cores of another kind, or the events had no
// counter.
bool LacksEvents(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates, const CounterWindow& window);

// Why no window of this set has it, and the mend; empty: windows can have it. `unavailable` are metrics that did not come into the set,
// each with its reason. `named`: it was asked for by its name, and not with all there are, which have one reason then.
std::string WhyNotCounted(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates,
                          const std::vector<std::pair<std::string, std::string>>& unavailable, bool named);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_COUNTER_METRICS_H_
