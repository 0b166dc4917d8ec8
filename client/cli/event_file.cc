#include "client/cli/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/cli/table.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr size_t kIdBytesMax = 64;
constexpr size_t kShownMax = 40;
constexpr int64_t kNsOf1973 = 100'000'000'000'000'000;  // what a smaller number says is no time of a host that hftmon runs on
constexpr size_t kFractionDigitsMax = 9;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The next field, which is taken off the line.
std::string_view TakeField(std::string_view* line) {
  *line = Trimmed(*line);
  std::string_view field;
  if (!line->empty() && line->front() == '"') {
    const size_t end = std::min(line->find('"', 1), line->size());
    field = line->substr(1, end - 1);
    line->remove_prefix(std::min(end + 1, line->size()));
  } else {
    const size_t end = std::min(line->find_first_of(" \t\r,;"), line->size());
    field = line->substr(0, end);
    line->remove_prefix(end);
  }
  *line = Trimmed(*line);
  if (!line->empty() && (line->front() == ',' || line->front() == ';')) line->remove_prefix(1);
  return field;
}

std::string Shown(std::string_view text) {
  const std::string shown = Printable(ValidUtf8(std::string(text.substr(0, kShownMax))));
  return text.size() > kShownMax ? shown + "…" : shown;
}

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

absl::StatusOr<int64_t> ParseSeconds(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(point + 1);
  int64_t seconds = 0;
  const bool digits = !whole.empty() && !fraction.empty() && std::all_of(whole.begin(), whole.end(), IsDigit) &&
                      std::all_of(fraction.begin(), fraction.end(), IsDigit);
  if (!digits || !absl::SimpleAtoi(absl::string_view(whole.data(), whole.size()), &seconds)) {
    return Bad(fmt::format("the time '{}' is no number: write seconds as 1700000000.123456789", Shown(text)));
  }
  if (fraction.size() > kFractionDigitsMax) {
    return Bad(fmt::format("the time '{}' is finer than a nanosecond: write at most 9 digits behind the point", Shown(text)));
  }
  int64_t ns = 0;
  for (size_t i = 0; i < kFractionDigitsMax; ++i) ns = ns * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  int64_t sum = 0;
  if (__builtin_mul_overflow(seconds, int64_t{1'000'000'000}, &sum) || __builtin_add_overflow(sum, ns, &sum)) {
    return Bad(fmt::format("the time '{}' is more than 292 years: write seconds as 1700000000.123456789", Shown(text)));
  }
  return sum;
}

absl::StatusOr<int64_t> ParseInteger(std::string_view text, EventClock clock) {
  int64_t number = 0;
  const bool digits = std::all_of(text.begin(), text.end(), IsDigit);
  if (!digits || !absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &number)) {
    return Bad(clock == v1::CorrelateEventsRequest::TSC
                   ? fmt::format("the time '{}' is no number of ticks: write a whole one", Shown(text))
                   : fmt::format("the time '{}' is no number: write nanoseconds, or seconds as 1700000000.123456789", Shown(text)));
  }
  const bool is_wall = clock == v1::CorrelateEventsRequest::REALTIME || clock == v1::CorrelateEventsRequest::TAI;
  if (is_wall && number < kNsOf1973) {
    return Bad(fmt::format("the time {} would be {}: whole numbers are nanoseconds: write seconds with a point, as {}.0", number,
                           absl::FormatTime("%Y-%m-%d", absl::FromUnixNanos(number), absl::UTCTimeZone()), number));
  }
  return number;
}

absl::StatusOr<int64_t> ParseTime(std::string_view text, EventClock clock) {
  if (text.find('T') != std::string_view::npos || text.find(':') != std::string_view::npos) {
    if (clock != v1::CorrelateEventsRequest::REALTIME) {
      return Bad(
          fmt::format("the time '{}' is a date: only --clock realtime takes one: write nanoseconds, or seconds with a point", Shown(text)));
    }
    absl::Time time;
    std::string why;
    if (!absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &time, &why)) {
      return Bad(fmt::format("the time '{}' is not RFC 3339: write 2026-11-27T07:14:12.123456789Z, or with an offset such as +01:00",
                             Shown(text)));
    }
    return absl::ToUnixNanos(time);
  }
  if (text.find('.') == std::string_view::npos) return ParseInteger(text, clock);
  if (clock == v1::CorrelateEventsRequest::TSC) {
    return Bad(fmt::format("the time '{}' is no number of ticks: write a whole one", Shown(text)));
  }
  return ParseSeconds(text);
}

absl::StatusOr<v1::TimedEvent> ParseLine(std::string_view line, EventClock clock) {
  const absl::StatusOr<int64_t> time = ParseTime(TakeField(&line), clock);
  if (!time.ok()) return time.status();
  const std::string id(TakeField(&line));
  if (id.empty()) return Bad("there is no ID behind the time: write `TIME ID`");
  if (id.size() > kIdBytesMax) return Bad(fmt::format("the ID '{}' has {} bytes: give at most {}", Shown(id), id.size(), kIdBytesMax));
  if (ValidUtf8(id) != id) return Bad(fmt::format("the ID '{}' is not UTF-8: convert the file", Shown(id)));
  v1::TimedEvent event;
  event.set_time(*time);
  event.set_id(id);
  return event;
}

bool IsHeader(std::string_view line) {
  const std::string_view first = TakeField(&line);
  return !first.empty() && !IsDigit(first.front()) && first.front() != '-' && first.front() != '+' && first.front() != '.';
}

}  // namespace

absl::StatusOr<EventClock> ParseEventClock(const std::string& option, const std::string& text) {
  if (text == "monotonic") return v1::CorrelateEventsRequest::MONOTONIC;
  if (text == "realtime") return v1::CorrelateEventsRequest::REALTIME;
  if (text == "tai") return v1::CorrelateEventsRequest::TAI;
  if (text == "tsc") return v1::CorrelateEventsRequest::TSC;
  return absl::InvalidArgumentError(fmt::format("{} '{}': no such clock: give monotonic, realtime, tai or tsc", option, text));
}

absl::StatusOr<std::vector<v1::TimedEvent>> ParseEventFile(const std::string& name, const std::string& text, EventClock clock) {
  std::vector<v1::TimedEvent> events;
  size_t number = 0;
  bool may_be_header = true;
  for (const absl::string_view part : absl::StrSplit(text, '\n')) {
    ++number;
    std::string_view line = Trimmed({part.data(), part.size()});
    if (number == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a byte order mark
    if (line.empty() || line.front() == '#') continue;
    if (std::exchange(may_be_header, false) && IsHeader(line)) continue;
    absl::StatusOr<v1::TimedEvent> event = ParseLine(line, clock);
    if (!event.ok()) return absl::InvalidArgumentError(fmt::format("{}:{}: {}", name, number, std::string(event.status().message())));
    events.push_back(*std::move(event));
  }
  if (events.empty()) return absl::InvalidArgumentError(fmt::format("{}: there is no event in it: write lines of `TIME ID`", name));
  return events;
}

}  // namespace hftmon
