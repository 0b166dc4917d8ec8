#include "common/cpu_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace hftmon {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<int> ParseCpu(std::string_view text) {
  int cpu = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, cpu);
  if (error != std::errc() || parsed != end || cpu < 0 || cpu >= kCpuNumberLimit) return std::nullopt;
  return cpu;
}

// "3" or "3-5".
std::optional<std::pair<int, int>> ParseItem(std::string_view item) {
  const size_t dash = item.find('-');
  const std::optional<int> first = ParseCpu(Trim(item.substr(0, dash)));
  if (!first) return std::nullopt;
  if (dash == std::string_view::npos) return std::pair{*first, *first};
  const std::optional<int> last = ParseCpu(Trim(item.substr(dash + 1)));
  if (!last || *last < *first) return std::nullopt;
  return std::pair{*first, *last};
}

}  // namespace

absl::StatusOr<std::vector<int>> ParseCpuList(std::string_view text) {
  std::vector<bool> named(kCpuNumberLimit);  // a list that repeats its ranges costs no more than its length
  int lowest = kCpuNumberLimit;
  int highest = -1;
  std::string_view rest = Trim(text);
  bool more = !rest.empty();
  while (more) {
    const size_t comma = rest.find(',');
    const std::string_view item = Trim(rest.substr(0, comma));
    const auto range = ParseItem(item);
    if (!range) {
      return absl::InvalidArgumentError(
          fmt::format("CPU list '{}': '{}' is not a CPU or an ascending range of CPUs 0 to {}: write it like 2-5,8", text.substr(0, 256),
                      item.substr(0, 64), kCpuNumberLimit - 1));
    }
    std::fill(named.begin() + range->first, named.begin() + range->second + 1, true);
    lowest = std::min(lowest, range->first);
    highest = std::max(highest, range->second);
    more = comma != std::string_view::npos;
    if (more) rest = rest.substr(comma + 1);
  }
  std::vector<int> cpus;
  for (int cpu = lowest; cpu <= highest; ++cpu) {
    if (named[static_cast<size_t>(cpu)]) cpus.push_back(cpu);
  }
  return cpus;
}

absl::StatusOr<std::vector<int>> ParseCpuMask(std::string_view text) {
  constexpr int kWordBits = 32;
  std::vector<int> cpus;
  std::string_view rest = Trim(text);
  // From the end, where CPU 0 is.
  for (int first = 0; !rest.empty(); first += kWordBits) {
    const size_t comma = rest.rfind(',');
    const std::string_view word = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    uint32_t bits = 0;
    const auto [parsed, error] = std::from_chars(word.data(), word.data() + word.size(), bits, 16);
    const bool whole = error == std::errc() && parsed == word.data() + word.size();
    if (!whole || first >= kCpuNumberLimit || comma == 0) {
      return absl::InvalidArgumentError(
          fmt::format("CPU mask '{}': '{}' is not a word of 32 CPUs below {}: it is written like 00000001,f0000000", text.substr(0, 256),
                      word.substr(0, 64), kCpuNumberLimit));
    }
    for (int bit = 0; bit < kWordBits; ++bit) {
      if ((bits >> bit & 1) != 0) cpus.push_back(first + bit);
    }
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  return cpus;
}

std::string FormatCpuList(std::span<const int> cpus) {
  std::vector<int> sorted(cpus.begin(), cpus.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::string text;
  for (size_t i = 0; i < sorted.size();) {
    size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", sorted[i]) : fmt::format("{}-{}", sorted[i], sorted[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace hftmon
