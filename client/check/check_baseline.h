// CheckBaseline: an earlier run, and what has become worse since.
//
// A figure has regressed where both hold: its segments are larger than the baseline's by a test that assumes no distribution
// (RankSumTest) at kRegressionChance, and their median has grown by more than kRegressionMargin. The first keeps out chance: of runs that
// do not differ and whose segments are alike, each compared figure is called a regression less than once in 1,000 times, all (at most 25)
// together less than once in 40. The second keeps out differences that are real and small. What differs from run to run for other reasons
// (another placement, other load on the host) is not chance: compare runs made alike. With fewer than kSegmentsMin segments on either side
// nothing can be said, which is a warning.
#ifndef HFTMON_CLIENT_CHECK_CHECK_BASELINE_H_
#define HFTMON_CLIENT_CHECK_CHECK_BASELINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/check/check_series.h"

namespace hftmon {

inline constexpr double kRegressionChance = 0.001;
inline constexpr double kRegressionMargin = 0.1;
inline constexpr size_t kSegmentsMin = 6;

struct CheckComparison {
  std::string key;    // "isolation.p99_runqueue_ns"
  double before = 0;  // medians of the segments
  double now = 0;
  double chance = 1;
  bool regressed = false;
  bool too_few = false;  // segments
};

// The series of a report that `check --format json` wrote. INVALID_ARGUMENT: it is none, of another schema, or without segments.
absl::StatusOr<CheckSeries> ReadBaseline(const std::string& text);

// Of every figure that both have.
std::vector<CheckComparison> Compare(const CheckSeries& before, const CheckSeries& now);

// "1.3 -> 2.7 (p = 0.0002)", for people.
std::string ComparisonText(const CheckComparison& comparison);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_BASELINE_H_
