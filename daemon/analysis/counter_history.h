// CounterHistory: what the counters said of threads over time: the newest spans one by one, and sums of them by second and by minute.
//
// Threads: the sink's half by one thread, Query by any. A mutex stands between them: the writer is not the housekeeping loop, and a query
// holds it for some milliseconds at most.
// Bounds: Bounds; memory is taken when the first set comes. At a bound the oldest goes, and a window that needs it is truncated.
// Spans of different sets are never added up: with a new set everything before is forgotten. A set without events, which comes when nobody
// asks any more, changes nothing: what was counted until then can still be asked for.
//
// A span belongs to a window when it ended in it, and belongs to it whole: the window's edges are known to the widest span. Older windows
// begin at the edge of a second or of a minute.
#ifndef HFTMON_DAEMON_ANALYSIS_COUNTER_HISTORY_H_
#define HFTMON_DAEMON_ANALYSIS_COUNTER_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "daemon/analysis/counter_level.h"
#include "daemon/store/loss_history.h"

namespace hftmon {

struct CounterAnswer {
  CounterSet set;                  // that the sums are of; number 0: none was ever counted
  std::vector<CounterRate> rates;  // of the set, in the order of each window's
  int64_t begin_mono_ns = 0;       // what it covers
  int64_t end_mono_ns = 0;
  bool truncated = false;    // it begins later than asked: older spans are no longer kept
  bool set_changed = false;  // it begins later than asked: other events were counted before
  uint64_t lost_count = 0;   // spans that are missing in it, at most
  WindowsOfThreads threads;  // those with spans
};

// Who takes spans in the order in which they come, each once: how far it has come. A value; one thread at a time.
struct CounterCursor {
  uint32_t set = 0;         // whose spans it took last
  uint64_t taken = 0;       // spans that had come by then, of all sets
  uint64_t lost_count = 0;  // lost by then
};

// What came since.
struct CounterArrivals {
  CounterSet set;  // whose spans they are; number 0: none was ever counted
  std::vector<CounterRate> rates;
  // Overwritten spans of another set than the cursor's are not among these.
  uint64_t lost_count = 0;  // spans that are missing, of any thread: lost before they came, or overwritten before they were taken
  bool more = false;        // has come than was to be taken
};

class CounterHistory : public CounterSink {
 public:
  struct Bounds {
    size_t spans_max = 65'536;           // 9 MiB
    size_t second_bytes_max = 8u << 20;  // by thread and second some 3 KiB with 8 events
    size_t minute_bytes_max = 8u << 20;
  };

  CounterHistory() : CounterHistory(Bounds()) {}
  explicit CounterHistory(const Bounds& bounds);

  void OnCounterSet(const CounterSet& set) override;
  void OnCounterSpan(const CounterSpan& span) override;
  void OnCounterLoss(uint16_t cpu, uint64_t lost_count, int64_t begin_mono_ns, int64_t end_mono_ns) override;

  // Spans that ended in (begin, end], of the threads that `keeps` says, which must not call back.
  CounterAnswer Query(int64_t begin_mono_ns, int64_t end_mono_ns, const ThreadFilterFunction& keeps) const;
  // Where a cursor begins that wants what comes from now on.
  CounterCursor Now() const;
  // Moves it on, and gives `take` what came, which must not call back: at most `spans_max` spans, oldest first, while whoever writes waits.
  // A span can come late: those of a thread that sleeps, when it runs again; who adds up what came has each once.
  using Taker = std::function<void(const std::vector<CounterRate>& of_set, const CounterSpan& span)>;
  CounterArrivals TakeNew(CounterCursor* cursor, const Taker& take, size_t spans_max = SIZE_MAX) const;
  size_t bytes() const;
  // That bytes() never exceeds.
  size_t bytes_max() const;

 private:
  // Half-open at its begin, as a window.
  using Range = std::pair<int64_t, int64_t>;

  void FitEdges(CounterAnswer* answer) const;
  void AddMinutes(Range range, const ThreadFilterFunction& keeps, CounterAnswer* answer) const;
  void AddSeconds(Range range, const ThreadFilterFunction& keeps, std::vector<Range>* fine, CounterAnswer* answer) const;
  void AddSpans(const std::vector<Range>& ranges, const ThreadFilterFunction& keeps, CounterAnswer* answer) const;

  const size_t spans_max_;
  mutable std::mutex mutex_;  // of everything below
  CounterSet set_;
  std::vector<CounterRate> rates_;
  int64_t set_begin_mono_ns_ = 0;   // spans that ended until then were of other sets
  int64_t newest_mono_ns_ = 0;      // end of any span
  std::vector<CounterSpan> spans_;  // a ring, once it is full
  size_t next_ = 0;
  uint64_t arrived_count_ = 0;      // spans that were ever in the ring
  uint64_t lost_count_ = 0;         // by OnCounterLoss
  int64_t spans_from_mono_ns_ = 0;  // no span that ended later is missing in the ring
  CounterLevel seconds_;
  CounterLevel minutes_;
  LossHistory losses_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_COUNTER_HISTORY_H_
