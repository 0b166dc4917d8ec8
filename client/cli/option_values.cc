#include "client/cli/option_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int32_t kPidMax = 4'194'304;
constexpr size_t kPercentilesMax = 16;

}  // namespace

std::vector<std::string> SplitLists(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    for (auto part : absl::StrSplit(text, ',')) parts.emplace_back(part);
  }
  return parts;
}

std::vector<std::string> SplitEventLists(const std::vector<std::string>& texts) {
  std::vector<std::string> events;
  for (const std::string& text : texts) {
    events.emplace_back();
    bool in_words = false;
    for (const char c : text) {
      if (c == '/') in_words = !in_words;
      if (c == ',' && !in_words) {
        events.emplace_back();
      } else {
        events.back() += c;
      }
    }
  }
  return events;
}

absl::StatusOr<std::vector<int32_t>> ParseIds(const std::string& option, const std::vector<std::string>& texts) {
  std::vector<int32_t> ids;
  for (const std::string& part : SplitLists(texts)) {
    int32_t id = 0;
    if (!absl::SimpleAtoi(part, &id) || id < 1 || id > kPidMax) {
      return absl::InvalidArgumentError(
          fmt::format("{} '{}': not an id from 1 to {}: give the number that `pgrep NAME` or `ps -eL` shows", option, part, kPidMax));
    }
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<std::vector<double>> ParsePercentiles(const std::string& option, const std::vector<std::string>& texts) {
  std::vector<double> percentiles;
  for (const std::string& part : SplitLists(texts)) {
    double percent = 0;
    // Written so that NaN is refused too.
    if (!absl::SimpleAtod(part, &percent) || !(percent > 0 && percent < 100)) {
      return absl::InvalidArgumentError(
          fmt::format("{} '{}': not a number above 0 and below 100: write a list such as 50,95,99,99.9", option, part));
    }
    percentiles.push_back(percent);
  }
  std::sort(percentiles.begin(), percentiles.end());
  percentiles.erase(std::unique(percentiles.begin(), percentiles.end()), percentiles.end());
  if (percentiles.size() > kPercentilesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} percentiles: ask for at most {} at once", option, percentiles.size(), kPercentilesMax));
  }
  return percentiles;
}

absl::StatusOr<int64_t> ParseDurationOption(const std::string& option, const std::string& text) {
  absl::StatusOr<int64_t> duration_ns = ParseDuration(text);
  if (!duration_ns.ok()) return absl::InvalidArgumentError(fmt::format("{}: {}", option, std::string(duration_ns.status().message())));
  if (*duration_ns == 0) {
    return absl::InvalidArgumentError(fmt::format("{} '{}': must be more than 0: leave the option out for its default", option, text));
  }
  return duration_ns;
}

absl::StatusOr<int64_t> ParseDurationOption(const std::string& option, const std::string& text, const DurationRange& range) {
  absl::StatusOr<int64_t> duration_ns = ParseDurationOption(option, text);
  if (duration_ns.ok() && (*duration_ns < range.min_ns || *duration_ns > range.max_ns)) {
    return absl::InvalidArgumentError(fmt::format("{} {}: give {}", option, text, range.text));
  }
  return duration_ns;
}

absl::StatusOr<int64_t> ParseWindow(const std::string& text) {
  if (text == kAllKept) return 0;
  return ParseDurationOption("--window", text, kWindowRange);
}

absl::StatusOr<int32_t> ParseCount(const std::string& option, const std::string& text, int32_t low, int32_t high) {
  int32_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < low || count > high) {
    return absl::InvalidArgumentError(fmt::format("{} '{}': out of range: give a whole number from {} to {}", option, text, low, high));
  }
  return count;
}

}  // namespace hftmon
