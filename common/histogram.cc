#include "common/histogram.h"

#include <cassert>
#include <cmath>

namespace hftmon {
namespace {

constexpr int kSubBits = HFT_HISTOGRAM_SUB_BITS;
constexpr int kLinearLog2 = HFT_HISTOGRAM_LINEAR_LOG2;
constexpr size_t kSubBuckets = size_t{1} << kSubBits;

// Percentiles are computed in whole billionths: a tail of 1 - 0.99999 in doubles would ask for one sample too many or too few.
constexpr uint64_t kPartsPerBillion = 1'000'000'000;

__extension__ typedef unsigned __int128 Uint128;

// 1 - p in billionths; 0 when `percent` is not within (0, 100) or too near to 100 to be told from it.
uint64_t TailPartsPerBillion(double percent) {
  if (!(percent > 0 && percent < 100)) return 0;
  return static_cast<uint64_t>(std::llround((100.0 - percent) * (static_cast<double>(kPartsPerBillion) / 100)));
}

}  // namespace

int64_t BucketLowerNs(size_t bucket) {
  assert(bucket <= kHistogramBuckets);  // one past the end is the last bucket's upper edge
  const size_t octave = bucket >> kSubBits;
  if (octave == 0) return static_cast<int64_t>(bucket << (kLinearLog2 - kSubBits));
  const size_t mantissa = kSubBuckets + (bucket & (kSubBuckets - 1));
  return static_cast<int64_t>(mantissa << (octave - 1 + kLinearLog2 - kSubBits));
}

int64_t BucketUpperNs(size_t bucket) {
  assert(bucket < kHistogramBuckets);
  return BucketLowerNs(bucket + 1);
}

int64_t BucketMiddleNs(size_t bucket) {
  return (BucketLowerNs(bucket) + BucketUpperNs(bucket)) / 2;
}

uint64_t TotalCount(std::span<const uint64_t> counts) {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  return total;
}

uint64_t PercentileSamplesMin(double percent) {
  const uint64_t tail = TailPartsPerBillion(percent);
  if (tail == 0) return UINT64_MAX;
  return (10 * kPartsPerBillion + tail - 1) / tail;
}

std::optional<uint64_t> PercentileRank(uint64_t total, double percent) {
  if (total < PercentileSamplesMin(percent)) return std::nullopt;
  const uint64_t parts = kPartsPerBillion - TailPartsPerBillion(percent);
  const auto rank = static_cast<uint64_t>((static_cast<Uint128>(total) * parts + kPartsPerBillion - 1) / kPartsPerBillion);
  return rank == 0 ? 1 : rank;
}

std::optional<size_t> PercentileBucket(std::span<const uint64_t> counts, double percent) {
  const std::optional<uint64_t> rank = PercentileRank(TotalCount(counts), percent);
  if (!rank) return std::nullopt;
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts.size(); ++bucket) {
    seen += counts[bucket];
    if (seen >= *rank) return bucket;
  }
  return std::nullopt;
}

std::optional<int64_t> PercentileNs(std::span<const uint64_t> counts, double percent) {
  assert(counts.size() <= kHistogramBuckets);
  const std::optional<size_t> bucket = PercentileBucket(counts, percent);
  if (!bucket) return std::nullopt;
  return BucketMiddleNs(*bucket);
}

}  // namespace hftmon
