// Spike: an interval of a watched thread above the threshold, with its time budget. Passive data, trivially copyable.
// Invariant: the durations of causes[0, cause_count) plus unexplained_ns equal duration_ns exactly; none is negative.
#ifndef HFTMON_DAEMON_ANALYSIS_SPIKE_H_
#define HFTMON_DAEMON_ANALYSIS_SPIKE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/analysis/spike_mark.h"
#include "daemon/ingest/interval.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

enum class SpikeKind : uint8_t {
  kPreempted,    // taken off its CPU while it could have run; the duration is its wait on the run queue
  kRunQueue,     // woken, yielding or newly watched; the duration is its wait on the run queue
  kBlocked,      // the whole off-CPU interval, sleep or blocking included
  kInterrupted,  // interrupts had its CPU while it was on it; the duration is the stretch's, first entry to last exit
  kFault,        // a page fault: the kernel's entry to the end of its handling, what it waited for included
  kKernelLock,   // a wait for one of the kernel's own locks
  kCompaction,   // its memory had to be made room for by moving pages
  kReclaim,      // its memory had to be looked for: direct reclaim
  kMigration,    // the kernel moved pages in its time, whatever for
  kOperation,    // an operation that the program marked itself
  kGap,          // the time between two of its heartbeats
};

// Which innermost thing had the nanoseconds. The order is the design's precedence.
enum class CauseKind : uint8_t {
  kNmi,         // a non-maskable interrupt's handler
  kHardIrq,     // a hard interrupt's handler, IPIs and the local timer among them
  kSoftirq,     // a softirq's, in whichever thread it ran
  kThread,      // another thread ran on the CPU that this one waited for
  kWaking,      // it was runnable and its CPU was idle: the wake-up's own way (IPI, idle exit, scheduler)
  kMigrating,   // between leaving one CPU's queue and entering another's
  kBlocked,     // it slept or was blocked (in kBlocked spikes and those of the kernel's doings)
  kRunnable,    // it waited for a CPU, in spikes of the kernel's doings; who ran meanwhile is told by the spike of that wait
  kFault,       // the kernel handled its page fault
  kKernelLock,  // it spun for one of the kernel's own locks, or was about to sleep for it
  kCompaction,  // the kernel moved pages to make room for it
  kReclaim,     // the kernel looked for memory for it
  kMigration,   // the kernel moved pages
  kRunning,     // it had its CPU (in spikes of marks), for as long as the operation usually takes
};

// The kernel's own doings in the thread's time: Spike.stall says more.
constexpr bool IsKernelStall(SpikeKind kind) {
  return kind >= SpikeKind::kFault && kind <= SpikeKind::kMigration;
}

constexpr bool IsInterrupt(CauseKind kind) {
  return kind == CauseKind::kNmi || kind == CauseKind::kHardIrq || kind == CauseKind::kSoftirq;
}

// What the program marked itself: Spike.mark says more.
constexpr bool IsMarked(SpikeKind kind) {
  return kind == SpikeKind::kOperation || kind == SpikeKind::kGap;
}

// Whether somebody or something acted; else it is a state of the thread itself.
constexpr bool HasActor(CauseKind kind) {
  return IsInterrupt(kind) || kind == CauseKind::kThread;
}

inline constexpr int kCausesMax = 12;

struct Cause {
  CauseKind kind = CauseKind::kThread;
  bool estimated = false;
  bool others = false;     // sum of the actors of this kind that no longer had a place of their own
  uint16_t cpu = 0;        // where its longest part happened
  uint16_t run_count = 0;  // times the actor was switched in, or the handler ran (65535 = that or more)
  uint32_t tid = 0;        // kThread: the actor; call_function: who sent the flushes of the TLB in it, 0: not known
  uint32_t tgid = 0;
  hft_interrupt_source source = HFT_SOURCE_NONE;  // kNmi, kHardIrq, kSoftirq: what ran
  uint16_t number = 0;                            // of the interrupt (a device's) or the vector
  int32_t syscall = -1;                           // kBlocked: the call it was in, -1 when in none; HFT_STOPPED
  int64_t duration_ns = 0;
  char comm[HFT_COMM_LENGTH] =
      {};  // the thread's, device handler's or sender's name when the kernel told it, else empty (resolved by the service)
};

