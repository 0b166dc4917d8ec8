// Whole decimal numbers in the text of /proc and /sys. Pure, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_NUMBERS_H_
#define HFTMON_DAEMON_OS_PROC_NUMBERS_H_

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace hftmon {

// The number that `text` is; absent when it is anything else or does not fit.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return value;
}

// Cuts the next word (separated by blanks) off the front of `rest`; empty when there is none.
inline std::string_view NextWord(std::string_view* rest) {
  constexpr std::string_view kSpace = " \t\n\r";
  const size_t begin = rest->find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    *rest = {};
    return {};
  }
  const size_t end = rest->find_first_of(kSpace, begin);
  const std::string_view word = rest->substr(begin, end == std::string_view::npos ? end : end - begin);
  *rest = end == std::string_view::npos ? std::string_view{} : rest->substr(end);
  return word;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_NUMBERS_H_
