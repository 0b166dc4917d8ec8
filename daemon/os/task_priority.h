// TaskPriority: how a thread is scheduled now. Source: /proc/PID/task/TID/stat. Any thread; pure parser.
#ifndef HFTMON_DAEMON_OS_TASK_PRIORITY_H_
#define HFTMON_DAEMON_OS_TASK_PRIORITY_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct TaskPriority {
  int32_t priority = 0;  // the kernel's, -1 (SCHED_DEADLINE) … 139, what it inherits included
  uint32_t policy = 0;   // SCHED_*
};

// INVALID_ARGUMENT when one of them is missing or not a number.
absl::StatusOr<TaskPriority> ParseTaskPriority(std::string_view stat);

// NOT_FOUND when there is no such thread.
absl::StatusOr<TaskPriority> ReadTaskPriority(const FileRoot& files, uint32_t pid, uint32_t tid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_TASK_PRIORITY_H_