struct Spike {
  uint64_t id = 0;     // 1, 2, 3 … in the order of detection since the daemon started
  uint64_t order = 0;  // of this telling among all, set by SpikeHistory
  SpikeKind kind = SpikeKind::kPreempted;
  ThreadKey thread;
  uint16_t slot = 0;
  uint16_t cpu = 0;
  uint8_t depth = 0;     // run-queue depth at switch-in, itself included
  uint8_t priority = 0;  // kernel priority of the thread
  uint8_t wait_migrations = 0;
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;
  int32_t out_syscall = -1;        // the system call it left in; -1: in none, or not known; HFT_STOPPED
  bool in_progress = false;        // it crossed the threshold and goes on: the same id comes again at its end
  bool inconclusive = false;       // records were lost in its time: runners or moves may be missing
  bool began_earlier = false;      // kBlocked: it slept already when watching began, the duration counts from there
  bool record_missing = false;     // no kernel record told its end: it lasted at least so long, and was found out later
  bool runners_truncated = false;  // some of the time is unexplained because the log of who ran wrapped
  int64_t start_mono_ns = 0;  // end - duration; the end is the closing record's own time stamp, taken < 1 us after the run queue's clock
  int64_t duration_ns = 0;
  int64_t unexplained_ns = 0;
  int64_t record_mono_ns = 0;    // the closing kernel record's time stamp; in progress: when it crossed the threshold
  int64_t record_clock_ns = 0;   // the same moment in the run queue's clock of `cpu`; 0: not known
  int64_t detected_mono_ns = 0;  // when this budget was complete in user space
  int64_t loop_gap_ns = 0;       // the loop's lateness in the iteration that took the record
  uint64_t lost_records = 0;     // records lost in [start, end]
  uint8_t cause_count = 0;       // largest duration first
  uint8_t details = 0;           // which of the last five are known, set by SpikeHistory: the history keeps nothing of the others
  std::array<Cause, kCausesMax> causes;
  Preemption preemption;  // kPreempted: to whom and how; not known when its record did not come
  Waker waker;            // kRunQueue, kBlocked: who ended the sleep, where that is asked for
  Call call;              // kRunQueue, kBlocked: what it blocked in, where that is asked for
  KernelStall stall;      // the kernel's own doings
  SpikeMark mark;         // kOperation, kGap
};

enum SpikeDetail : uint8_t { kPreemptionKnown = 1, kWakerKnown = 2, kWakerAsked = 4, kCallKnown = 8, kStallKnown = 16, kMarkKnown = 32 };

constexpr uint8_t DetailsOf(const Spike& spike) {
  uint8_t details = spike.preemption.known ? kPreemptionKnown : 0;
  if (spike.waker.state == WakerState::kKnown) details |= kWakerKnown;
  if (spike.waker.state == WakerState::kUnknown) details |= kWakerAsked;
  if (spike.call.state != HFT_CALL_NONE) details |= kCallKnown;
  if (spike.stall.known) details |= kStallKnown;
  if (spike.mark.known) details |= kMarkKnown;
  return details;
}

// Only the causes that are there and the details that are known are kept in the history.
template <>
struct SeqRingParts<Spike> {
  static_assert(offsetof(Spike, causes) % 8 == 0 && sizeof(Cause) % 8 == 0 && offsetof(Spike, preemption) % 8 == 0 &&
                offsetof(Spike, waker) % 8 == 0 && offsetof(Spike, call) % 8 == 0 && offsetof(Spike, stall) % 8 == 0);

  template <typename Keep>
  static void Each(const Spike& spike, Keep keep) {
    keep(0, SeqRingBytes<offsetof(Spike, causes)>());
    const size_t cause_count = std::min<size_t>(spike.cause_count, kCausesMax);
    for (size_t i = 0; i < cause_count; ++i) keep(offsetof(Spike, causes) + i * sizeof(Cause), SeqRingBytes<sizeof(Cause)>());
    if (spike.details == 0) return;
    if ((spike.details & kPreemptionKnown) != 0) keep(offsetof(Spike, preemption), SeqRingBytes<sizeof(Preemption)>());
    if ((spike.details & kWakerKnown) != 0) keep(offsetof(Spike, waker), SeqRingBytes<sizeof(Waker)>());
    if ((spike.details & kCallKnown) != 0) keep(offsetof(Spike, call), SeqRingBytes<sizeof(Call)>());
    if ((spike.details & kStallKnown) != 0) keep(offsetof(Spike, stall), SeqRingBytes<sizeof(KernelStall)>());
    if ((spike.details & kMarkKnown) != 0) keep(offsetof(Spike, mark), SeqRingBytes<sizeof(SpikeMark)>());
  }
  static void Complete(Spike* read) {
    if ((read->details & kPreemptionKnown) == 0) read->preemption.known = false;
    if ((read->details & kWakerKnown) == 0)
      read->waker.state = (read->details & kWakerAsked) != 0 ? WakerState::kUnknown : WakerState::kNone;
    if ((read->details & kCallKnown) == 0) read->call.state = HFT_CALL_NONE;
    if ((read->details & kStallKnown) == 0) read->stall.known = false;
    if ((read->details & kMarkKnown) == 0) read->mark.known = false;
  }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_SPIKE_H_
