// What the daemon changes in a slot's table of kernel times (daemon/bpf/kernel_time_events.h). Any thread that owns the slot's wishes.
#ifndef HFTMON_DAEMON_CONTROL_KERNEL_TIMES_H_
#define HFTMON_DAEMON_CONTROL_KERNEL_TIMES_H_

#include <linux/types.h>

#include <atomic>
#include <cstdint>

#include "daemon/bpf/kernel_time_events.h"

namespace hftmon {

// The probes whose figures stand in that table.
inline constexpr uint32_t kKernelTimeProbes = HFT_MEMORY | HFT_KERNEL_LOCKS;

// What `probes` began in it and has not ended is in no figure. Relaxed: each word stands for itself.
inline void ForgetBegun(hft_thread_kernel* kernel, uint32_t probes) {
  const auto forget = [](hft_kernel_begin& begin) { std::atomic_ref<__u64>(begin.start_ns).store(0, std::memory_order_relaxed); };
  if ((probes & HFT_MEMORY) != 0) {
    for (hft_kernel_begin& begin : kernel->faults_begun) forget(begin);
    forget(kernel->stalls_begun[HFT_STALL_COMPACTION]);
    forget(kernel->stalls_begun[HFT_STALL_RECLAIM]);
    forget(kernel->stalls_begun[HFT_STALL_MIGRATION]);
  }
  if ((probes & HFT_KERNEL_LOCKS) != 0) {
    forget(kernel->stalls_begun[HFT_STALL_SPINNING_LOCK]);
    forget(kernel->stalls_begun[HFT_STALL_SLEEPING_LOCK]);
  }
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_KERNEL_TIMES_H_
