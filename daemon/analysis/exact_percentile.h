// ExactPercentile: the true value behind a histogram's percentile, from the events of the history, where they prove to be complete.
//
// The kernel's histogram says how many values lie in the percentile's bucket. Each event above the kernel's threshold is one of these
// values, so when the history holds as many events of that bucket as it has values, it holds them all, and the percentile is one of them.
// Where it holds fewer (below the threshold, lost, overwritten, not drained yet), there is no exact value.
//
// An event near an edge of the window may have been counted on either side of it, while the slots were read (Bucket::*_read_ns). Such
// events are taken only when the count asks for all of them and nothing else can be missing: no record was lost, the history reaches back
// to the window's begin, and the whole bucket lies above the kernel's threshold.
//
// Threads: one at a time; no shared state. Bound: kEventsLookedAtMax events.
#ifndef HFTMON_DAEMON_ANALYSIS_EXACT_PERCENTILE_H_
#define HFTMON_DAEMON_ANALYSIS_EXACT_PERCENTILE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "common/sparse_histogram.h"
#include "daemon/store/seq_ring.h"
#include "daemon/store/switch_event.h"
#include "daemon/store/thread_window.h"

namespace hftmon {

// The window's edges, and how far from each an event may have been counted on the other side.
struct EventWindow {
  // The loop's clock and the kernel's are compared across an edge.
  static constexpr int64_t kClockSlackNs = 20'000;

  explicit EventWindow(const WindowAnswer& answer);
  bool MayHold(int64_t mono_ns) const { return mono_ns >= begin_first_ns && mono_ns < end_last_ns; }
  bool Holds(int64_t mono_ns) const { return mono_ns >= begin_last_ns && mono_ns < end_first_ns; }

  int64_t begin_first_ns = 0;  // before this, surely outside
  int64_t begin_last_ns = 0;   // from this on, surely inside
  int64_t end_first_ns = 0;
  int64_t end_last_ns = 0;
};

// Durations of one thread's events, of one kind.
class EventDurations {
 public:
  // Events at the window's edges may be taken for buckets that lie above `above_ns`.
  void TakeEdgesAbove(int64_t above_ns) { edges_above_ns_ = above_ns; }
  void Add(int64_t duration_ns, bool surely_inside) { (surely_inside ? inside_ : at_edge_).push_back(duration_ns); }
  // The percentile whose place in the histogram this is; absent when the events do not prove it.
  std::optional<int64_t> At(const PercentilePlace& place) const;

 private:
  std::vector<int64_t> inside_;
  std::vector<int64_t> at_edge_;
  int64_t edges_above_ns_ = std::numeric_limits<int64_t>::max();
};

// Of one thread.
struct ThreadEvents {
  EventDurations run_queue;
  EventDurations off_cpu;

  // Takes it when it may belong to the window. Migrations have no duration.
  void Add(const SwitchEvent& event, const EventWindow& window);
};

using EventsOfThreads = std::map<ThreadKey, ThreadEvents, ThreadKeyOrder>;

// What is known about the window's records.
struct EventEvidence {
  int64_t run_queue_floor_ns = std::numeric_limits<int64_t>::max();  // waits above it made a record; the maximum: none did
  int64_t off_cpu_floor_ns = std::numeric_limits<int64_t>::max();
  bool lost_any = false;
};

inline constexpr uint64_t kEventsLookedAtMax = 65'536;

// The newest events of the window, of the threads that `keeps` says.
EventsOfThreads CollectEvents(const SeqRing<SwitchEvent>& history, const WindowAnswer& answer, const EventEvidence& evidence,
                              const std::function<bool(const ThreadKey&)>& keeps);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_EXACT_PERCENTILE_H_
