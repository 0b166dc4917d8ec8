// CounterWindow: what spans of one thread and one set of events add up to: sums by event, and of each rate its mean, extremes and
// percentiles. A value, one thread at a time; merging is addition, in any order the same but for the last digits of a mean.
//
// A rate's percentile p: spans whose rate was at most that value took p % of the thread's counted time on its CPU (nearest rank). Spans are
// of different lengths, and a rate of a few microseconds is not worth that of a millisecond.
// Resolution: rates are binned in steps of a millionth (events per second: of 1), in the log-linear layout: true to a step below 128 of
// them, else at most 0.78 % off; of a hit ratio it is the share of misses that is binned, so 0.999 is true to 0.00001.
#ifndef HFTMON_DAEMON_ANALYSIS_COUNTER_WINDOW_H_
#define HFTMON_DAEMON_ANALYSIS_COUNTER_WINDOW_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/sparse_histogram.h"
#include "daemon/analysis/counter_rates.h"
#include "daemon/ingest/counter_span.h"

namespace hftmon {

// Of one event, over the spans in which it was counted.
struct EventSum {
  uint64_t value = 0;  // as counted
  int64_t enabled_ns = 0;
  int64_t running_ns = 0;
  uint64_t span_count = 0;

  void Add(const EventSum& other);
  bool estimated() const { return running_ns < enabled_ns; }
  // Scaled for the time in which it had no counter; absent when it never had one.
  std::optional<double> Scaled() const;
};

// What one span says of each rate of its set, in their order: made once, added to each sum that the span is in.
struct BinnedRate {
  RateParts parts;
  double quotient = 0;
  size_t bin = 0;
  bool contradictory = false;
};
using SpanRates = std::vector<std::optional<BinnedRate>>;
SpanRates SpanRatesOf(const std::vector<CounterRate>& of_set, const CounterSpan& span);

// Of one rate, over the spans that have it.
struct RateSum {
  RateParts parts;
  uint64_t span_count = 0;
  uint64_t contradictory_span_count = 0;  // of them, see IsContradictory: their rate is told as the nearer of 0 and 1
  double lowest = 0;                      // quotients, as QuotientOf
  double highest = 0;
  bool estimated = false;     // events had no counter in a part of the time
  SparseHistogram on_cpu_ns;  // by quotient

  void Add(const BinnedRate& rate, const CounterSpan& span);
  void Add(const RateSum& other);
};

struct RateSummary {
  double mean = 0;  // the ratio of sums
  double lowest = 0;
  double highest = 0;
  bool contradictory = false;  // its parts cannot both be true: see IsContradictory
};

struct CounterWindow {
  uint64_t span_count = 0;
  int64_t on_cpu_ns = 0;
  int64_t enabled_ns = 0;
  int64_t running_ns = 0;
  int64_t widest_ns = 0;  // spans, from begin to end
  int64_t wide_sum_ns = 0;
  int64_t last_end_mono_ns = 0;
  std::array<EventSum, kThreadCountersMax> events{};
  std::vector<RateSum> rates;  // in the order of the rates that it was added with

  void Add(const std::vector<CounterRate>& of_set, const CounterSpan& span) { Add(SpanRatesOf(of_set, span), span); }
  void Add(const SpanRates& of_span, const CounterSpan& span);
  void Add(const CounterWindow& other);
  size_t bytes() const;
};

// What a span or a total says of each event.
std::array<EventSum, kThreadCountersMax> EventSumsOf(const CounterSpan& span);

// Absent when no span has the rate.
std::optional<RateSummary> SummaryOf(const CounterRate& rate, const RateSum& sum);

// Absent when `percent` is not within (0, 100), when fewer spans are there than leave ten on either side of it (PercentileSamplesMin), or
// when it lies above what the bins hold.
std::optional<double> PercentileOf(const CounterRate& rate, const RateSum& sum, double percent);

// Of an event whose number nobody vouches for: it stayed 0 while the thread ran, which its not counting explains as well.
bool IsDoubtful(const CounterSet& set, size_t place, const std::array<EventSum, kThreadCountersMax>& events, int64_t on_cpu_ns);

// Of a rate: an event of it is doubtful, or over the window they contradict each other.
bool IsDoubtful(const CounterSet& set, const CounterRate& rate, const RateSummary& summary, const CounterWindow& window);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_COUNTER_WINDOW_H_
