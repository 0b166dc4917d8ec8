// What the kernel's own doings in a thread's time are called. Pure.
#ifndef HFTMON_DAEMON_ANALYSIS_KERNEL_STALL_NAMES_H_
#define HFTMON_DAEMON_ANALYSIS_KERNEL_STALL_NAMES_H_

#include <string>
#include <string_view>

#include "daemon/ingest/kernel_stall.h"

namespace hftmon {

// spinlock, rwlock, mutex, rwsem, rt_mutex, percpu_rwsem, other.
std::string_view LockTypeName(hft_lock_type type);

// How it is wanted: "reading", "writing", empty: a lock without that difference.
std::string_view LockAccess(uint8_t lock_flags);

// Of the kernel's enum migrate_reason: compaction, memory_failure, memory_hotplug, syscall, mempolicy_mbind, numa_misplaced, contig_range,
// longterm_pin, demotion, damon; other.
std::string_view MigrationReasonName(uint32_t reason);

// "minor page fault at 0x7f01", "major page fault in a system call at 0x7f01", "wait for the kernel's rwsem at 0xffff8881 (for writing)",
// "compaction", "direct reclaim", "moving of pages (compaction)".
std::string KernelStallPhrase(const KernelStall& stall);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_KERNEL_STALL_NAMES_H_
