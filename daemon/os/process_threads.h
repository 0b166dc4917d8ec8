// The threads of this process, whoever made them (gRPC makes its own): where they may run.
#ifndef HFTMON_DAEMON_OS_PROCESS_THREADS_H_
#define HFTMON_DAEMON_OS_PROCESS_THREADS_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Every thread of this process but `except` may run on `cpus` alone when it returns, those that were made meanwhile included: a thread
// inherits its maker's CPUs, so the threads are walked until a walk finds none to change. Any thread.
absl::Status MoveThreads(const FileRoot& files, const std::vector<int>& cpus, pid_t except);

// Whether the thread may run on `cpu` and on no other. False when it is gone.
bool IsPinnedTo(pid_t tid, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROCESS_THREADS_H_
