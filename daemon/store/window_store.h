// WindowStore: per-thread counts and histograms over time, at three resolutions.
//
// Threads: the WindowSink half is called by the housekeeping thread alone and never allocates, locks or calls the system; Query and the
// observers by any thread, never blocking the writer. Bounded: each resolution is a fixed byte log, the oldest buckets are overwritten.
// The sum over all buckets equals the sum of the deltas, but for those counted in dropped_count().
#ifndef HFTMON_DAEMON_STORE_WINDOW_STORE_H_
#define HFTMON_DAEMON_STORE_WINDOW_STORE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "daemon/ingest/sinks.h"
#include "daemon/store/thread_piece.h"
#include "daemon/store/thread_window.h"
#include "daemon/store/window_level.h"

namespace hftmon {

class WindowStore : public WindowSink {
 public:
  struct Options {
    uint64_t fine_bytes = 4u << 20;    // buckets as closed by the loop
    uint64_t second_bytes = 4u << 20;  // about 1 s: sooner when a quarter of the smallest log was written since
    uint64_t minute_bytes = 4u << 20;  // about 1 min: likewise
    uint64_t run_id = 0;               // tells this run's segments from those of others; see segment_format.h
    uint32_t slot_count = 16384;       // deltas of higher slots are dropped and counted; at most 65,535
  };
  // Takes and touches all memory here. One fine bucket takes at most a quarter of the smallest log (1 MiB: some 10,000 busy threads).
  explicit WindowStore(const Options& options);
  static constexpr uint64_t kAchievedBuckets = 32;

  void OnThreadDelta(const ThreadDelta& delta) override;
  // Buckets follow each other: a begin that is not the last bucket's end is moved there, since deltas are differences of running counts. A
  // bucket that does not end after the last one is not closed: its deltas belong to the next.
  void OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) override;

  // End of the last closed bucket: everything before it is in the store. 0 before the first. Acquire.
  int64_t closed_until_mono_ns() const { return closed_until_mono_ns_.load(std::memory_order_acquire); }
  // Width of a fine bucket as achieved: the mean of the last kAchievedBuckets closed ones. 0 before the first.
  int64_t achieved_interval_ns() const;
  // Sum of [begin, end), each edge moved outwards to a bucket's edge. `filter` keeps a thread when true; an empty one keeps all. An answer
  // without any bucket has both edges at `begin`.
  WindowAnswer Query(int64_t begin_mono_ns, int64_t end_mono_ns, const std::function<bool(const ThreadKey&)>& filter) const;
  // The same from the finest buckets that are kept, with each thread's part of each bucket in `pieces`, in the order of time. Dearer: it
  // reads all that the finest log has of the window.
  WindowAnswer QueryPieces(int64_t begin_mono_ns, int64_t end_mono_ns, const std::function<bool(const ThreadKey&)>& filter,
                           std::vector<ThreadPiece>* pieces) const;
  uint64_t bytes() const;
  // From the finest to the coarsest.
  std::array<const BucketLog*, 3> logs() const { return {&fine_.log(), &second_.log(), &minute_.log()}; }
  // Deltas that did not fit (a bucket larger than its log takes, a slot out of range): a loss, shown in status. Answers that it concerns
  // say `truncated`.
  uint64_t dropped_count() const;

 private:
  const uint64_t unit_words_;  // of the smallest log; the levels' bounds are fractions of it, see window_level.h
  WindowLevel minute_;
  WindowLevel second_;
  WindowLevel fine_;
  std::optional<int64_t> last_end_mono_ns_;  // housekeeping thread
  int64_t last_read_ns_ = 0;                 // likewise
  std::atomic<int64_t> closed_until_mono_ns_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_WINDOW_STORE_H_
