// ThreadWindow: what one thread did in a window, as sums and histograms. Passive data; times in nanoseconds.
#ifndef HFTMON_DAEMON_STORE_THREAD_WINDOW_H_
#define HFTMON_DAEMON_STORE_THREAD_WINDOW_H_

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/ingest/interval.h"

namespace hftmon {

// Sum of one thread's deltas over a window. The maxima are maxima of the deltas' maxima, and as exact as those.
struct ThreadWindow {
  ThreadKey thread;
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
  uint64_t run_delay_ns = 0;
  uint64_t off_cpu_ns = 0;
  uint64_t off_cpu_count = 0;
  uint64_t migration_count = 0;
  uint64_t discarded_count = 0;
  std::array<uint64_t, HFT_LEVELS> interrupted_ns{};
  int64_t run_queue_max_ns = 0;
  int64_t off_cpu_max_ns = 0;
  std::array<uint64_t, HFT_SWITCH_KINDS> kind_count{};
  std::array<uint64_t, HFT_DEPTH_BUCKETS> depth{};
  // Durations in the sums and maxima and in no bucket.
  uint64_t run_queue_unbinned_count = 0;
  uint64_t off_cpu_unbinned_count = 0;
  SparseHistogram run_queue;
  SparseHistogram off_cpu;
};

// Empties the window and keeps its histograms' memory.
inline void ClearWindow(ThreadWindow* window) {
  window->run_queue.Clear();
  window->off_cpu.Clear();
  *window = ThreadWindow{.run_queue = std::move(window->run_queue), .off_cpu = std::move(window->off_cpu)};
}

struct WindowAnswer {
  int64_t begin_mono_ns = 0;  // true edges of the buckets used
  int64_t end_mono_ns = 0;
  int64_t begin_read_ns = 0;  // counts of so long after each edge may stand on either side of it
  int64_t end_read_ns = 0;
  int64_t resolution_ns = 0;  // widest bucket used: the edges are at most this far from those that were asked for
  bool truncated = false;     // part of the asked window is no longer (or was never, or is not yet) kept, or deltas in it did not fit
  std::vector<ThreadWindow> threads;  // threads with activity in the window, in no particular order
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_THREAD_WINDOW_H_
