// ThreadSplits: how the time of threads was split in a window, and in which places they ran: CPUs, or what CPUs are part of. One call's
// own; built from what stands in slots, in the store and in the history of switches now. Any thread but the housekeeping one.
#ifndef HFTMON_DAEMON_SERVICE_THREAD_SPLITS_H_
#define HFTMON_DAEMON_SERVICE_THREAD_SPLITS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "daemon/analysis/thread_history.h"
#include "daemon/analysis/time_split.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/thread_lives.h"

namespace hftmon {

struct ThreadSplit {
  ThreadLife life;
  TimeSplit time;
};

class ThreadSplits {
 public:
  using Pieces = ThreadStates::ByThread<std::vector<ThreadPiece>>;

  // Of the threads that `keeps` says, in the window of that length until now or until the newest bucket that has closed, whichever is
  // later; it begins no earlier than `begin_min_ns`. `core` and `selection` outlive the object.
  ThreadSplits(const ServiceCore& core, const TargetSelection& selection, std::function<bool(const ThreadKey&)> keeps, int64_t window_ns,
               int64_t now_ns, int64_t begin_min_ns = std::numeric_limits<int64_t>::min());
  ThreadSplits(const ThreadSplits&) = delete;
  ThreadSplits& operator=(const ThreadSplits&) = delete;

  // What was asked for, and the edges that the store has.
  int64_t begin_ns() const { return begin_ns_; }
  const WindowAnswer& answer() const { return answer_; }
  uint64_t lost_records() const { return lost_records_; }
  // Once: those with activity in the window.
  std::vector<ThreadWindow> TakeThreads() { return std::move(answer_.threads); }

  // Absent: it lived in no part of the window.
  std::optional<ThreadSplit> Find(const ThreadKey& thread) const;
  bool IsAlive(const ThreadKey& thread) const { return lives_.IsAlive(thread); }
  // The running time by place, as CpuRunning::cpu; moves within one place are none. UNAVAILABLE: why it is not known, and what helps. A
  // place is below 65,536; -1 is one too.
  absl::StatusOr<RunningByCpu> RunningBy(const ThreadWindow& window, const ThreadSplit& split, absl::FunctionRef<int(int cpu)> place) const;

 private:
  const ThreadHistory* HistoryOf(const ThreadKey& thread) const;

  const ServiceCore& core_;
  const int64_t closed_ns_;                     // when the newest bucket that has closed ended
  ThreadStates::ByThread<ThreadState> states_;  // first of all: they are kept for a few buckets only
  const int64_t end_ns_;
  const int64_t begin_ns_;
  Pieces pieces_;
  WindowAnswer answer_;
  uint64_t lost_records_ = 0;
  ThreadLives lives_;
  HistoryOfThreads history_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_THREAD_SPLITS_H_
