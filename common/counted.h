// Counted: a number with its noun, for people: "1 target", "3 targets". Pure function, any thread.
#ifndef HFTMON_COMMON_COUNTED_H_
#define HFTMON_COMMON_COUNTED_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hftmon {

// `plural` where it is not the singular and an s ("process", "processes"), or where a verb agrees ("rule is", "rules are").
inline std::string Counted(uint64_t count, std::string_view singular, std::string_view plural = {}) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", count, singular) : fmt::format("{} {}", count, plural);
}

}  // namespace hftmon

#endif  // HFTMON_COMMON_COUNTED_H_
