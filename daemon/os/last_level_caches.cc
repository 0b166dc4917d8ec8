#include "daemon/os/last_level_caches.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cpu_list.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/number_file.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr int kIndexesMax = 16;  // of a CPU; processors have four

// "32768K"; absent: no size.
std::optional<int64_t> ParseSize(std::string_view text) {
  int64_t unit = 1;
  if (text.ends_with('K')) unit = int64_t{1} << 10;
  if (text.ends_with('M')) unit = int64_t{1} << 20;
  if (unit != 1) text.remove_suffix(1);
  const std::optional<int64_t> number = ParseNumber<int64_t>(text);
  constexpr int64_t kUnitsMax = int64_t{1} << 40;
  if (!number || *number <= 0 || *number > kUnitsMax) return std::nullopt;
  return *number * unit;
}

// The one of the highest level that the CPU has; level 0: none is told.
LastLevelCache CacheOf(const FileRoot& root, int cpu) {
  LastLevelCache last;
  for (int index = 0; index < kIndexesMax; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}", cpu, index);
    const std::optional<int> level = ReadNumber<int>(root, folder + "/level");
    if (!level) break;
    if (*level <= last.level) continue;
    last = {.level = *level, .id = ReadNumber<int>(root, folder + "/id")};
    if (const auto size = root.ReadFile(folder + "/size"); size.ok()) last.bytes = ParseSize(Trim(*size));
    if (const auto list = root.ReadFile(folder + "/shared_cpu_list"); list.ok()) {
      if (absl::StatusOr<std::vector<int>> cpus = ParseCpuList(*list); cpus.ok()) last.cpus = *std::move(cpus);
    }
  }
  return last;
}

}  // namespace

absl::StatusOr<std::vector<LastLevelCache>> ReadLastLevelCaches(const FileRoot& root) {
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(root);
  if (!online.ok()) return online.status();
  std::vector<LastLevelCache> caches;
  for (const int cpu : *online) {
    const bool known = std::any_of(caches.begin(), caches.end(), [cpu](const LastLevelCache& cache) {
      return std::binary_search(cache.cpus.begin(), cache.cpus.end(), cpu);
    });
    if (known) continue;
    LastLevelCache cache = CacheOf(root, cpu);
    if (cache.level == 0) continue;
    std::erase_if(cache.cpus, [&](int shared) { return !std::binary_search(online->begin(), online->end(), shared); });
    if (cache.cpus.empty()) cache.cpus = {cpu};
    caches.push_back(std::move(cache));
  }
  return caches;
}

}  // namespace hftmon
