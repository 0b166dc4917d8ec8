// WindowStore: per-thread counts and histograms over time, at three resolutions. (Public part of the contract; the private part is the implementer's.)
//
// Threads: the WindowSink half is called by the housekeeping thread alone and never allocates, locks or calls the system; Query and the
// observers by any thread, never blocking the writer. Bounded: each resolution is a fixed byte log, the oldest buckets are overwritten.
#ifndef HFTMON_DAEMON_STORE_WINDOW_STORE_H_
#define HFTMON_DAEMON_STORE_WINDOW_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/ingest/sinks.h"

namespace hftmon {

// Sum of one thread's deltas over a window.
struct ThreadWindow {
  ThreadKey thread;
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
  uint64_t run_delay_ns = 0;
  uint64_t off_cpu_ns = 0;
  uint64_t off_cpu_count = 0;
  uint64_t migration_count = 0;
  uint64_t discarded_count = 0;
  int64_t run_queue_max_ns = 0;
  int64_t off_cpu_max_ns = 0;
  std::array<uint64_t, HFT_SWITCH_KINDS> kind_count{};
  std::array<uint64_t, HFT_DEPTH_BUCKETS> depth{};
  std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> run_queue{};
  std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> off_cpu{};
};

struct WindowAnswer {
  int64_t begin_mono_ns = 0;   // true edges of the buckets used
  int64_t end_mono_ns = 0;
  int64_t resolution_ns = 0;   // widest bucket used
  bool truncated = false;      // part of the asked window is no longer (or was never) kept
  std::vector<ThreadWindow> threads;  // threads with activity in the window
};

class WindowStore : public WindowSink {
 public:
  struct Options {
    uint64_t fine_bytes = 4u << 20;    // buckets as closed by the loop
    uint64_t second_bytes = 4u << 20;  // about 1 s
    uint64_t minute_bytes = 2u << 20;  // about 1 min
    uint32_t slot_count = 16384;       // slots whose sums are kept between coarse edges
  };
  explicit WindowStore(const Options& options);
  ~WindowStore() override;

  void OnThreadDelta(const ThreadDelta& delta) override;
  void OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns) override;

  // End of the last closed bucket: everything before it is in the store. 0 before the first. Acquire.
  int64_t closed_until_mono_ns() const;
  // Sum of [begin, end), each edge moved outwards to a bucket's edge. `filter` keeps a thread when true.
  WindowAnswer Query(int64_t begin_mono_ns, int64_t end_mono_ns, const std::function<bool(const ThreadKey&)>& filter) const;
  uint64_t bytes() const;
  uint64_t dropped_count() const;  // deltas that did not fit (a bucket larger than its log): a loss, shown in status

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_WINDOW_STORE_H_
