// KernelStall: what the kernel did in a thread's own time that took longer than the threshold: a page fault, a wait for one of the kernel's
// own locks, compaction, direct reclaim or moving of pages. Passive data. Source: HFT_RECORD_KERNEL_TIME.
#ifndef HFTMON_DAEMON_INGEST_KERNEL_STALL_H_
#define HFTMON_DAEMON_INGEST_KERNEL_STALL_H_

#include <linux/types.h>

#include <array>
#include <cstdint>

#include "daemon/bpf/kernel_time_events.h"

namespace hftmon {

struct KernelStall {
  bool known = false;  // false: nothing else is meant
  hft_kernel_what what = HFT_KERNEL_FAULT;
  hft_fault_kind fault_kind = HFT_FAULT_USER_MINOR;  // of a fault
  hft_lock_type lock_type = HFT_LOCK_SPIN;           // of a lock
  uint8_t lock_flags = 0;                            // HFT_LOCK_FOR_READING, HFT_LOCK_FOR_WRITING
  uint64_t address = 0;    // that was touched, or the lock's; of moving: its reason, the kernel's enum migrate_reason
  uint32_t owner_tid = 0;  // of a lock: who held it when the wait began; 0: not known
  uint32_t owner_tgid = 0;
  std::array<int64_t, HFT_STALLS> stall_off_cpu_ns{};  // of its time off the CPU: what the stalls within it waited for
};

constexpr bool IsMajor(hft_fault_kind kind) {
  return kind == HFT_FAULT_USER_MAJOR || kind == HFT_FAULT_KERNEL_MAJOR;
}
constexpr bool IsInKernel(hft_fault_kind kind) {
  return kind == HFT_FAULT_KERNEL_MINOR || kind == HFT_FAULT_KERNEL_MAJOR;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_KERNEL_STALL_H_
