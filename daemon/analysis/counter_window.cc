#include "daemon/analysis/counter_window.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/histogram.h"
#include "common/saturating_sum.h"
#include "daemon/pmu/hardware_metric.h"

namespace hftmon {
namespace {

constexpr double kStepsPerUnit = 1e6;

double StepsPerUnit(const CounterRate& rate) {
  return rate.unit == RateUnit::kPerSecond ? 1 : kStepsPerUnit;
}

size_t BinOf(const CounterRate& rate, double quotient) {
  constexpr double kTop = uint64_t{1} << HFT_HISTOGRAM_TOP_LOG2;
  const double steps = std::round(std::max(0.0, quotient) * StepsPerUnit(rate));
  return steps >= kTop ? kHistogramBuckets - 1 : BucketOf(static_cast<int64_t>(steps));
}

// The quotient at the rank of `percent`, counted from the lowest, or from the highest.
std::optional<double> QuotientAt(const CounterRate& rate, const RateSum& sum, double percent, bool from_highest) {
  std::vector<std::pair<size_t, uint64_t>> bins;
  uint64_t total = 0;
  sum.on_cpu_ns.ForEach([&](size_t bucket, uint64_t weight) {
    bins.emplace_back(bucket, weight);
    total += weight;
  });
  if (from_highest) std::reverse(bins.begin(), bins.end());
  // To 1e-7 percent, as PercentileRank: 99.9 is no binary fraction.
  const long double rank = std::ceil(static_cast<long double>(total) * std::llround(percent * 1e7) / 1e9L);
  uint64_t reached = 0;
  for (const auto& [bucket, weight] : bins) {
    reached += weight;
    if (static_cast<long double>(reached) < rank) continue;
    if (bucket == kHistogramBuckets - 1) return std::nullopt;
    return std::clamp(static_cast<double>(BucketMiddleNs(bucket)) / StepsPerUnit(rate), sum.lowest, sum.highest);
  }
  return std::nullopt;
}

}  // namespace

void EventSum::Add(const EventSum& other) {
  value = SaturatingSum(value, other.value);
  enabled_ns += other.enabled_ns;
  running_ns += other.running_ns;
  span_count += other.span_count;
}

std::optional<double> EventSum::Scaled() const {
  if (span_count == 0 || running_ns <= 0) return std::nullopt;
  if (!estimated()) return static_cast<double>(value);
  return static_cast<double>(value) * static_cast<double>(enabled_ns) / static_cast<double>(running_ns);
}

SpanRates SpanRatesOf(const std::vector<CounterRate>& of_set, const CounterSpan& span) {
  SpanRates rates(of_set.size());
  for (size_t i = 0; i < of_set.size(); ++i) {
    const std::optional<RateParts> parts = PartsOf(of_set[i], span);
    if (!parts) continue;
    const double quotient = QuotientOf(of_set[i], *parts);
    rates[i] = BinnedRate{
        .parts = *parts, .quotient = quotient, .bin = BinOf(of_set[i], quotient), .contradictory = IsContradictory(of_set[i], quotient)};
  }
  return rates;
}

void RateSum::Add(const BinnedRate& rate, const CounterSpan& span) {
  lowest = span_count == 0 ? rate.quotient : std::min(lowest, rate.quotient);
  highest = span_count == 0 ? rate.quotient : std::max(highest, rate.quotient);
  parts.part += rate.parts.part;
  parts.whole += rate.parts.whole;
  ++span_count;
  contradictory_span_count += rate.contradictory ? 1 : 0;
  estimated |= span.running_ns < span.enabled_ns;
  on_cpu_ns.Add(rate.bin, static_cast<uint64_t>(std::max<int64_t>(1, span.on_cpu_ns)));
}

void RateSum::Add(const RateSum& other) {
  estimated |= other.estimated;
  if (other.span_count == 0) return;
  lowest = span_count == 0 ? other.lowest : std::min(lowest, other.lowest);
  highest = span_count == 0 ? other.highest : std::max(highest, other.highest);
  parts.part += other.parts.part;
  parts.whole += other.parts.whole;
  span_count += other.span_count;
  contradictory_span_count += other.contradictory_span_count;
  on_cpu_ns.Add(other.on_cpu_ns);
}

std::array<EventSum, kThreadCountersMax> EventSumsOf(const CounterSpan& span) {
  std::array<EventSum, kThreadCountersMax> events{};
  for (size_t place = 0; place < kThreadCountersMax; ++place) {
    if ((span.counted >> place & 1) == 0) continue;
    events[place] = {.value = span.values[place], .enabled_ns = span.enabled_ns, .running_ns = span.running_ns, .span_count = 1};
  }
  return events;
}

void CounterWindow::Add(const SpanRates& of_span, const CounterSpan& span) {
  const int64_t wide_ns = std::max<int64_t>(0, span.end_mono_ns - span.begin_mono_ns);
  ++span_count;
  on_cpu_ns += span.on_cpu_ns;
  enabled_ns += span.enabled_ns;
  running_ns += span.running_ns;
  widest_ns = std::max(widest_ns, wide_ns);
  wide_sum_ns += wide_ns;
  last_end_mono_ns = std::max(last_end_mono_ns, span.end_mono_ns);
  for (size_t place = 0; place < kThreadCountersMax; ++place) {
    if ((span.counted >> place & 1) != 0) {
      events[place].Add({.value = span.values[place], .enabled_ns = span.enabled_ns, .running_ns = span.running_ns, .span_count = 1});
    }
  }
  rates.resize(of_span.size());
  for (size_t i = 0; i < of_span.size(); ++i) {
    if (of_span[i]) rates[i].Add(*of_span[i], span);
    // Of a span in which the events had no counter at all the others speak.
    rates[i].estimated |= span.running_ns < span.enabled_ns;
  }
}

void CounterWindow::Add(const CounterWindow& other) {
  span_count += other.span_count;
  on_cpu_ns += other.on_cpu_ns;
  enabled_ns += other.enabled_ns;
  running_ns += other.running_ns;
  widest_ns = std::max(widest_ns, other.widest_ns);
  wide_sum_ns += other.wide_sum_ns;
  last_end_mono_ns = std::max(last_end_mono_ns, other.last_end_mono_ns);
  for (size_t place = 0; place < kThreadCountersMax; ++place) events[place].Add(other.events[place]);
  rates.resize(std::max(rates.size(), other.rates.size()));
  for (size_t i = 0; i < other.rates.size(); ++i) rates[i].Add(other.rates[i]);
}

size_t CounterWindow::bytes() const {
  size_t bytes = sizeof(*this) + (rates.capacity() - rates.size()) * sizeof(RateSum);
  for (const RateSum& rate : rates) bytes += sizeof(rate) - sizeof(rate.on_cpu_ns) + rate.on_cpu_ns.bytes();
  return bytes;
}

std::optional<RateSummary> SummaryOf(const CounterRate& rate, const RateSum& sum) {
  if (sum.span_count == 0) return std::nullopt;
  const double quotient = QuotientOf(rate, sum.parts);
  RateSummary summary{.mean = ShownRate(rate, quotient),
                      .lowest = ShownRate(rate, rate.complement ? sum.highest : sum.lowest),
                      .highest = ShownRate(rate, rate.complement ? sum.lowest : sum.highest),
                      .contradictory = IsContradictory(rate, quotient)};
  return summary;
}

std::optional<double> PercentileOf(const CounterRate& rate, const RateSum& sum, double percent) {
  // The low end of a hit ratio matters as the high end of misses does: both need ten spans beyond.
  if (sum.span_count < PercentileSamplesMin(std::max(percent, 100 - percent))) return std::nullopt;
  const std::optional<double> quotient = QuotientAt(rate, sum, percent, rate.complement);
  if (!quotient) return std::nullopt;
  return ShownRate(rate, *quotient);
}

bool IsDoubtful(const CounterSet& set, size_t place, const std::array<EventSum, kThreadCountersMax>& events, int64_t on_cpu_ns) {
  if (!set.events[place].number_unchecked || events[place].span_count == 0 || events[place].value != 0) return false;
  for (size_t i = 0; i < std::min(set.events.size(), kThreadCountersMax); ++i) {
    if (i != place && set.events[i].metric == HardwareMetricName(HardwareMetric::kCycles)) return events[i].value > 0;
  }
  return on_cpu_ns > 0;
}

bool IsDoubtful(const CounterSet& set, const CounterRate& rate, const RateSummary& summary, const CounterWindow& window) {
  if (summary.contradictory) return true;
  for (size_t place = 0; place < std::min(set.events.size(), kThreadCountersMax); ++place) {
    if ((rate.events() >> place & 1) != 0 && IsDoubtful(set, place, window.events, window.on_cpu_ns)) return true;
  }
  return false;
}

}  // namespace hftmon
