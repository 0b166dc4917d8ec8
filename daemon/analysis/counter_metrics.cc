#include "daemon/analysis/counter_metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {
namespace {

std::optional<size_t> PlaceOf(const CounterSet& set, std::string_view event) {
  for (size_t place = 0; place < std::min(set.events.size(), kThreadCountersMax); ++place) {
    if (set.events[place].name == event) return place;
  }
  return std::nullopt;
}

std::optional<size_t> IndexOf(const std::vector<CounterRate>& rates, std::string_view name) {
  const auto found = std::find_if(rates.begin(), rates.end(), [name](const CounterRate& rate) { return rate.name == name; });
  return found == rates.end() ? std::nullopt : std::optional(static_cast<size_t>(found - rates.begin()));
}

std::optional<CounterMetricValue> TimeOf(const MetricRow& metric, const CounterWindow& window) {
  if (metric.unit == "ns") return CounterMetricValue{.value = static_cast<double>(window.on_cpu_ns)};
  if (window.enabled_ns <= 0) return std::nullopt;
  return CounterMetricValue{.value = std::min(1.0, static_cast<double>(window.running_ns) / static_cast<double>(window.enabled_ns))};
}

std::optional<CounterMetricValue> EventOf(const CounterSet& set, size_t place, const CounterWindow& window) {
  if (window.span_count == 0) return CounterMetricValue{};
  const EventSum& sum = window.events[place];
  const std::optional<double> count = sum.Scaled();
  if (!count) return std::nullopt;
  return CounterMetricValue{
      .value = *count, .estimated = sum.estimated(), .doubtful = IsDoubtful(set, place, window.events, window.on_cpu_ns)};
}

std::optional<CounterMetricValue> RateOf(const MetricRow& metric, const CounterSet& set, const CounterRate& rate, const RateSum& sum,
                                         const CounterWindow& window) {
  const std::optional<RateSummary> summary = SummaryOf(rate, sum);
  if (!summary) return std::nullopt;
  CounterMetricValue told{.value = summary->mean, .estimated = sum.estimated, .doubtful = IsDoubtful(set, rate, *summary, window)};
  if (metric.kind != MetricKind::kPercentile) return told;
  const std::optional<double> percentile = PercentileOf(rate, sum, metric.percent);
  if (!percentile) return std::nullopt;
  told.value = *percentile;
  return told;
}

}  // namespace

std::optional<CounterMetricValue> CounterMetricOf(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates,
                                                  const CounterWindow& window) {
  if (metric.origin == MetricOrigin::kCounterTime) return TimeOf(metric, window);
  if (metric.origin == MetricOrigin::kCounterEvent) {
    const std::optional<size_t> place = PlaceOf(set, metric.counted);
    return place ? EventOf(set, *place, window) : std::nullopt;
  }
  const std::optional<size_t> rate = IndexOf(rates, metric.counted);
  if (!rate || *rate >= window.rates.size()) return std::nullopt;
  return RateOf(metric, set, rates[*rate], window.rates[*rate], window);
}

bool LacksEvents(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates, const CounterWindow& window) {
  uint16_t needed = 0;
  if (metric.origin == MetricOrigin::kCounterEvent) {
    if (const std::optional<size_t> place = PlaceOf(set, metric.counted)) needed = static_cast<uint16_t>(1u << *place);
  } else if (const std::optional<size_t> rate = IndexOf(rates, metric.counted)) {
    needed = rates[*rate].events();
  }
  for (size_t place = 0; place < kThreadCountersMax; ++place) {
    if ((needed >> place & 1) != 0 && window.events[place].enabled_ns < window.enabled_ns) return true;
  }
  return false;
}

std::string WhyNotCounted(const MetricRow& metric, const CounterSet& set, const std::vector<CounterRate>& rates,
                          const std::vector<std::pair<std::string, std::string>>& unavailable, bool named) {
  if (metric.origin == MetricOrigin::kThreads || metric.origin == MetricOrigin::kCounterTime) return "";
  const bool counted =
      metric.origin == MetricOrigin::kCounterEvent ? PlaceOf(set, metric.counted).has_value() : IndexOf(rates, metric.counted).has_value();
  if (counted) return "";
  for (const auto& [part, reason] : unavailable) {
    if (metric.needs.find(part) != std::string_view::npos) return fmt::format("{}: {}", part, reason);
  }
  if (!named) return "not all of their events are counted: name these with --counters (`hftmon metrics --metrics NAME` says which)";
  if (metric.needs.find(' ') == std::string_view::npos) return fmt::format("it is not counted: name it with --counters {}", metric.needs);
  return fmt::format("it needs {}, which are not all counted: name them with --counters", metric.needs);
}

}  // namespace hftmon
