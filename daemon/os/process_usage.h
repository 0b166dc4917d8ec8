// ProcessUsage: what this process itself costs. Any thread but the housekeeping thread.
// Reads: /proc/self/statm, /proc/self/status, CLOCK_PROCESS_CPUTIME_ID.
#ifndef HFTMON_DAEMON_OS_PROCESS_USAGE_H_
#define HFTMON_DAEMON_OS_PROCESS_USAGE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct ProcessUsage {
  int64_t rss_bytes = 0;
  int64_t cpu_time_ns = 0;  // of all threads, user and system
  int32_t thread_count = 0;
};

absl::StatusOr<ProcessUsage> ReadProcessUsage(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROCESS_USAGE_H_
