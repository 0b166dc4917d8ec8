#include "daemon/os/block_completions.h"

#include <array>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

// Columns of the file (Documentation/block/stat.rst): completed reads, writes, discards, flushes. Older kernels lack the last ones.
constexpr std::array<size_t, 4> kCompletions = {0, 4, 11, 15};

std::optional<uint64_t> CompletedOf(const std::string& text) {
  std::istringstream columns(text);
  uint64_t sum = 0;
  uint64_t value = 0;
  size_t column = 0;
  for (; columns >> value; ++column) {
    for (const size_t counted : kCompletions) sum += column == counted ? value : 0;
  }
  if (column <= kCompletions[1]) return std::nullopt;
  return sum;
}

}  // namespace

absl::StatusOr<BlockDevices> ReadBlockDevices(const FileRoot& root) {
  constexpr char kFolder[] = "/sys/block";
  const absl::StatusOr<std::vector<std::string>> names = root.List(kFolder);
  if (!names.ok()) return names.status();
  BlockDevices found;
  for (const std::string& name : *names) {
    const std::string folder = absl::StrCat(kFolder, "/", name);
    if (!root.Exists(folder + "/device")) continue;
    if (found.devices.size() == kBlockDevicesMax) {
      ++found.unread_count;
      continue;
    }
    const auto text = root.ReadFile(folder + "/stat");
    found.devices.push_back({.name = name, .completed_count = text.ok() ? CompletedOf(*text) : std::nullopt});
  }
  return found;
}

}  // namespace hftmon
