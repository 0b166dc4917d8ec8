// The processes that bear a name, as "irqbalance", found by looking at all of them. System calls, some 10 us a process: for a request.
// Reads: /proc, /proc/PID/comm. Any thread; stateless.
#ifndef HFTMON_DAEMON_OS_NAMED_PROCESSES_H_
#define HFTMON_DAEMON_OS_NAMED_PROCESSES_H_

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// By pid; of `comm` the first 15 bytes count, as the kernel keeps no more. One that ends meanwhile is left out. Any program may bear any
// name.
absl::StatusOr<std::vector<pid_t>> FindProcessesNamed(const FileRoot& root, std::string_view comm);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_NAMED_PROCESSES_H_
