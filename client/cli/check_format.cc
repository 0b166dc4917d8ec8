#include "client/cli/check_format.h"

#include <fmt/format.h>

#include "client/check/check_json.h"
#include "client/check/check_junit.h"
#include "client/cli/render/check.h"

namespace hftmon {

absl::StatusOr<CheckFormat> ParseCheckFormat(const std::string& text) {
  if (text == "text") return CheckFormat::kText;
  if (text == "json") return CheckFormat::kJson;
  if (text == "junit") return CheckFormat::kJunit;
  return absl::InvalidArgumentError(fmt::format("--format {}: write text, json or junit", text));
}

std::string RenderCheck(const CheckReport& report, CheckFormat format, const TextStyle& style) {
  switch (format) {
    case CheckFormat::kText:
      return CheckText(report, style);
    case CheckFormat::kJson:
      return CheckJson(report);
    case CheckFormat::kJunit:
      return CheckJunit(report);
  }
  return "";
}

}  // namespace hftmon
