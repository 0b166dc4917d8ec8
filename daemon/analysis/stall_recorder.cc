#include "daemon/analysis/stall_recorder.h"

#include <algorithm>

#include "daemon/analysis/spike_kinds.h"
#include "daemon/analysis/time_budget.h"

namespace hftmon {

void StallRecorder::OnInterval(const OffCpuInterval& interval) {
  if (!enabled()) return;
  // A sleep as a whole; of what was not seen leaving, and of who could run on, the wait.
  const bool whole = interval.off_cpu_ns >= 0 && interval.out_clock_ns >= 0 && EndsWithWakeUp(interval.out_kind);
  budget_.kind = whole ? SpikeKind::kBlocked : KindOfWait(interval.out_kind);
  FillTimeBudget(interval, &budget_);
  budget_.start_mono_ns = interval.end_mono_ns - budget_.duration_ns;
  Append(interval.thread, interval.slot, interval.cpu);
}

void StallRecorder::OnInterruption(const Interruption& interruption) {
  if (!enabled()) return;
  budget_.kind = SpikeKind::kInterrupted;
  FillInterruptionBudget(interruption, &budget_);
  budget_.start_mono_ns = interruption.start_mono_ns;
  Append(interruption.thread, interruption.slot, interruption.cpu);
}

void StallRecorder::OnKernelStall(const EndedKernelStall& stall) {
  if (!enabled()) return;
  budget_.kind = KindOfStall(stall.stall.what);
  FillKernelStallBudget(stall, &budget_);
  budget_.start_mono_ns = stall.start_mono_ns;
  Append(stall.thread, stall.slot, stall.cpu);
}

void StallRecorder::Append(const ThreadKey& thread, uint16_t slot, uint16_t cpu) {
  stall_.thread = thread;
  stall_.start_mono_ns = budget_.start_mono_ns;
  stall_.duration_ns = budget_.duration_ns;
  stall_.unexplained_ns = budget_.unexplained_ns;
  stall_.kind = budget_.kind;
  stall_.cause_count = budget_.cause_count;
  stall_.cpu = cpu;
  stall_.slot = slot;
  std::copy_n(budget_.causes.begin(), std::min<size_t>(budget_.cause_count, kCausesMax), stall_.causes.begin());
  stalls_.Append(stall_);
}

}  // namespace hftmon
