// Time budgets: FillTimeBudget partitions an off-CPU interval, FillInterruptionBudget a stretch of interrupts, among named causes. Every
// nanosecond goes to one cause or to `unexplained`.
//
// Pure, any thread, no allocation, bounded by kRunnerSpansMax. Invariant, whatever the input: the causes' durations and the rest sum to the
// spike's duration exactly, and none is negative. What the interval claims beyond its duration is cut off, oldest first.
//
// Rules, for the waiting part:
//   - a handler that ran on the last CPU has its own time (what nested in it has the inner one's), whoever was interrupted by it (kNmi,
//     kHardIrq, kSoftirq); threads have what is left of their spans;
//   - a span of another thread on the segment's CPU is that thread's (kThread);
//   - a span of the idle task is kWaking: the thread was runnable and its CPU slept;
//   - the thread's own tid as the very first runner is kWaking too: it was put on the queue (preempted, or woken before it had left) a
//   moment
//     before the log of who ran saw it leave, and the scheduler's own work is all that lies between. Its own tid anywhere else contradicts
//     the wait and stays unexplained; it is never an actor;
//   - wait that no segment covers, in a wait that moved and whose CPUs are all known, is kMigrating; when a CPU is missing it might as well
//   have
//     waited there, so the rest is unexplained;
//   - what no span of a segment covers is unexplained (the log wrapped, or a record was lost).
// A kBlocked spike is the whole off-CPU interval: kBlocked is what is not waiting, then the wait's causes as above.
#ifndef HFTMON_DAEMON_ANALYSIS_TIME_BUDGET_H_
#define HFTMON_DAEMON_ANALYSIS_TIME_BUDGET_H_

#include "daemon/analysis/spike.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

// Reads spike->kind; sets duration_ns, causes (largest first), cause_count and unexplained_ns. Causes of the same actor are one; actors
// beyond what fits are one cause of their kind, `others`. Causes beyond cause_count are left as they were.
void FillTimeBudget(const OffCpuInterval& interval, Spike* spike);

// The same for a stretch of interrupts: each handler has its own time; what lies between two handlers is unexplained (the kernel's way out
// of one and into the next).
void FillInterruptionBudget(const Interruption& interruption, Spike* spike);

// The same for a page fault, a wait for a lock of the kernel, compaction, reclaim or migration (stall.stall.what): what it was blocked for,
// its wait for a CPU, the handlers that interrupted it (when it left its CPU in between, or there were too many of them, one cause for each
// level that names none), the stalls within it; the rest is its own, and whatever else had the CPU meanwhile that no program sees (a
// hypervisor, SMI).
void FillKernelStallBudget(const EndedKernelStall& stall, Spike* spike);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_TIME_BUDGET_H_
