// The CPUs that a thread may run on. Reads: /proc/PID/task/TID/status (Cpus_allowed_list). Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_OS_PROC_AFFINITY_H_
#define HFTMON_DAEMON_OS_PROC_AFFINITY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Sorted; what its cpuset and its own mask leave together. NOT_FOUND when the thread has ended.
absl::StatusOr<std::vector<int>> ReadAllowedCpus(const FileRoot& root, uint32_t tgid, uint32_t tid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_AFFINITY_H_
