#include "daemon/os/proc_affinity.h"

#include <fmt/format.h>

#include "common/cpu_list.h"

namespace hftmon {

absl::StatusOr<std::vector<int>> ReadAllowedCpus(const FileRoot& root, uint32_t tgid, uint32_t tid) {
  constexpr std::string_view kKey = "Cpus_allowed_list:";
  const std::string path = fmt::format("/proc/{}/task/{}/status", tgid, tid);
  const auto lines = root.ReadLines(path);
  if (!lines.ok()) return lines.status();
  for (const std::string& line : *lines) {
    if (line.starts_with(kKey)) return ParseCpuList(std::string_view(line).substr(kKey.size()));
  }
  return absl::InternalError(fmt::format("{} has no {}", path, kKey));
}

}  // namespace hftmon
