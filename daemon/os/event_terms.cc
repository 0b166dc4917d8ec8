#include "daemon/os/event_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "daemon/os/file_root.h"

namespace hftmon {
namespace {

// What of a hostile text an error repeats.
constexpr size_t kQuotedBytesMax = 64;

bool IsTermName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

absl::StatusOr<EventTerm> ParseTerm(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view name = Trim(text.substr(0, equals));
  const std::string_view quoted = text.substr(0, kQuotedBytesMax);
  if (!IsTermName(name)) return absl::InvalidArgumentError(fmt::format("term '{}' is no name or name=value", quoted));
  EventTerm term{.name = std::string(name)};
  if (equals == std::string_view::npos) return term;
  const std::string_view value = Trim(text.substr(equals + 1));
  term.asked = value == "?";
  if (term.asked) return term;
  term.value = ParseEventNumber(value);
  if (!term.value)
    return absl::InvalidArgumentError(fmt::format("term '{}': its value is no number of 64 bits, such as 3 or 0x1f", quoted));
  return term;
}

}  // namespace

std::optional<uint64_t> ParseEventNumber(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number, hexadecimal ? 16 : 10);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return number;
}

absl::StatusOr<std::vector<EventTerm>> ParseEventTerms(std::string_view text) {
  if (text.size() > kEventTextBytesMax) {
    return absl::InvalidArgumentError(fmt::format("an event of {} bytes: {} at most", text.size(), kEventTextBytesMax));
  }
  std::vector<EventTerm> terms;
  for (std::string_view rest = Trim(text);;) {
    if (terms.size() == kEventTermsMax) return absl::InvalidArgumentError(fmt::format("more than {} terms", kEventTermsMax));
    const size_t comma = rest.find(',');
    absl::StatusOr<EventTerm> term = ParseTerm(rest.substr(0, comma));
    if (!term.ok()) return term.status();
    if (std::any_of(terms.begin(), terms.end(), [&](const EventTerm& earlier) { return earlier.name == term->name; })) {
      return absl::InvalidArgumentError(fmt::format("term '{}' stands twice", term->name));
    }
    terms.push_back(*std::move(term));
    if (comma == std::string_view::npos) return terms;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace hftmon
