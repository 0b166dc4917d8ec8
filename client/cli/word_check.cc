#include "client/cli/word_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

bool IsControl(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

absl::Status CheckWord(std::string_view word) {
  if (ValidUtf8(word) != word) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': holds bytes that are not UTF-8, which no request can carry: choose processes by pid, cgroup or unit",
                    absl::CHexEscape(absl::string_view(word.data(), word.size()))));
  }
  if (std::any_of(word.begin(), word.end(), IsControl)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': holds control characters: leave them out, or choose processes by pid, cgroup or unit",
                    absl::CEscape(absl::string_view(word.data(), word.size()))));
  }
  return absl::OkStatus();
}

absl::Status CheckNoEmptyValue(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || option->get_expected_min() == 0) continue;
    const std::vector<std::string>& values = option->results();
    if (std::none_of(values.begin(), values.end(), [](const std::string& value) { return value.empty(); })) continue;
    return absl::InvalidArgumentError(
        fmt::format("{} '': empty: give a value, or leave it out (is a variable of the script's not set?)", option->get_name()));
  }
  return absl::OkStatus();
}

}  // namespace hftmon
