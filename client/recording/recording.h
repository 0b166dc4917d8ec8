// Recording: what happened to the watched threads over a stretch of time, as a recording file tells it: joined, without doubles, in plain
// structs. Passive. Times and durations are nanoseconds, times CLOCK_MONOTONIC of the daemon's host. Texts are as the daemon gave them:
// names of threads are anybody's choice, so whoever writes them out escapes them.
//
// Bounds: those of the file that it was read from. What is missing is said in `notes`; a value that is not known is -1 or empty, as each
// says.
#ifndef HFTMON_CLIENT_RECORDING_RECORDING_H_
#define HFTMON_CLIENT_RECORDING_RECORDING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

struct RecordedThreadId {
  int32_t pid = 0;
  int32_t tid = 0;
  int64_t start_boottime_ns = 0;  // tells a recycled tid from the one before
  std::string comm;

  bool operator==(const RecordedThreadId& other) const { return tid == other.tid && start_boottime_ns == other.start_boottime_ns; }
};

enum class PieceState : uint8_t { kRunning, kWaiting, kBlocked, kInterrupted, kUnknown };
// "running", "waiting", "blocked", "interrupted", "unknown".
std::string_view PieceStateName(PieceState state);

struct RecordedPiece {
  int64_t start_ns = 0;
  int64_t duration_ns = 0;
  PieceState state = PieceState::kUnknown;
  int32_t cpu = -1;       // running, interrupted: where; waiting: of the queue that it left in the end; -1: not known
  int32_t other_tid = 0;  // waiting: who ran last before it; 0: idle, or not known
  uint64_t spike_id = 0;  // where it is one
  std::string detail;     // blocked: the system call; interrupted: the source that took most; waiting: the name of other_tid

  int64_t end_ns() const { return start_ns + duration_ns; }
};

// The pieces of a thread are in the order of time and do not overlap; where they do not touch, nothing is known.
struct RecordedThread {
  RecordedThreadId id;
  bool truncated = false;  // what it did before its first piece is not known
  std::vector<RecordedPiece> pieces;
};

struct RecordedWaker {
  bool known = false;
  std::string context;  // thread, softirq, hard_irq, nmi
  int32_t tid = 0;      // of the thread on the waker's CPU: the waker where the context is a thread; 0: idle
  int32_t pid = 0;
  std::string comm;
  int32_t cpu = -1;
  std::string interrupt;
  int64_t woken_ns = 0;
};

struct RecordedCause {
  std::string kind;
  int64_t duration_ns = 0;
  bool estimated = false;
  int32_t cpu = -1;
  // Who did it; all empty: nobody did.
  int32_t pid = 0;
  int32_t tid = 0;
  int32_t irq = 0;
  std::string comm;
  std::string name;  // of an interrupt or a softirq, or of many together
  std::string evidence;
};

struct RecordedSpike {
  uint64_t id = 0;
  RecordedThreadId thread;
  int32_t target_pid = 0;
  int32_t cpu = -1;
  int64_t start_ns = 0;
  int64_t duration_ns = 0;
  std::string kind;
  bool in_progress = false;
  bool inconclusive = false;
  std::string inconclusive_reason;
  uint64_t lost_records = 0;
  std::vector<RecordedCause> causes;  // largest first; with unexplained_ns they sum to the duration
  int64_t unexplained_ns = 0;
  std::string operation;  // kinds operation and gap: its name
  uint64_t operation_value = 0;
  std::optional<RecordedWaker> waker;
  // Innermost first; empty: none was taken.
  std::vector<std::string> kernel_stack;
  std::vector<std::string> user_stack;

  int64_t end_ns() const { return start_ns + duration_ns; }
};

// An off-CPU interval, or a migration.
struct RecordedSwitch {
  RecordedThreadId thread;
  int64_t start_ns = 0;
  int64_t duration_ns = -1;  // -1: not known, or a migration
  int64_t run_queue_ns = 0;
  std::string kind;
  bool voluntary = false;
  std::string syscall;
  int32_t cpu_out = -1;
  int32_t cpu_in = -1;
  int32_t preemptor_tid = 0;
  std::string preemptor_comm;
  std::string migration_reason;
  std::optional<RecordedWaker> waker;

  // When it stopped to sleep and began to wait for a CPU; meaningless of a migration.
  int64_t wait_start_ns() const { return duration_ns < 0 ? start_ns : start_ns + duration_ns - run_queue_ns; }
};

// Of one operation that a program marks, since the daemon reads its marks: sums, not of the recording's time alone.
struct RecordedOperation {
  int32_t pid = 0;
  std::string comm;
  std::string name;
  uint64_t count = 0;
  uint64_t error_count = 0;
  double rate_hz = 0;
  int64_t sum_ns = 0;
  int64_t max_ns = -1;                    // -1: there are none
  std::map<double, int64_t> percentiles;  // those with enough durations behind them
  uint64_t spike_count = 0;
  uint64_t dropped_marks = 0;  // of the whole program
};

struct CounterSample {
  int64_t time_ns = 0;
  double value = 0;
};
// One metric of one process (tid 0) or thread, in the order of time.
struct RecordedCounter {
  std::string metric;
  std::string unit;  // as the daemon's catalogue has it; empty: not told
  int32_t pid = 0;
  int32_t tid = 0;
  bool estimated = false;  // of any sample
  std::vector<CounterSample> samples;
};

// What interrupts of one source took on one CPU between the recording's beginning and its end.
struct RecordedInterrupts {
  int32_t cpu = 0;
  std::string kind;
  std::string name;
  uint64_t count = 0;
  int64_t self_ns = 0;
};

struct RecordedNode {
  int32_t node = 0;
  std::vector<int32_t> cpus;
};

struct Recording {
  std::string recorder_version;
  std::string daemon_version;
  std::string host;
  std::string kernel;
  // One moment in both clocks.
  int64_t pair_monotonic_ns = 0;
  int64_t pair_realtime_ns = 0;
  // Of what is recorded.
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  bool whole = false;      // the file has its end
  std::string end_reason;  // duration, window, signal; empty: not whole
  uint64_t lost_records = 0;
  std::optional<int64_t> run_queue_floor_ns;  // shorter waits were recorded nowhere; nothing: none were
  std::optional<int64_t> off_cpu_floor_ns;    // likewise sleeps
  std::vector<std::string> notes;             // what it does not know
  bool incomplete = false;                    // of those one at least is a loss: a warning, a cut, lost records

  std::vector<RecordedThread> threads;  // by pid and tid
  std::vector<RecordedSpike> spikes;    // by start
  std::vector<RecordedSwitch> switches;
  std::vector<RecordedOperation> operations;
  std::vector<RecordedCounter> counters;
  std::vector<RecordedInterrupts> interrupts;
  std::vector<RecordedNode> nodes;

  int64_t duration_ns() const { return end_ns - begin_ns; }
  int64_t ToRealtime(int64_t monotonic_ns) const { return monotonic_ns - pair_monotonic_ns + pair_realtime_ns; }
};

// Who a cause's actor is, for people: "eth0-rx (irq 24)", "backup[812]", "NET_RX"; empty where nobody acted.
std::string ActorName(const RecordedCause& cause);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_RECORDING_RECORDING_H_
