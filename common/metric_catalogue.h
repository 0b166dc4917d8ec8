// The catalogue: name, unit, kind, help and source of every metric and of every drop counter. The one owner of these facts; the API, the
// CLI and exporters draw from it. A new metric is one row here, one collector and one test.
//
// Constant data and pure functions, any thread.
#ifndef HFTMON_COMMON_METRIC_CATALOGUE_H_
#define HFTMON_COMMON_METRIC_CATALOGUE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

// kCounter: difference over the window. kGauge: a state or an extreme of the window. kPercentile: nearest rank over the window.
enum class MetricKind { kCounter, kGauge, kPercentile };

// What a metric is made of: the kernel's counts and times of switches, interrupts and spikes; or what threads count (`--cache`,
// `--counters`): the time in which they did, one event, or a rate of some.
enum class MetricOrigin : uint8_t { kThreads, kCounterTime, kCounterEvent, kCounterRate };

// A metric of a window, for a thread or a target. A percentile of a rate has the rate's name with the percentile behind it.
struct MetricRow {
  std::string_view name;  // snake_case, unit last
  std::string_view unit;  // "ns", "count", "threads"
  MetricKind kind;
  double percent;           // kPercentile: which one; else 0
  std::string_view help;    // one sentence
  std::string_view source;  // kernel field or tracepoint it is read from
  MetricOrigin origin = MetricOrigin::kThreads;
  std::string_view counted = {};  // kCounterEvent, kCounterRate: the event, or the rate's name (daemon/analysis/counter_rates.h)
  std::string_view needs = {};    // the same: the events that have to be counted, for people
};

// Something that did not fit or was lost, counted since the daemon started.
struct DropRow {
  std::string_view name;
  bool data_loss;         // true: something that was promised is missing; false: a stated bound was reached
  std::string_view help;  // what is missing and the mend
};

std::span<const MetricRow> MetricRows();
std::span<const DropRow> DropRows();

// Null when there is no such name.
const MetricRow* FindMetric(std::string_view name);
const DropRow* FindDrop(std::string_view name);

// "counter", "gauge", "percentile".
std::string_view MetricKindName(MetricKind kind);

// At most `limit` metric names that an unknown name may have meant, nearest first: small edit distance, or the name is a part of them.
std::vector<std::string_view> NearMetricNames(std::string_view name, size_t limit = 3);

// For errors: "metric 'X' does not exist: did you mean A or B? ListMetrics (`hftmon metrics --list`) names them all".
std::string UnknownMetricMessage(std::string_view name);

}  // namespace hftmon

#endif  // HFTMON_COMMON_METRIC_CATALOGUE_H_
