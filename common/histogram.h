// Histogram arithmetic over the log-linear layout: which bucket a duration falls into, what a bucket stands for, percentiles.
//
// Pure functions, any thread, no allocation. Durations are int64 nanoseconds; counts are one uint64 per bucket. The layout is
// that of common/log_linear_layout.h, which the BPF programs share.
#ifndef HFTMON_COMMON_HISTOGRAM_H_
#define HFTMON_COMMON_HISTOGRAM_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/log_linear_layout.h"

namespace hftmon {

inline constexpr size_t kHistogramBuckets = HFT_HISTOGRAM_BUCKETS;

// The bucket of a duration: 0 … kHistogramBuckets - 1. A negative duration counts as 0, one from 2^36 ns on falls into the last bucket.
// In the header: the housekeeping thread counts every spike's detection by it.
constexpr size_t BucketOf(int64_t duration_ns) {
  constexpr int kSubBits = HFT_HISTOGRAM_SUB_BITS;
  constexpr int kLinearLog2 = HFT_HISTOGRAM_LINEAR_LOG2;
  static_assert(kLinearLog2 >= kSubBits);
  if (duration_ns <= 0) return 0;
  const uint64_t value = static_cast<uint64_t>(duration_ns);
  const int log2 = std::bit_width(value) - 1;
  if (log2 < kLinearLog2) return value >> (kLinearLog2 - kSubBits);
  if (log2 >= HFT_HISTOGRAM_TOP_LOG2) return kHistogramBuckets - 1;
  const size_t octave = static_cast<size_t>(log2) - kLinearLog2 + 1;
  return (octave << kSubBits) + ((value >> (log2 - kSubBits)) & ((size_t{1} << kSubBits) - 1));
}

// Bucket b holds [lower, upper). The last bucket also holds everything above its upper edge. Requires b < kHistogramBuckets.
int64_t BucketLowerNs(size_t bucket);
int64_t BucketUpperNs(size_t bucket);
// What a value of the bucket is quoted as: the true one below 128 ns, else at most 1/128 (0.78 %) from it.
int64_t BucketMiddleNs(size_t bucket);

uint64_t TotalCount(std::span<const uint64_t> counts);

// Samples without which a percentile is not stated: 10 / (1 - p), so that ten samples lie above it (p50: 20, p99: 1,000,
// p99.999: 1,000,000). `percent` is taken to 1e-7; UINT64_MAX when it is not within (0, 100).
uint64_t PercentileSamplesMin(double percent);

// The rank of the percentile (nearest rank, from 1 on) among `total` values. Absent when `percent` is not within (0, 100) or `total` is
// below PercentileSamplesMin(percent).
std::optional<uint64_t> PercentileRank(uint64_t total, double percent);

// Index of the bucket in which the percentile (nearest rank) lies; for any counted scale, e.g. run-queue depths.
// Absent when `percent` is not within (0, 100) or fewer than PercentileSamplesMin(percent) samples are there.
std::optional<size_t> PercentileBucket(std::span<const uint64_t> counts, double percent);

// The same for durations: the bucket's middle. Requires counts.size() <= kHistogramBuckets.
std::optional<int64_t> PercentileNs(std::span<const uint64_t> counts, double percent);

}  // namespace hftmon

#endif  // HFTMON_COMMON_HISTOGRAM_H_
