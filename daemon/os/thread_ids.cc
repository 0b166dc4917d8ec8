#include "daemon/os/thread_ids.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "daemon/os/proc_numbers.h"

namespace hftmon {

absl::StatusOr<std::vector<pid_t>> ReadThreadIds(const FileRoot& files, pid_t pid) {
  const std::string folder = pid == 0 ? "/proc/self/task" : fmt::format("/proc/{}/task", pid);
  const absl::StatusOr<std::vector<std::string>> names = files.List(folder);
  if (!names.ok()) return names.status();
  std::vector<pid_t> tids;
  tids.reserve(names->size());
  for (const std::string& name : *names) {
    const std::optional<pid_t> tid = ParseNumber<pid_t>(name);
    if (tid && *tid > 0) tids.push_back(*tid);
  }
  if (tids.empty()) return absl::NotFoundError(fmt::format("{} lists no thread: the process has ended", folder));
  return tids;
}

}  // namespace hftmon
