// CheckFormat: in which form `check` prints its report. A new one is a name here, a line in each of the two functions, and its renderer.
#ifndef HFTMON_CLIENT_CLI_CHECK_FORMAT_H_
#define HFTMON_CLIENT_CLI_CHECK_FORMAT_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/check/check_report.h"
#include "client/cli/console.h"

namespace hftmon {

enum class CheckFormat { kText, kJson, kJunit };

// INVALID_ARGUMENT names those that there are.
absl::StatusOr<CheckFormat> ParseCheckFormat(const std::string& text);

// `style` is of text alone.
std::string RenderCheck(const CheckReport& report, CheckFormat format, const TextStyle& style);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_CHECK_FORMAT_H_
