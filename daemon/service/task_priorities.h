// TaskPriorities: the seam that tells how a thread is scheduled now. Any thread but the housekeeping thread (it may read /proc).
#ifndef HFTMON_DAEMON_SERVICE_TASK_PRIORITIES_H_
#define HFTMON_DAEMON_SERVICE_TASK_PRIORITIES_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "daemon/os/thread_scheduling.h"

namespace hftmon {

// May be empty: then it is not known.
using TaskPriorities = std::function<absl::StatusOr<ThreadStat>(uint32_t pid, uint32_t tid)>;

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TASK_PRIORITIES_H_
