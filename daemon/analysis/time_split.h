// TimeSplit: where a thread's time went in a window: running, waiting for a CPU, asleep or blocked, taken by interrupts; and on which CPUs
// it ran.
//
// The buckets of the store have whole off-CPU intervals, each in the bucket in which it ended. What lies within the window of the first
// one, which may have begun before, and of the last one, which may go on, is worked out here: whether the thread was off its CPU at an edge
// follows from how often it was seen to come and go until the next known state. Where a switch was not seen, what contradicts it (an
// interval that ended sooner than it was thought to have lasted, the state at the end) sets it right from there on; where within its bucket
// an interval began or ended is known from the events of the history, or else to the bucket's width. The four parts sum to the length of
// the life that is split, exactly; none is negative.
//
// Pure functions, any thread. All times CLOCK_MONOTONIC nanoseconds.
#ifndef HFTMON_DAEMON_ANALYSIS_TIME_SPLIT_H_
#define HFTMON_DAEMON_ANALYSIS_TIME_SPLIT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/store/thread_piece.h"

namespace hftmon {

// The part of the window that the thread lived in and was watched, and what is known of its edges.
struct ThreadLife {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  bool born = false;            // it begins with the thread, which waits for its first CPU
  bool off_at_end = false;      // off its CPU at end_ns,
  int64_t off_since_ns = 0;     // since then, and
  bool waiting_at_end = false;  // it could run all that time
  // Of an off-CPU interval in progress at begin_ns, from the history: what of it, and of its waiting part, lay before.
  std::optional<int64_t> off_before_ns;
  int64_t wait_before_ns = 0;
};

struct TimeSplit {
  // The running time between two moments is spread evenly over what lies between.
  struct Knot {
    int64_t mono_ns = 0;
    int64_t running_ns = 0;  // since the life's begin
  };
  int64_t running_ns = 0;
  int64_t run_queue_wait_ns = 0;
  int64_t blocked_ns = 0;
  int64_t interrupted_ns = 0;
  std::vector<Knot> knots;  // in the order of time, the first at the life's begin, the last at its end

  int64_t RunningUntil(int64_t mono_ns) const;
};

// `pieces`: the thread's, of the window's buckets, in the order of time.
TimeSplit SplitTime(const ThreadLife& life, std::span<const ThreadPiece> pieces);

struct Migration {
  int64_t mono_ns = 0;
  uint16_t from_cpu = 0;
  uint16_t to_cpu = 0;
};

struct CpuRunning {
  int cpu = 0;
  int64_t running_ns = 0;
};

struct RunningByCpu {
  std::vector<CpuRunning> cpus;  // largest first; they sum to the split's running time
  // Running time in pieces in which the thread moved: how it was shared out there is not known.
  int64_t doubtful_ns = 0;
};

// `migrations`: all of the life, in the order of time. `cpu`: where it was all the time when there are none.
RunningByCpu SplitByCpu(const TimeSplit& split, std::span<const Migration> migrations, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_TIME_SPLIT_H_
