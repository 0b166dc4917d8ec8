// The threads of a process by their numbers. Any thread.
// Reads: /proc/PID/task.
#ifndef HFTMON_DAEMON_OS_THREAD_IDS_H_
#define HFTMON_DAEMON_OS_THREAD_IDS_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// As the daemon's own pid namespace numbers them, in no order; they come and go meanwhile. `pid` 0 is this process. NOT_FOUND: it ended.
absl::StatusOr<std::vector<pid_t>> ReadThreadIds(const FileRoot& files, pid_t pid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_THREAD_IDS_H_
