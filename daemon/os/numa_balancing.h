// NumaBalancing: what the kernel's own balancing of memory between nodes did, for the host and for a thread.
//
// Reads: /sys/devices/system/node/online, /proc/sys/kernel/numa_balancing, /proc/vmstat, /proc/PID/task/TID/sched (only where it balances:
// reading that takes the thread's own lock of its task for a moment). There is no tracepoint at a hint fault. Any thread; stateless.
#ifndef HFTMON_DAEMON_OS_NUMA_BALANCING_H_
#define HFTMON_DAEMON_OS_NUMA_BALANCING_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Since the host started.
struct NumaBalancing {
  uint64_t unmapped_page_count = 0;
  uint64_t hint_fault_count = 0;
  uint64_t local_hint_fault_count = 0;
  uint64_t moved_page_count = 0;
};

// Since the thread's birth.
struct NumaOfThread {
  uint64_t fault_count = 0;
  uint64_t moved_page_count = 0;
};

// FAILED_PRECONDITION, with the reason and the mend: the host has one node, or balancing is off or not built in. The errors of FileRoot.
absl::StatusOr<NumaBalancing> ReadNumaBalancing(const FileRoot& files);

// NOT_FOUND: the thread is gone, or this kernel does not say it (CONFIG_SCHED_DEBUG).
absl::StatusOr<NumaOfThread> ReadNumaOfThread(const FileRoot& files, uint32_t pid, uint32_t tid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_NUMA_BALANCING_H_
