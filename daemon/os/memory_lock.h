// Locks pages of the housekeeping loop into memory, so that it never waits for a page fault. Any thread, at start.
#ifndef HFTMON_DAEMON_OS_MEMORY_LOCK_H_
#define HFTMON_DAEMON_OS_MEMORY_LOCK_H_

#include <cstddef>
#include <functional>
#include <string_view>

#include "absl/status/status.h"

namespace hftmon {

// The seam: mlock(2) and getrlimit(RLIMIT_MEMLOCK).
struct MemoryLockCalls {
  std::function<int(const void* address, size_t bytes)> lock;  // 0, or -1 with errno
  std::function<size_t()> limit_bytes;                         // SIZE_MAX: unlimited
};
MemoryLockCalls SystemMemoryLockCalls();

// Locks the pages that hold [address, address + bytes) and touches them. The process's memory stays locked until it unmaps them.
// RESOURCE_EXHAUSTED names `what`, the limit and the mend.
absl::Status LockMemory(const void* address, size_t bytes, std::string_view what, const MemoryLockCalls& calls = SystemMemoryLockCalls());

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_MEMORY_LOCK_H_
