#include "common/duration.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>

namespace hftmon {
namespace {

__extension__ typedef __int128 Int128;

constexpr int64_t kMicrosecondNs = 1'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;
constexpr int64_t kHourNs = 60 * kMinuteNs;
constexpr int64_t kDayNs = 24 * kHourNs;

struct Unit {
  std::string_view name;
  int64_t ns;
};

constexpr std::array<Unit, 9> kUnits = {{{"ns", 1},
                                         {"us", kMicrosecondNs},
                                         {"\u00b5s", kMicrosecondNs},  // MICRO SIGN
                                         {"\u03bcs", kMicrosecondNs},  // GREEK SMALL LETTER MU
                                         {"ms", kMillisecondNs},
                                         {"s", kSecondNs},
                                         {"m", kMinuteNs},
                                         {"h", kHourNs},
                                         {"d", kDayNs}}};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<int64_t> UnitNs(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.ns;
  }
  return std::nullopt;
}

absl::Status Bad(std::string_view text, std::string_view cause) {
  return absl::InvalidArgumentError(fmt::format("duration '{}' {}: write it like 50us, 1.5ms or 10s", text.substr(0, 64), cause));
}

// value * 10 + digit, unless that exceeds int64.
bool AppendDigit(int64_t* value, char digit) {
  return !__builtin_mul_overflow(*value, int64_t{10}, value) && !__builtin_add_overflow(*value, int64_t{digit - '0'}, value);
}

std::string TrimZeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// `ns` in `unit`s with three significant digits; empty when it rounds up to 1000 of them.
std::string InUnit(int64_t ns, const Unit& unit) {
  const int decimals = unit.ns == 1 ? 0 : ns < 10 * unit.ns ? 2 : ns < 100 * unit.ns ? 1 : 0;
  int64_t quantum = unit.ns;
  for (int i = 0; i < decimals; ++i) quantum /= 10;
  const int64_t rounded = (ns + quantum / 2) / quantum * quantum;
  if (rounded >= 1000 * unit.ns) return {};
  const int64_t fraction = rounded % unit.ns / quantum;
  const std::string number =
      decimals == 0 ? fmt::format("{}", rounded / unit.ns) : fmt::format("{}.{:0{}}", rounded / unit.ns, fraction, decimals);
  return TrimZeros(number) + std::string(unit.name);
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return Bad(text, "is empty");
  if (text == "0") return 0;
  if (text[0] == '-') return Bad(text, "is negative");
  size_t at = 0;
  int64_t whole = 0;
  for (; at < text.size() && IsDigit(text[at]); ++at) {
    if (!AppendDigit(&whole, text[at])) return Bad(text, "is too long (the limit is 292 years)");
  }
  const size_t whole_digits = at;
  std::string_view fraction;
  if (at < text.size() && text[at] == '.') {
    const size_t begin = ++at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    fraction = text.substr(begin, at - begin);
    if (fraction.empty()) return Bad(text, "has no digit after its point");
  }
  if (whole_digits == 0) return Bad(text, "does not begin with a number");
  const std::string_view unit_name = text.substr(at);
  if (unit_name.empty()) return Bad(text, "has no unit (ns, us, ms, s, m, h, d)");
  const std::optional<int64_t> unit_ns = UnitNs(unit_name);
  if (!unit_ns) return Bad(text, fmt::format("has the unknown unit '{}' (known: ns, us, ms, s, m, h, d)", unit_name.substr(0, 16)));

  int64_t total_ns = 0;
  if (__builtin_mul_overflow(whole, *unit_ns, &total_ns)) return Bad(text, "is too long (the limit is 292 years)");
  // A day is 8.64e13 ns: fourteen digits can be whole nanoseconds, more cannot. 128 bits hold 14 digits times a day.
  Int128 numerator = 0;
  Int128 denominator = 1;
  for (const char digit : fraction.substr(0, fraction.find_last_not_of('0') + 1)) {
    if (denominator > *unit_ns) return Bad(text, "is finer than 1 ns");
    denominator *= 10;
    numerator = numerator * 10 + (digit - '0');
  }
  numerator *= *unit_ns;
  if (numerator % denominator != 0) return Bad(text, "is finer than 1 ns");
  if (__builtin_add_overflow(total_ns, static_cast<int64_t>(numerator / denominator), &total_ns))
    return Bad(text, "is too long (the limit is 292 years)");
  return total_ns;
}

std::string FormatDuration(int64_t duration_ns) {
  if (duration_ns == std::numeric_limits<int64_t>::min()) return FormatDuration(duration_ns + 1);
  if (duration_ns < 0) return "-" + FormatDuration(-duration_ns);
  constexpr std::array<Unit, 4> kDecimalUnits = {{{"ns", 1}, {"us", kMicrosecondNs}, {"ms", kMillisecondNs}, {"s", kSecondNs}}};
  if (duration_ns < kMinuteNs) {
    for (const Unit& unit : kDecimalUnits) {
      if (std::string text = InUnit(duration_ns, unit); !text.empty()) return text;
    }
  }
  if (duration_ns < kHourNs) return fmt::format("{}m{}s", duration_ns / kMinuteNs, duration_ns % kMinuteNs / kSecondNs);
  if (duration_ns < kDayNs) return fmt::format("{}h{}m", duration_ns / kHourNs, duration_ns % kHourNs / kMinuteNs);
  return fmt::format("{}d{}h", duration_ns / kDayNs, duration_ns % kDayNs / kHourNs);
}

}  // namespace hftmon
