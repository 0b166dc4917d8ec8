#include "daemon/os/process_threads.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "common/cpu_list.h"
#include "daemon/os/thread_placement.h"

namespace hftmon {
namespace {

constexpr int kWalksMax = 16;

}  // namespace

absl::StatusOr<std::vector<pid_t>> OwnThreads(const FileRoot& files) {
  const absl::StatusOr<std::vector<std::string>> names = files.List("/proc/self/task");
  if (!names.ok()) return names.status();
  std::vector<pid_t> tids;
  for (const std::string& name : *names) {
    pid_t tid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), tid).ec == std::errc() && tid > 0) tids.push_back(tid);
  }
  return tids;
}

absl::Status MoveThreads(const FileRoot& files, const std::vector<int>& cpus, pid_t except) {
  bool changed = true;
  for (int walk = 0; changed && walk < kWalksMax; ++walk) {
    changed = false;
    const absl::StatusOr<std::vector<pid_t>> tids = OwnThreads(files);
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
