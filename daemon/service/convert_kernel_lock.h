// Waits for locks of the kernel: domain -> proto. Pure.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_KERNEL_LOCK_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_KERNEL_LOCK_H_

#include "daemon/control/thread_names.h"
#include "daemon/ingest/kernel_stall.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// Requires that it is a wait for a lock.
void KernelLockToProto(const KernelStall& stall, ThreadNames* names, v1::KernelLockWait* out);

// Requires that the holder is known.
void HolderToProto(const KernelStall& stall, ThreadNames* names, v1::KernelLockWait::Holder* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_KERNEL_LOCK_H_
