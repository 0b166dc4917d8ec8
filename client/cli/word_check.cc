#include "client/cli/word_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

bool HasControls(std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i) {
    const auto byte = static_cast<unsigned char>(word[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F, a terminal's control sequences among them.
    if (byte == 0xc2 && i + 1 < word.size() && static_cast<unsigned char>(word[i + 1]) < 0xa0) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckWord(std::string_view word) {
  if (ValidUtf8(word) != word) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': holds bytes that are not UTF-8, which no request can carry: leave them out; a process can be named by its pid, "
                    "cgroup or unit",
                    absl::CHexEscape(absl::string_view(word.data(), word.size()))));
  }
  if (HasControls(word)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': holds control characters: leave them out", absl::CEscape(absl::string_view(word.data(), word.size()))));
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
