// DurationRanks: percentiles of durations that are known in part: how many there were, the largest ones one by one, and of the rest, by
// groups, what none of them exceeds. A percentile is the nearest rank, and says how sure it is. Any thread, not shared.
#ifndef HFTMON_CLIENT_CHECK_DURATION_RANKS_H_
#define HFTMON_CLIENT_CHECK_DURATION_RANKS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/check/check_figure.h"

namespace hftmon {

class DurationRanks {
 public:
  // Durations themselves.
  void Add(int64_t duration_ns, uint64_t count = 1) {
    if (count > 0) seen_[duration_ns] += count;
  }
  // `count` durations that are each at most `upper_ns`.
  void AddAtMost(int64_t upper_ns, uint64_t count) {
    if (count > 0) at_most_[upper_ns] += count;
  }

  uint64_t count() const;
  // p50_SUBJECT_ns, p99_SUBJECT_ns and p99_999_SUBJECT_ns. With fewer than 10 / (1 - p) durations it is the largest one's; of none it is 0.
  std::vector<CheckFigure> Percentiles(const std::string& subject) const;

 private:
  CheckFigure Percentile(std::string key, double percent) const;

  std::map<int64_t, uint64_t> seen_;     // length → how many
  std::map<int64_t, uint64_t> at_most_;  // bound → how many
};

// The percentiles that `check` tells of each module: 50, 99, 99.999, as they stand in keys.
struct CheckPercentile {
  double percent;
  const char* prefix;  // "p99_999"
};
inline constexpr CheckPercentile kCheckPercentiles[] = {{50, "p50"}, {99, "p99"}, {99.999, "p99_999"}};

// All of them without a value, for one reason.
std::vector<CheckFigure> UnmeasuredPercentiles(const std::string& subject, const std::string& reason);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_DURATION_RANKS_H_
