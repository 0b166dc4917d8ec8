#include "daemon/numa/huge_page_use.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "daemon/numa/numa_maps.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::array<std::string_view, 5> kHugeKeys = {"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
                                                       "Private_Hugetlb"};
// More than any address space: sums stay in range.
constexpr uint64_t kKilobytesMax = uint64_t{1} << 47;

std::optional<uint64_t> Hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "200000000000-200000100000 rw-p …"
std::optional<HugePageUse> ParseHead(std::string_view line) {
  const std::string_view range = NextWord(&line);
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> start = Hex(range.substr(0, dash));
  const std::optional<uint64_t> end = Hex(range.substr(dash + 1));
  if (!start || !end || *start >= *end) return std::nullopt;
  return HugePageUse{.start = *start, .end = *end};
}

// "AnonHugePages:      6144 kB"
void TakeField(std::string_view line, HugePageUse* use) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view key = line.substr(0, colon);
  std::string_view rest = line.substr(colon + 1);
  const auto kilobytes = ParseNumber<uint64_t>(NextWord(&rest));
  if (!kilobytes || *kilobytes > kKilobytesMax || NextWord(&rest) != "kB") return;
  if (key == "KernelPageSize") use->page_bytes = *kilobytes * 1024;
  if (std::find(kHugeKeys.begin(), kHugeKeys.end(), key) != kHugeKeys.end()) use->huge_bytes += *kilobytes * 1024;
}

}  // namespace

std::vector<HugePageUse> ParseHugePageUse(std::string_view smaps) {
  std::vector<HugePageUse> uses;
  while (!smaps.empty()) {
    const size_t end = std::min(smaps.find('\n'), smaps.size());
    const std::string_view line = smaps.substr(0, end);
    smaps.remove_prefix(std::min(end + 1, smaps.size()));
    if (const std::optional<HugePageUse> head = ParseHead(line)) {
      if (uses.size() == kPlacedMappingsMax) break;
      uses.push_back(*head);
    } else if (!uses.empty()) {
      TakeField(line, &uses.back());
    }
  }
  return uses;
}

}  // namespace hftmon
