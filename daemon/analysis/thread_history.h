// ThreadHistory: what the events of the history tell of how threads' time was split in a window: their moves, and the off-CPU interval that
// was in progress when it began.
//
// Threads: any. Bound: the newest kHistoryEventsMax events.
#ifndef HFTMON_DAEMON_ANALYSIS_THREAD_HISTORY_H_
#define HFTMON_DAEMON_ANALYSIS_THREAD_HISTORY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "daemon/analysis/exact_percentile.h"
#include "daemon/analysis/time_split.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/switch_event.h"

namespace hftmon {

inline constexpr uint64_t kHistoryEventsMax = 65'536;

struct ThreadHistory {
  std::vector<Migration> migrations;     // in the window, in the order of time
  uint64_t edge_count = 0;               // migrations so near an edge that a bucket may have counted them on its other side
  std::optional<int64_t> off_before_ns;  // of the interval in progress at the window's begin, what lay before it,
  int64_t wait_before_ns = 0;            // and of its waiting part
};

struct HistoryOfThreads {
  std::map<ThreadKey, ThreadHistory, ThreadKeyOrder> threads;  // those that have any
  bool truncated = false;                                      // older events of the window are no longer kept, or are too many
};

// Of the threads that `keeps` says, in the window of `answer`.
HistoryOfThreads CollectHistory(const SeqRing<SwitchEvent>& events, const WindowAnswer& answer,
                                const std::function<bool(const ThreadKey&)>& keeps);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_THREAD_HISTORY_H_
