// ThreadLives: which part of a window each thread lived in and was watched, and how it stood at that part's edges. One call's own; built
// from what stands in slots and in the store now.
#ifndef HFTMON_DAEMON_SERVICE_THREAD_LIVES_H_
#define HFTMON_DAEMON_SERVICE_THREAD_LIVES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/thread_history.h"
#include "daemon/analysis/time_split.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/store/thread_states.h"

namespace hftmon {

class ThreadLives {
 public:
  // All but the states outlive the object. `answer`: the window, as the store has it; `states`: at its end.
  ThreadLives(const ServiceCore& core, const TargetSelection& selection, const WindowAnswer& answer,
              ThreadStates::ByThread<ThreadState> states);

  // Absent: it lived in no part of the window. `pieces`: its own. `history`: may be null.
  std::optional<ThreadLife> Find(const ThreadKey& thread, std::span<const ThreadPiece> pieces, const ThreadHistory* history) const;
  bool IsAlive(const ThreadKey& thread) const;
  // Where it was all the while that `life` lasted, in which it never moved; -1: not known.
  int CpuOf(const ThreadKey& thread, const ThreadLife& life) const;

 private:
  int64_t WatchedSince(const ThreadKey& thread) const;
  int64_t OutSince(const ThreadState& state, std::span<const ThreadPiece> pieces) const;
  void StandAtEnd(const ThreadKey& thread, std::span<const ThreadPiece> pieces, ThreadLife* life) const;

  const ServiceCore& core_;
  const TargetSelection& selection_;
  const WindowAnswer& answer_;
  int64_t boottime_offset_ns_ = 0;
  ThreadStates::ByThread<ThreadTotal> totals_;
  ThreadStates::ByThread<ThreadState> states_;
  ThreadStates::ByThread<int64_t> ends_;
  std::map<uint16_t, RunQueueClock> clocks_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_THREAD_LIVES_H_
