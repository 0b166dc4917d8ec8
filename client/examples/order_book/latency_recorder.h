// LatencyRecorder: a log-linear histogram of one thread's latencies, from cycle counts. Recording takes some nanoseconds, no allocation.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_LATENCY_RECORDER_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_LATENCY_RECORDER_H_

#include <array>
#include <cstdint>
#include <optional>

#include "common/clock_conversion.h"
#include "common/histogram.h"

namespace hftmon::order_book {

class LatencyRecorder {
 public:
  // `clock`: only its rate is used.
  explicit LatencyRecorder(const LinearConversion& clock) : multiplier_(clock.multiplier) {}

  // From one reading of the counter to a later one, maybe of another CPU: an end before its begin counts as 0 and in backwards_count().
  void Record(uint64_t begin_tsc, uint64_t end_tsc) {
    __extension__ typedef unsigned __int128 Wide;
    uint64_t ticks = end_tsc - begin_tsc;
    if (static_cast<int64_t>(ticks) < 0) [[unlikely]] {
      ticks = 0;
      ++backwards_count_;
    }
    const int64_t latency_ns = static_cast<int64_t>((Wide{ticks} * multiplier_) >> LinearConversion::kShift);
    ++counts_[BucketOf(latency_ns)];
    sum_ns_ += latency_ns;
    if (latency_ns > max_ns_) max_ns_ = latency_ns;
    ++count_;
  }

  // Absent below the number of samples that a percentile needs (PercentileSamplesMin).
  std::optional<int64_t> Percentile(double percent) const { return PercentileNs(counts_, percent); }
  uint64_t count() const { return count_; }
  int64_t max_ns() const { return max_ns_; }
  int64_t mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / static_cast<int64_t>(count_); }
  uint64_t backwards_count() const { return backwards_count_; }

 private:
  const uint64_t multiplier_;
  std::array<uint64_t, kHistogramBuckets> counts_{};
  uint64_t count_ = 0;
  int64_t sum_ns_ = 0;
  int64_t max_ns_ = 0;
  uint64_t backwards_count_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_LATENCY_RECORDER_H_
