#include "daemon/service/convert_cache.h"

#include <algorithm>

#include "common/utf8.h"

namespace hftmon {
namespace {

size_t EventCount(const CounterSet& set) {
  return std::min(set.events.size(), kThreadCountersMax);
}

// One for each event of the set, in its order.
void AddCounters(const CounterSet& set, v1::ThreadCache* out) {
  for (size_t place = static_cast<size_t>(out->counters_size()); place < EventCount(set); ++place) {
    out->add_counters()->set_name(ValidUtf8(set.events[place].name));
  }
}

}  // namespace

void CounterEventToProto(const CounterSetEvent& event, v1::CounterEvent* out) {
  out->set_name(ValidUtf8(event.name));
  out->set_metric(event.metric);
  out->set_counts(ValidUtf8(event.counts));
  out->set_number_unchecked(event.number_unchecked);
}

void CounterStateToProto(const CounterTotals::State& state, const CounterSet& set, v1::QueryCacheResponse* out) {
  out->set_available(state.reason.empty());
  out->set_reason(ValidUtf8(state.reason));
  for (size_t place = 0; place < EventCount(set); ++place) CounterEventToProto(set.events[place], out->add_events());
  out->set_interval_ns(set.interval_ns);
  for (const auto& [part, reason] : state.unavailable) {
    v1::UnavailablePart* entry = out->add_unavailable();
    entry->set_part(ValidUtf8(part));
    entry->set_reason(ValidUtf8(reason));
  }
  out->set_total_cross_call_count(state.cross_call_count);
}

void RateToProto(const CounterRate& rate, v1::RateDefinition* out) {
  out->set_name(ValidUtf8(rate.name));
  out->set_unit(std::string(RateUnitName(rate.unit)));
  out->set_formula(ValidUtf8(rate.formula));
}

void CounterWindowToProto(const CounterSet& set, const std::vector<CounterRate>& rates, const CounterWindow& window,
                          const std::vector<double>& percentiles, v1::ThreadCache* out) {
  out->set_on_cpu_ns(window.on_cpu_ns);
  out->set_span_count(window.span_count);
  if (window.enabled_ns > 0) {
    out->set_running_share(std::min(1.0, static_cast<double>(window.running_ns) / static_cast<double>(window.enabled_ns)));
  }
  if (window.span_count > 0) {
    out->set_mean_span_ns(window.wide_sum_ns / static_cast<int64_t>(window.span_count));
    out->set_widest_span_ns(window.widest_ns);
  }
  AddCounters(set, out);
  for (size_t place = 0; place < EventCount(set); ++place) {
    v1::CounterValue* counter = out->mutable_counters(static_cast<int>(place));
    const EventSum& sum = window.events[place];
    if (const std::optional<double> value = sum.Scaled()) counter->set_value(*value);
    counter->set_estimated(sum.estimated());
    counter->set_doubtful(IsDoubtful(set, place, window.events, window.on_cpu_ns));
  }
  for (size_t i = 0; i < std::min(rates.size(), window.rates.size()); ++i) {
    const std::optional<RateSummary> summary = SummaryOf(rates[i], window.rates[i]);
    if (!summary) continue;
    v1::RateValue* entry = out->add_rates();
    entry->set_name(ValidUtf8(rates[i].name));
    entry->set_mean(summary->mean);
    entry->set_lowest(summary->lowest);
    entry->set_highest(summary->highest);
    entry->set_span_count(window.rates[i].span_count);
    entry->set_estimated(window.rates[i].estimated);
    entry->set_doubtful(IsDoubtful(set, rates[i], *summary, window));
    entry->set_contradictory_span_count(window.rates[i].contradictory_span_count);
    for (const double percent : percentiles) {
      const std::optional<double> value = PercentileOf(rates[i], window.rates[i], percent);
      if (!value) continue;
      v1::RatePercentile* percentile = entry->add_percentiles();
      percentile->set_percent(percent);
      percentile->set_value(*value);
    }
  }
}

void CounterTotalToProto(const CounterSet& set, const ThreadCounterTotal& total, v1::ThreadCache* out) {
  out->set_reading_count(total.reading_count);
  if (total.reading_count == 0) return;
  out->set_last_reading_monotonic_ns(total.last_mono_ns);
  if (total.sum.set != set.number) return;  // read last when other events were counted
  out->set_counted_since_monotonic_ns(total.sum.begin_mono_ns);
  AddCounters(set, out);
  const auto events = EventSumsOf(total.sum);
  for (size_t place = 0; place < EventCount(set); ++place) {
    v1::CounterValue* counter = out->mutable_counters(static_cast<int>(place));
    if (const std::optional<double> value = events[place].Scaled()) counter->set_total(*value);
    counter->set_total_estimated(events[place].estimated());
  }
}

}  // namespace hftmon
