// CheckFigure: one number of a module of `check`, or why there is none. Passive data.
#ifndef HFTMON_CLIENT_CHECK_CHECK_FIGURE_H_
#define HFTMON_CLIENT_CHECK_CHECK_FIGURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace hftmon {

// How sure a value is. All but the first stand in `upper_bounds`.
enum class CheckCertainty {
  kMeasured,     // the figure itself
  kLargestSeen,  // a percentile with too few samples behind it: the largest of them, which did happen
  kAtMost,       // nothing larger can have happened, but this may not have either
};

struct CheckFigure {
  std::string key;               // as in JSON, the unit last: "p99_999_runqueue_ns"
  std::optional<int64_t> value;  // counts, nanoseconds, millionths (…_ppm); absent: it could not be measured
  CheckCertainty certainty = CheckCertainty::kMeasured;
  std::string reason;  // why there is no value, and the mend where there is one
};

inline CheckFigure Measured(std::string key, int64_t value) {
  return {.key = std::move(key), .value = value, .certainty = CheckCertainty::kMeasured, .reason = ""};
}

inline CheckFigure Unmeasured(std::string key, std::string reason) {
  return {.key = std::move(key), .value = std::nullopt, .certainty = CheckCertainty::kMeasured, .reason = std::move(reason)};
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_FIGURE_H_
