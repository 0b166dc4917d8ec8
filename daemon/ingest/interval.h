// What ingest makes of the kernel's records: an off-CPU interval that ended, a thread's life event, a thread's delta over one window
// bucket. Passive data; intervals and events are trivially copyable and travel through fixed rings. All times int64 nanoseconds.
#ifndef HFTMON_DAEMON_INGEST_INTERVAL_H_
#define HFTMON_DAEMON_INGEST_INTERVAL_H_

#include <linux/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "common/sparse_histogram.h"
#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/ingest/call.h"
#include "daemon/ingest/kernel_stall.h"
#include "daemon/ingest/preemption.h"
#include "daemon/ingest/waker.h"

namespace hftmon {

// A thread for ever: a recycled tid has another start.
struct ThreadKey {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  int64_t start_ns = 0;  // task->start_boottime
  bool operator==(const ThreadKey&) const = default;
};

// By process, thread, and which of those that had the number.
struct ThreadKeyOrder {
  bool operator()(const ThreadKey& a, const ThreadKey& b) const {
    return std::tie(a.tgid, a.tid, a.start_ns) < std::tie(b.tgid, b.tid, b.start_ns);
  }
};

struct ThreadKeyHash {
  size_t operator()(const ThreadKey& key) const {
    uint64_t mixed = (static_cast<uint64_t>(key.tgid) << 32 | key.tid) * 0x9e3779b97f4a7c15ull;
    mixed ^= static_cast<uint64_t>(key.start_ns) + (mixed >> 29);
    mixed *= 0xbf58476d1ce4e5b9ull;
    return mixed ^ (mixed >> 32);
  }
};

// Who ran on a CPU for part of a wait. tid 0 is the idle task.
struct RunnerSpan {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  int64_t duration_ns = 0;
};

inline constexpr int kRunnerSpansMax = 72;  // 64 log entries of the last CPU, the rest for CPUs before migrations
inline constexpr int kWaitSegmentsMax = 4;  // CPUs of one wait that are kept apart

// The part of a wait spent on one CPU. spans[first_span, first_span + span_count) of the interval, oldest first.
struct WaitSegment {
  uint16_t cpu = 0;
  uint16_t first_span = 0;
  uint16_t span_count = 0;
  int64_t wait_ns = 0;
};

// One handler of an interrupt that ran: durations include what nested in it. In a list, inner ones stand before what they interrupted.
struct InterruptSpan {
  int64_t start_mono_ns = 0;
  int64_t duration_ns = 0;
  hft_interrupt_source source = HFT_SOURCE_NONE;
  uint16_t number = 0;                      // of the interrupt or the vector
  bool unhandled = false;                   // a device's handler said that it was not its own (a shared line)
  char name[HFT_HANDLER_NAME_LENGTH] = {};  // of a device's handler; the sender's, where it is known; else empty
  uint32_t sender_tid = 0;                  // call_function: who sent the flush of the TLB in it; 0: none, several, or not known
  uint32_t sender_tgid = 0;
};

inline constexpr int kInterruptSpansMax = HFT_INTERRUPTIONS_PER_RECORD;

struct InterruptList {
  uint8_t count = 0;
  bool truncated = false;  // older ones of the same time are not here
  std::array<InterruptSpan, kInterruptSpansMax> spans;
};

// A stretch of interrupts above the threshold that took a watched thread's CPU. Source: HFT_RECORD_INTERRUPTED.
struct Interruption {
  ThreadKey thread;
  uint16_t slot = 0;
  uint16_t cpu = 0;
  int64_t start_mono_ns = 0;  // entry of the first handler
  int64_t end_mono_ns = 0;    // exit of the last one
  int64_t record_mono_ns = 0;
  int64_t loop_gap_ns = 0;  // as in OffCpuInterval
  InterruptList interrupts;
};

// A page fault, a wait for a lock of the kernel, a compaction, reclaim or moving of pages in a watched thread, above the threshold, that
// ended. Source: HFT_RECORD_KERNEL_TIME.
struct EndedKernelStall {
  ThreadKey thread;
  uint16_t slot = 0;
  uint16_t cpu = 0;  // where it ended
  int64_t start_mono_ns = 0;
  int64_t end_mono_ns = 0;
  int64_t record_mono_ns = 0;
  int64_t off_cpu_ns = 0;                            // of it, off the CPU
  int64_t wait_ns = 0;                               // of that, waiting for a CPU
  std::array<int64_t, HFT_LEVELS> interrupted_ns{};  // by level, while it was on a CPU
  std::array<int64_t, HFT_STALLS> stall_ns{};        // own times of the stalls within it, on a CPU
  int64_t loop_gap_ns = 0;                           // as in OffCpuInterval
  bool on_cpu = false;                               // it did not leave its CPU: `interrupts` tells interrupted_ns
  InterruptList interrupts;
  KernelStall stall;
};

// One off-CPU interval of a watched thread, ended by its switch-in, above a kernel threshold.
// Source: HFT_RECORD_SWITCH_IN (+ RUNNERS, + the HFT_RECORD_MIGRATIONs of the same wait).
struct OffCpuInterval {
  ThreadKey thread;
  uint16_t slot = 0;
  uint16_t cpu = 0;      // where it got its CPU back
  uint16_t out_cpu = 0;  // where it left
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;
  int32_t out_syscall = -1;
  uint8_t depth = 0;                     // run-queue depth at switch-in, itself included
  uint8_t priority = 0;                  // kernel priority 0 … 139; below 100 is real time
  uint8_t prev_priority = 0;             // of the last runner
  uint8_t policy = 0;                    // SCHED_*
  uint8_t prev_policy = 0;               // of the last runner
  uint8_t wait_migrations = 0;           // moves during the wait
  bool runners_truncated = false;        // some of the wait's runners are not known
  int64_t end_mono_ns = 0;               // CLOCK_MONOTONIC of the switch-in (record's own time stamp)
  int64_t end_clock_ns = 0;              // the run queue's clock of the switch-in, read before end_mono_ns; 0: not known
  int64_t off_cpu_ns = 0;                // switch-out to switch-in; -1 when the switch-out was not seen
  int64_t wait_ns = 0;                   // its run-queue part, over all CPUs
  char prev_comm[HFT_COMM_LENGTH] = {};  // name of the last runner
  uint32_t prev_tid = 0;                 // tid of the last runner
  int64_t loop_gap_ns = 0;               // the loop's lateness in the iteration that took the record
  uint8_t segment_count = 0;             // oldest first; the last one is on `cpu`
  std::array<WaitSegment, kWaitSegmentsMax> segments;
  uint16_t span_count = 0;
  std::array<RunnerSpan, kRunnerSpansMax> spans;
  int64_t out_clock_ns = 0;  // of the run queue it left, as in the record of its preemption; 0 when that was not seen. Negative: it slept
                             // already when watching began, and the interval counts from there (EarlierSleeps)
  InterruptList interrupts;  // on `cpu` during the last part of the wait
  Preemption preemption;     // how it lost its CPU, when it was preempted
  Waker waker;               // who woke it, when it slept and its target asks
  Call call;                 // what it blocked in, when its target asks
};

enum class LifeKind : uint8_t { kFork, kExec, kEnded, kRecycled, kMigration, kVisitor };

// A change in a watched thread's life, or a move to another CPU. Source: HFT_RECORD_{FORK,EXEC,ENDED,RECYCLED,MIGRATION,VISITOR}.
struct LifeEvent {
  LifeKind kind = LifeKind::kFork;
  ThreadKey thread;
  uint16_t slot = 0;
  uint32_t parent_tid = 0;     // kFork
  uint32_t parent_tgid = 0;    // kFork
  uint32_t previous_tid = 0;   // kExec
  bool process_ended = false;  // kEnded
  uint16_t from_cpu = 0;       // kMigration; kVisitor: where
  uint16_t to_cpu = 0;
  hft_migration_reason reason = HFT_MIGRATION_UNKNOWN;
  int64_t mono_ns = 0;
  char comm[HFT_COMM_LENGTH] = {};
};

// What one thread did between two edges of the finest buckets: differences of its slot. Not trivial: its histograms own memory.
struct ThreadDelta {
  ThreadKey thread;
  uint16_t slot = 0;
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
  uint64_t run_delay_ns = 0;
  uint64_t off_cpu_ns = 0;
  uint64_t off_cpu_count = 0;
  uint64_t migration_count = 0;
  uint64_t discarded_count = 0;
  std::array<uint64_t, HFT_LEVELS> interrupted_ns{};  // what interrupts took from it, by level
  // Exact where the kernel's maximum is this bucket's, else its histogram bucket's upper edge (WindowMaximum).
  int64_t run_queue_max_ns = 0;
  int64_t off_cpu_max_ns = 0;
  std::array<uint32_t, HFT_SWITCH_KINDS> kind_count{};
  std::array<uint32_t, HFT_DEPTH_BUCKETS> depth{};
  // Durations that are in the sums and maxima and in no bucket, because the kernel's pool of histogram pages was used up.
  uint64_t run_queue_unbinned_count = 0;
  uint64_t off_cpu_unbinned_count = 0;
  SparseHistogram run_queue;
  SparseHistogram off_cpu;
};

// Records that one ring lost, and the time in which they would have stood.
struct LossEvent {
  uint16_t cpu = 0;
  uint64_t lost_count = 0;
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_INTERVAL_H_
