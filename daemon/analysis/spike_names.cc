#include "daemon/analysis/spike_names.h"

namespace hftmon {

std::string_view SpikeKindName(SpikeKind kind) {
  switch (kind) {
    case SpikeKind::kPreempted:
      return "preempted";
    case SpikeKind::kRunQueue:
      return "run_queue";
    case SpikeKind::kBlocked:
      return "blocked";
    case SpikeKind::kInterrupted:
      return "interrupted";
    case SpikeKind::kFault:
      return "fault";
    case SpikeKind::kKernelLock:
      return "kernel_lock";
    case SpikeKind::kCompaction:
      return "compaction";
    case SpikeKind::kReclaim:
      return "reclaim";
    case SpikeKind::kMigration:
      return "migration";
    case SpikeKind::kOperation:
      return "operation";
    case SpikeKind::kGap:
      return "gap";
  }
  return "unknown";
}

std::string_view CauseKindName(CauseKind kind) {
  switch (kind) {
    case CauseKind::kNmi:
      return "nmi";
    case CauseKind::kHardIrq:
      return "hard_irq";
    case CauseKind::kSoftirq:
      return "softirq";
    case CauseKind::kThread:
      return "thread";
    case CauseKind::kWaking:
      return "waking";
    case CauseKind::kMigrating:
      return "migrating";
    case CauseKind::kBlocked:
      return "blocked";
    case CauseKind::kRunnable:
      return "runnable";
    case CauseKind::kFault:
      return "fault";
    case CauseKind::kKernelLock:
      return "kernel_lock";
    case CauseKind::kCompaction:
      return "compaction";
    case CauseKind::kReclaim:
      return "reclaim";
    case CauseKind::kMigration:
      return "migration";
    case CauseKind::kRunning:
      return "running";
  }
  return "unknown";
}

}  // namespace hftmon
