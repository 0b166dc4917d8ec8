#include "daemon/os/named_processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "daemon/os/proc_comm.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr size_t kCommBytesMax = 15;

}  // namespace

absl::StatusOr<std::vector<pid_t>> FindProcessesNamed(const FileRoot& root, std::string_view comm) {
  const auto names = root.List("/proc");
  if (!names.ok()) return names.status();
  std::vector<pid_t> pids;
  for (const std::string& name : *names) {
    const std::optional<pid_t> pid = ParseNumber<pid_t>(name);
    if (!pid || *pid <= 0) continue;
    const auto text = root.ReadFile(fmt::format("/proc/{}/comm", *pid));
    if (text.ok() && ParseProcComm(*text) == comm.substr(0, kCommBytesMax)) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

}  // namespace hftmon
