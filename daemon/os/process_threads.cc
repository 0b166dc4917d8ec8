#include "daemon/os/process_threads.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "common/cpu_list.h"
#include "daemon/os/thread_ids.h"
#include "daemon/os/thread_placement.h"

namespace hftmon {
namespace {

constexpr int kWalksMax = 16;

}  // namespace

absl::Status MoveThreads(const FileRoot& files, const std::vector<int>& cpus, pid_t except) {
  bool changed = true;
  for (int walk = 0; changed && walk < kWalksMax; ++walk) {
    changed = false;
    const absl::StatusOr<std::vector<pid_t>> tids = ReadThreadIds(files, 0);
    if (!tids.ok()) return tids.status();
    for (const pid_t tid : *tids) {
      if (tid == except) continue;
      SystemSchedulingCalls calls(tid);
      std::vector<int> allowed;
      if (calls.GetAffinity(&allowed) != 0 || allowed == cpus) continue;  // it ended meanwhile
      const int error = calls.SetAffinity(cpus);
      if (error == ESRCH) continue;
      if (error != 0) {
        return absl::FailedPreconditionError(
            fmt::format("the daemon's threads cannot be moved to CPUs {}: {}: see that they are online and allowed by the cgroup's cpuset",
                        FormatCpuList(cpus), std::strerror(error)));
      }
      changed = true;
    }
  }
  return absl::OkStatus();
}

bool IsPinnedTo(pid_t tid, int cpu) {
  SystemSchedulingCalls calls(tid);
  std::vector<int> allowed;
  return calls.GetAffinity(&allowed) == 0 && allowed == std::vector<int>{cpu};
}

}  // namespace hftmon
