#include "client/check/duration_ranks.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hftmon {

uint64_t DurationRanks::count() const {
  uint64_t count = 0;
  for (const auto& [length, number] : seen_) count += number;
  for (const auto& [bound, number] : at_most_) count += number;
  return count;
}

CheckFigure DurationRanks::Percentile(std::string key, double percent) const {
  const uint64_t all = count();
  CheckFigure figure{.key = std::move(key), .value = 0, .certainty = CheckCertainty::kLargestSeen, .reason = ""};
  if (all == 0) return figure;
  const bool enough = static_cast<double>(all) * (100 - percent) / 100 >= 10 - 1e-6;
  // Of how many it is at least as large.
  const auto rank = static_cast<uint64_t>(std::ceil(static_cast<double>(all) * percent / 100 - 1e-6));
  const uint64_t above = enough ? all - std::min(rank, all) : 0;  // durations larger than it
  // From the largest down, each taken for as large as it can be: then no more than `above` are really larger than what is reached.
  uint64_t passed = 0;
  auto seen = seen_.rbegin();
  auto bound = at_most_.rbegin();
  while (seen != seen_.rend() || bound != at_most_.rend()) {
    const bool take_seen = bound == at_most_.rend() || (seen != seen_.rend() && seen->first >= bound->first);
    const auto& [length, number] = take_seen ? *seen : *bound;
    passed += number;
    figure.value = length;
    // Beside a bound that is larger even what was seen is a bound of the rank alone.
    const bool exact = take_seen && at_most_.upper_bound(length) == at_most_.end();
    figure.certainty = !exact ? CheckCertainty::kAtMost : enough ? CheckCertainty::kMeasured : CheckCertainty::kLargestSeen;
    if (passed > above) break;
    take_seen ? static_cast<void>(++seen) : static_cast<void>(++bound);
  }
  return figure;
}

std::vector<CheckFigure> DurationRanks::Percentiles(const std::string& subject) const {
  std::vector<CheckFigure> figures;
  for (const CheckPercentile& each : kCheckPercentiles) {
    figures.push_back(Percentile(std::string(each.prefix) + "_" + subject + "_ns", each.percent));
  }
  return figures;
}

std::vector<CheckFigure> UnmeasuredPercentiles(const std::string& subject, const std::string& reason) {
  std::vector<CheckFigure> figures;
  for (const CheckPercentile& each : kCheckPercentiles)
    figures.push_back(Unmeasured(std::string(each.prefix) + "_" + subject + "_ns", reason));
  return figures;
}

}  // namespace hftmon
