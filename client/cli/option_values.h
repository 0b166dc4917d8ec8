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

// Process or thread ids, 1 … 4194304 (the kernel's largest pid_max), without duplicates, in the order given.
absl::StatusOr<std::vector<int32_t>> ParseIds(const std::string& option, const std::vector<std::string>& texts);

// Percentiles, each above 0 and below 100, at most 16, ascending, without duplicates.
absl::StatusOr<std::vector<double>> ParsePercentiles(const std::string& option, const std::vector<std::string>& texts);

// A duration such as "50us", of more than 0: for the daemon 0 means "the default", which is not what somebody who writes 0 expects.
absl::StatusOr<int64_t> ParseDurationOption(const std::string& option, const std::string& text);

// A whole number from `low` to `high`.
absl::StatusOr<int32_t> ParseCount(const std::string& option, const std::string& text, int32_t low, int32_t high);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_OPTION_VALUES_H_
