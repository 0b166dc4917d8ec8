// What the benches of hooks share: ways of watching that are compared within one run, and what is made of their times.
//
// A game is many events of one kind (a context switch, an interrupt), its time the mean of the middle half of theirs. A round visits every
// way. A way's time in a round is the lower quintile of its games there: a neighbour on the same core makes whole games a third slower, and
// nothing makes one faster. Ways are compared within a round; the median over the rounds is reported, and its 95 % confidence interval.
// Passive data and pure functions.
#ifndef HFTMON_TESTS_BENCH_PAIRED_ROUNDS_H_
#define HFTMON_TESTS_BENCH_PAIRED_ROUNDS_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hftmon::testing {

// One way of watching.
struct Way {
  std::map<int, std::vector<double>> games_ns;  // by round: one event, of each game
  std::vector<double> p99_9_ns;                 // of each visit
  double max_ns = 0;
  std::string why_not;  // set when it could not be measured
  bool measured() const { return !games_ns.empty(); }
};

constexpr int kRoundsForConfidence = 6;

struct Estimate {
  double ns = 0;
  // 95 % confidence: whatever the distribution, the median lies between these ranks. Of fewer than kRoundsForConfidence values their range,
  // which is less.
  double low_ns = 0;
  double high_ns = 0;
};

// The value below which `share` of them lie.
double Quantile(std::vector<double> values, double share);
// All zero when there are none.
Estimate MedianOf(const std::vector<double>& values);
// What an event of `way` takes more than one of `floor`, in the rounds that have both.
Estimate Above(const Way& way, const Way& floor);
// Of two parts, each measured by itself; the intervals are added too, which is wider than need be.
Estimate Sum(const Estimate& one, const Estimate& other);
// What it takes in all.
Estimate Whole(const Way& way);

// The row of a report: {way, EVENT_ns | added_ns, low_ns, high_ns, rounds} or {way, unavailable}; `way` is the base itself or compared with
// it.
nlohmann::json RowOf(const std::string& name, const Way& way, const Way& base, const std::string& event);
// Names the rows whose interval is a range only.
void PrintRangeNote(const nlohmann::json& rows);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_PAIRED_ROUNDS_H_
