// Waits for the kernel's own locks, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_KERNEL_LOCK_H_
#define HFTMON_CLIENT_CLI_RENDER_KERNEL_LOCK_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// A line, indented to stand below a spike: "kernel lock: rwsem at 0xffff8881, for writing, held by writer[4711]".
std::string KernelLockText(const v1::KernelLockWait& wait);
// {type, access?, address, holder?{tid, pid, comm}}.
Json KernelLockJson(const v1::KernelLockWait& wait);

// A table of each thread's sums by type and why others have none, "" when no thread has any.
std::string KernelLockSumsText(const v1::QueryLocksResponse& response);
// The locks that were waited for longest, or why there are none.
std::string KernelLocksPart(const v1::QueryLocksResponse& response, const std::string& when);

// {available, reason?, sums[{type, count, duration_ns, off_cpu_ns, longest_ns}]?, unended_count?}.
Json KernelLockSumsJson(const v1::KernelLocksOfThread& locks);
Json ContendedKernelLockJson(const v1::ContendedKernelLock& lock);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_KERNEL_LOCK_H_
