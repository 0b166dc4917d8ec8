// From the kernel's record of what it did in a thread's time to what ingest delivers. Pure; every value is checked: the memory is shared
// with the kernel.
#ifndef HFTMON_DAEMON_INGEST_KERNEL_STALL_BUILDER_H_
#define HFTMON_DAEMON_INGEST_KERNEL_STALL_BUILDER_H_

#include "daemon/ingest/handler_names.h"
#include "daemon/ingest/interval.h"
#include "daemon/ring/ring_record.h"

namespace hftmon {

// HFT_RECORD_KERNEL_TIME. False when its times contradict each other or a kind is none that there is. Invariants of what is made: wait_ns
// is at most off_cpu_ns, and off_cpu_ns and interrupted_ns sum to at most the duration.
bool BuildKernelStall(const RingRecord& record, const ThreadKey& thread, const HandlerNames& names, EndedKernelStall* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_KERNEL_STALL_BUILDER_H_
