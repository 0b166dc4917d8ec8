#include "daemon/pmu/thread_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {

absl::StatusOr<std::vector<pid_t>> SortedThreads(const ListThreads& list, pid_t pid, const ThreadBound& bound) {
  absl::StatusOr<std::vector<pid_t>> tids = list(pid);
  if (!tids.ok()) return tids.status();
  if (tids->size() > bound.threads_max) {
    return absl::ResourceExhaustedError(
        fmt::format("process {} has {} threads; {} of at most {} are {}", pid, tids->size(), bound.what, bound.threads_max, bound.done));
  }
  std::sort(tids->begin(), tids->end());
  return tids;
}

}  // namespace hftmon
