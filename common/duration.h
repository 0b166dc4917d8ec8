// Durations as people write them ("50us", "1.5ms", "2m") and read them ("12.3us"). Pure functions, any thread.
#ifndef HFTMON_COMMON_DURATION_H_
#define HFTMON_COMMON_DURATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace hftmon {

// Nanoseconds of a decimal number with a unit: ns, us (µs), ms, s, m, h, d. Exact: no floating point. A bare "0" is 0.
// INVALID_ARGUMENT for no unit, an unknown one, a sign, parts finer than 1 ns, or more than 292 years; the message shows a good duration.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

// Three significant digits in the largest fitting unit: "840ns", "12.3us", "1.5ms", "59.9s"; from a minute on "2m5s", "1h0m", "3d4h".
std::string FormatDuration(int64_t duration_ns);

}  // namespace hftmon

#endif  // HFTMON_COMMON_DURATION_H_
