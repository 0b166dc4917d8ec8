// ProcStatus: what we use of /proc/PID/status and /proc/PID/task/TID/status. Pure parser, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_STATUS_H_
#define HFTMON_DAEMON_OS_PROC_STATUS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

struct ProcStatus {
  std::string name;  // as the kernel escapes it: \n for a newline, \\ for a backslash
  int32_t tgid = 0;
  int32_t pid = 0;  // the thread's
  int32_t parent_pid = 0;
  int32_t thread_count = 0;  // Threads:
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
};

// NStgid and NSpid, the first of each left out: the numbers in the namespaces below the one that /proc is mounted for, outermost first.
// Empty for a process of that namespace itself, and on kernels without pid namespaces.
struct NamespaceNumbers {
  std::vector<int32_t> pids;  // the process's
  std::vector<int32_t> tids;  // the thread's
};

NamespaceNumbers ParseNamespaceNumbers(std::string_view text);

// INVALID_ARGUMENT when one of them is missing or not a number.
absl::StatusOr<ProcStatus> ParseProcStatus(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_STATUS_H_
