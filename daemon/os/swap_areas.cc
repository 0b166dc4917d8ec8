#include "daemon/os/swap_areas.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr char kPath[] = "/proc/swaps";
constexpr int64_t kKib = 1024;

std::optional<int64_t> NextKibAsBytes(std::string_view* rest) {
  const std::optional<int64_t> kib = ParseNumber<int64_t>(NextWord(rest));
  return kib && *kib >= 0 && *kib <= INT64_MAX / kKib ? std::optional<int64_t>(*kib * kKib) : std::nullopt;
}

}  // namespace

absl::StatusOr<std::vector<SwapArea>> ParseSwapAreas(std::string_view text) {
  std::vector<SwapArea> areas;
  for (bool is_heading = true; !text.empty(); is_heading = false) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (is_heading || Trim(line).empty()) continue;
    std::string_view rest = line;
    SwapArea area;
    area.path = NextWord(&rest);
    area.type = NextWord(&rest);
    const std::optional<int64_t> size_bytes = NextKibAsBytes(&rest);
    const std::optional<int64_t> used_bytes = NextKibAsBytes(&rest);
    if (!size_bytes || !used_bytes) return absl::InvalidArgumentError(fmt::format("'{}' is no swap area", line.substr(0, 256)));
    area.size_bytes = *size_bytes;
    area.used_bytes = *used_bytes;
    areas.push_back(std::move(area));
  }
  return areas;
}

absl::StatusOr<std::vector<SwapArea>> ReadSwapAreas(const FileRoot& root) {
  const absl::StatusOr<std::string> text = root.ReadFile(kPath);
  if (absl::IsNotFound(text.status())) return std::vector<SwapArea>();
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<SwapArea>> areas = ParseSwapAreas(*text);
  if (!areas.ok()) return absl::InternalError(fmt::format("{}: {}", kPath, std::string(areas.status().message())));
  return areas;
}

}  // namespace hftmon
