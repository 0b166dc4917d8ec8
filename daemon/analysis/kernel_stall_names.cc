#include "daemon/analysis/kernel_stall_names.h"

#include <fmt/format.h>

#include <array>

namespace hftmon {

std::string_view LockTypeName(hft_lock_type type) {
  switch (type) {
    case HFT_LOCK_SPIN:
      return "spinlock";
    case HFT_LOCK_RWLOCK:
      return "rwlock";
    case HFT_LOCK_MUTEX:
      return "mutex";
    case HFT_LOCK_RWSEM:
      return "rwsem";
    case HFT_LOCK_RT_MUTEX:
      return "rt_mutex";
    case HFT_LOCK_PERCPU_RWSEM:
      return "percpu_rwsem";
    default:
      return "other";
  }
}

std::string_view LockAccess(uint8_t lock_flags) {
  if ((lock_flags & HFT_LOCK_FOR_WRITING) != 0) return "writing";
  return (lock_flags & HFT_LOCK_FOR_READING) != 0 ? "reading" : "";
}

std::string_view MigrationReasonName(uint32_t reason) {
  static constexpr std::array<std::string_view, 10> kNames = {"compaction",      "memory_failure", "memory_hotplug", "syscall",
                                                              "mempolicy_mbind", "numa_misplaced", "contig_range",   "longterm_pin",
                                                              "demotion",        "damon"};
  return reason < kNames.size() ? kNames[reason] : "other";
}

std::string KernelStallPhrase(const KernelStall& stall) {
  switch (stall.what) {
    case HFT_KERNEL_LOCK: {
      const std::string_view access = LockAccess(stall.lock_flags);
      const std::string_view type = stall.lock_type == HFT_LOCK_OTHER ? "lock" : LockTypeName(stall.lock_type);
      return fmt::format("wait for the kernel's {} at {:#x}{}", type, stall.address,
                         access.empty() ? "" : fmt::format(" (for {})", access));
    }
    case HFT_KERNEL_COMPACTION:
      return "compaction";
    case HFT_KERNEL_RECLAIM:
      return "direct reclaim";
    case HFT_KERNEL_MIGRATION:
      return fmt::format("moving of pages ({})", MigrationReasonName(static_cast<uint32_t>(stall.address)));
    default:
      return fmt::format("{} page fault{} at {:#x}", IsMajor(stall.fault_kind) ? "major" : "minor",
                         IsInKernel(stall.fault_kind) ? " in a system call" : "", stall.address);
  }
}

}  // namespace hftmon
