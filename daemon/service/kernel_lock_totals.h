// KernelLockTotals: the seam through which the service reads threads' waits for locks of the kernel, as the programs keep them.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_KERNEL_LOCK_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_KERNEL_LOCK_TOTALS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/bpf/kernel_time_events.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

struct KernelLockTotal {
  uint64_t count = 0;
  int64_t duration_ns = 0;
  int64_t off_cpu_ns = 0;
  int64_t longest_ns = 0;
};

struct ThreadKernelLockTotal {
  ThreadKey thread;
  std::string unavailable;  // why there are no figures, and the mend; empty when there are
  std::array<KernelLockTotal, HFT_LOCK_TYPES> types;
  uint64_t unended_count = 0;
};

class KernelLockTotals {
 public:
  virtual ~KernelLockTotals() = default;
  // Every thread of the process that has a slot now. Each figure stands for itself: one may be a moment newer than another.
  virtual std::vector<ThreadKernelLockTotal> ThreadsOf(uint32_t tgid) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_KERNEL_LOCK_TOTALS_H_
