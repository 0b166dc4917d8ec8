// The threads of a process, each of which is to have its own counters or samples. Any thread, as `list` is.
#ifndef HFTMON_DAEMON_PMU_THREAD_LIST_H_
#define HFTMON_DAEMON_PMU_THREAD_LIST_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

// The thread ids of a process, in any order. NOT_FOUND: it ended.
using ListThreads = std::function<absl::StatusOr<std::vector<pid_t>>(pid_t pid)>;

struct ThreadBound {
  size_t threads_max = 0;
  // For the message: "PID has N threads; `what` of at most M are `done`".
  std::string_view what;  // "the events"
  std::string_view done;  // "counted one by one: count those of its CPUs"
};

// Sorted. RESOURCE_EXHAUSTED: more than the bound. Else what `list` says.
absl::StatusOr<std::vector<pid_t>> SortedThreads(const ListThreads& list, pid_t pid, const ThreadBound& bound);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_THREAD_LIST_H_
