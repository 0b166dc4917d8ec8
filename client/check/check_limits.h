// CheckLimits: how much `check` lets pass. One table has each limit's flag, figure, default and help: the flags, the file of --thresholds,
// the report and the documentation draw from it.
#ifndef HFTMON_CLIENT_CHECK_CHECK_LIMITS_H_
#define HFTMON_CLIENT_CHECK_CHECK_LIMITS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "client/check/module_result.h"

namespace hftmon {

struct CheckLimit {
  CheckModule module;
  const char* name;    // "max_runqueue": in the file; the flag is --max-runqueue
  const char* figure;  // key of the figure that may be at most so much
  bool is_duration;    // written "50us"; else a number
  int64_t default_value;
  const char* help;
};

std::span<const CheckLimit> AllCheckLimits();
// "--max-runqueue".
std::string FlagOf(const CheckLimit& limit);

// Above this share of a limit, in hundredths, a figure that is still within is a warning.
inline constexpr int64_t kNearPercent = 80;

class CheckLimits {
 public:
  // All defaults.
  CheckLimits();

  int64_t Of(const CheckLimit& limit) const { return values_.at(limit.name); }
  int64_t Of(const std::string& name) const { return values_.at(name); }
  // INVALID_ARGUMENT: not a duration, or not a number from 0 on.
  absl::Status Set(const CheckLimit& limit, const std::string& text);
  // The text of a file: one JSON object, {"max_runqueue": "20us", "max_involuntary": 3}. INVALID_ARGUMENT names the line, or the limit
  // that is not known; then nothing has changed.
  absl::Status SetFromJson(const std::string& text);

 private:
  std::map<std::string, int64_t> values_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_LIMITS_H_
