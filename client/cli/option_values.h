// Values of options as users write them. `option` names the flag in each error, which is INVALID_ARGUMENT and says what to write.
#ifndef HFTMON_CLIENT_CLI_OPTION_VALUES_H_
#define HFTMON_CLIENT_CLI_OPTION_VALUES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

// The comma-separated parts of all `texts`; empty parts are kept, so that parsers can refuse them.
std::vector<std::string> SplitLists(const std::vector<std::string>& texts);
// The same of events, whose words stand between slashes with commas of their own: "page-faults,cpu/event=0xcd,umask=1/".
std::vector<std::string> SplitEventLists(const std::vector<std::string>& texts);

// Process or thread ids, 1 … 4194304 (the kernel's largest pid_max), without duplicates, in the order given.
absl::StatusOr<std::vector<int32_t>> ParseIds(const std::string& option, const std::vector<std::string>& texts);

// Percentiles, each above 0 and below 100, at most 16, ascending, without duplicates.
absl::StatusOr<std::vector<double>> ParsePercentiles(const std::string& option, const std::vector<std::string>& texts);

// A duration such as "50us", of more than 0: for the daemon 0 means "the default", which is not what somebody who writes 0 expects.
absl::StatusOr<int64_t> ParseDurationOption(const std::string& option, const std::string& text);

// What the daemon takes, written as people do. The window's has a limit of its own in the configuration (window_max).
struct DurationRange {
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  const char* text = "";
};
inline constexpr DurationRange kThresholdRange{1'000, 60'000'000'000, "1us to 1m"};
inline constexpr DurationRange kBlockedRange{1'000, 3'600'000'000'000, "1us to 1h"};
inline constexpr DurationRange kIntervalRange{100'000, 60'000'000'000, "100us to 1m"};
inline constexpr DurationRange kCounterIntervalRange{1'000, 1'000'000'000, "1us to 1s"};
inline constexpr DurationRange kBandwidthRange{10'000'000, 10'000'000'000, "10ms to 10s"};
inline constexpr DurationRange kPeriodRange{10'000'000, 3'600'000'000'000, "10ms to 1h"};
// Of questions about what was recorded.
inline constexpr DurationRange kPastThresholdRange{1, 60'000'000'000, "1ns to 1m"};
inline constexpr DurationRange kPastBlockedRange{1, 3'600'000'000'000, "1ns to 1h"};
inline constexpr DurationRange kWindowRange{1, 366LL * 24 * 3600 * 1'000'000'000, "1ns to 366d, or `all`"};

// The same within a range: "--threshold 1ns: give 1us to 1m".
absl::StatusOr<int64_t> ParseDurationOption(const std::string& option, const std::string& text, const DurationRange& range);

// How far back a question reaches: a duration within kWindowRange, or kAllKept, which is 0 in the API.
inline constexpr char kAllKept[] = "all";
absl::StatusOr<int64_t> ParseWindow(const std::string& text);

// A whole number from `low` to `high`.
absl::StatusOr<int32_t> ParseCount(const std::string& option, const std::string& text, int32_t low, int32_t high);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_OPTION_VALUES_H_
