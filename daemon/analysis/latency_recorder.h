// LatencyRecorder: a histogram of latencies that one thread writes and anyone reads.
//
// Threads: Record by one thread (no allocation, lock or system call); Read by any. Each figure stands for itself: a reading may lack the
// last.
#ifndef HFTMON_DAEMON_ANALYSIS_LATENCY_RECORDER_H_
#define HFTMON_DAEMON_ANALYSIS_LATENCY_RECORDER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/histogram.h"

namespace hftmon {

struct DetectionLatency {
  std::array<uint64_t, HFT_HISTOGRAM_BUCKETS> histogram{};  // log-linear layout
  int64_t sum_ns = 0;
  int64_t max_ns = 0;
};

class LatencyRecorder {
 public:
  void Record(int64_t latency_ns) {
    if (latency_ns < 0) latency_ns = 0;
    Add(histogram_[BucketOf(latency_ns)], uint64_t{1});
    Add(sum_ns_, latency_ns);
    if (latency_ns > max_ns_.load(std::memory_order_relaxed)) max_ns_.store(latency_ns, std::memory_order_relaxed);
  }

  DetectionLatency Read() const {
    DetectionLatency latency;
    for (size_t i = 0; i < latency.histogram.size(); ++i) latency.histogram[i] = histogram_[i].load(std::memory_order_relaxed);
    latency.sum_ns = sum_ns_.load(std::memory_order_relaxed);
    latency.max_ns = max_ns_.load(std::memory_order_relaxed);
    return latency;
  }

 private:
  // One writer: a load and a store instead of a locked addition. Relaxed: each figure stands for itself.
  template <typename T>
  static void Add(std::atomic<T>& to, T amount) {
    to.store(to.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::array<std::atomic<uint64_t>, HFT_HISTOGRAM_BUCKETS> histogram_{};
  std::atomic<int64_t> sum_ns_{0};
  std::atomic<int64_t> max_ns_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_LATENCY_RECORDER_H_
