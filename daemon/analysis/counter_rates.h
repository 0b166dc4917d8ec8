// CounterRates: what a set of counted events tells as rates: instructions per cycle, hit ratios, misses per 1,000 instructions, events per
// second. Pure functions, any thread; allocates: never in the loop.
//
// A rate is there when all events that it is made of are counted in the set. Which those are stands in its formula: processors count
// different things, so one rate can be made in several ways.
#ifndef HFTMON_DAEMON_ANALYSIS_COUNTER_RATES_H_
#define HFTMON_DAEMON_ANALYSIS_COUNTER_RATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/ingest/counter_span.h"

namespace hftmon {

enum class RateUnit : uint8_t { kRatio, kPerCycle, kPerKiloInstruction, kPerSecond };

// "ratio", "per_cycle", "per_1000_instructions", "per_second".
std::string_view RateUnitName(RateUnit unit);

// (part − less) / whole, each the sum of some events; masks have a bit for each place of a CounterSet.
struct CounterRate {
  std::string name;     // "l1d_hit_ratio", "dtlb_mpki", "page-faults_per_second"
  std::string formula;  // "l1d_hits / (l1d_hits + l1d_misses)"
  RateUnit unit = RateUnit::kRatio;
  uint16_t part = 0;
  uint16_t less = 0;
  uint16_t whole = 0;       // 0: the time on the CPU
  bool complement = false;  // the quotient is the share of misses, the rate what is left of 1

  uint16_t events() const { return part | less | whole; }
};

// In the order of the metrics, then of the events that are no metrics.
std::vector<CounterRate> RatesOf(const CounterSet& set);

// The two halves of the quotient, which sums over spans are made of: a mean is the ratio of sums.
struct RateParts {
  double part = 0;   // below 0 where the events contradict each other (more hits than accesses); of events per second scaled for the
                     // time without a counter
  double whole = 0;  // above 0
};

// Of one span. Absent: one of the events is not counted in it, they had no counter, or the whole is 0.
std::optional<RateParts> PartsOf(const CounterRate& rate, const CounterSpan& span);

// The quotient in the rate's unit. Of a complement it is the share of misses still: ShownRate makes the rate of it.
double QuotientOf(const CounterRate& rate, const RateParts& parts);

// The rate as it is told. A ratio is 0 to 1: where its parts contradict each other (more misses or hits than accesses) it is the nearer of
// the two. Events are read one after the other, so spans of some microseconds contradict themselves by a few; sums of many do not.
double ShownRate(const CounterRate& rate, double quotient);
bool IsContradictory(const CounterRate& rate, double quotient);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_COUNTER_RATES_H_
