// Which kind of spike a stall makes. Pure.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_KINDS_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_KINDS_H_

#include "daemon/analysis/spike.h"

namespace hftmon {

// Of a wait for a CPU, by how the thread left its last one.
constexpr SpikeKind KindOfWait(hft_switch_kind out_kind) {
  switch (out_kind) {
    case HFT_SWITCH_USER_PREEMPTION:
    case HFT_SWITCH_KERNEL_PREEMPTION:
    case HFT_SWITCH_FORCED_MIGRATION:
      return SpikeKind::kPreempted;
    default:
      return SpikeKind::kRunQueue;
  }
}

// Of what the kernel does in a thread's time.
constexpr SpikeKind KindOfStall(hft_kernel_what what) {
  switch (what) {
    case HFT_KERNEL_LOCK:
      return SpikeKind::kKernelLock;
    case HFT_KERNEL_COMPACTION:
      return SpikeKind::kCompaction;
    case HFT_KERNEL_RECLAIM:
      return SpikeKind::kReclaim;
    case HFT_KERNEL_MIGRATION:
      return SpikeKind::kMigration;
    default:
      return SpikeKind::kFault;
  }
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_KINDS_H_
