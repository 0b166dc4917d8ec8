#include "common/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace hftmon {
namespace {

using Counts = std::array<uint64_t, kHistogramBuckets>;

TEST(Histogram, EveryBucketBeginsWhereTheOneBeforeEnds) {
  EXPECT_EQ(BucketLowerNs(0), 0);
  for (size_t bucket = 0; bucket + 1 < kHistogramBuckets; ++bucket) {
    EXPECT_EQ(BucketUpperNs(bucket), BucketLowerNs(bucket + 1));
    EXPECT_LT(BucketLowerNs(bucket), BucketUpperNs(bucket));
  }
  EXPECT_EQ(BucketUpperNs(kHistogramBuckets - 1), int64_t{1} << HFT_HISTOGRAM_TOP_LOG2);
}

TEST(Histogram, TheEdgesOfABucketFallIntoIt) {
  for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    EXPECT_EQ(BucketOf(BucketLowerNs(bucket)), bucket);
    EXPECT_EQ(BucketOf(BucketMiddleNs(bucket)), bucket);
    EXPECT_EQ(BucketOf(BucketUpperNs(bucket) - 1), bucket);
  }
}

TEST(Histogram, TheMiddleIsWithinOneHundredAndTwentyEighthOfEveryValue) {
  for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    const int64_t farthest_ns =
        std::max(BucketMiddleNs(bucket) - BucketLowerNs(bucket), BucketUpperNs(bucket) - 1 - BucketMiddleNs(bucket));
    EXPECT_LE(farthest_ns * 128, BucketLowerNs(bucket)) << bucket;
  }
}

TEST(Histogram, EveryValueBelowAHundredAndTwentyEightIsItsOwnMiddle) {
  for (int64_t ns = 0; ns < 128; ++ns) EXPECT_EQ(BucketMiddleNs(BucketOf(ns)), ns);
}

TEST(Histogram, ValuesOutsideTheLayoutFallIntoTheFirstAndTheLastBucket) {
  EXPECT_EQ(BucketOf(-1), 0u);
  EXPECT_EQ(BucketOf(INT64_MIN), 0u);
  EXPECT_EQ(BucketOf(int64_t{1} << HFT_HISTOGRAM_TOP_LOG2), kHistogramBuckets - 1);
  EXPECT_EQ(BucketOf(INT64_MAX), kHistogramBuckets - 1);
}

TEST(Histogram, APercentileNeedsTenSamplesAboveItAndNotOneMore) {
  EXPECT_EQ(PercentileSamplesMin(50), 20u);
  EXPECT_EQ(PercentileSamplesMin(95), 200u);
  EXPECT_EQ(PercentileSamplesMin(99), 1'000u);
  EXPECT_EQ(PercentileSamplesMin(99.9), 10'000u);
  EXPECT_EQ(PercentileSamplesMin(99.99), 100'000u);
  EXPECT_EQ(PercentileSamplesMin(99.999), 1'000'000u);
  Counts counts{};
  counts[BucketOf(1'000)] = 999'999;
  EXPECT_FALSE(PercentileNs(counts, 99.999).has_value());
  counts[BucketOf(1'000)] = 1'000'000;
  EXPECT_EQ(PercentileNs(counts, 99.999), BucketMiddleNs(BucketOf(1'000)));
}

TEST(Histogram, APercentileOutsideZeroToAHundredIsAbsent) {
  Counts counts{};
  counts[3] = UINT32_MAX;
  for (const double percent :
       {0.0, 100.0, -1.0, 101.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(PercentileNs(counts, percent).has_value()) << percent;
    EXPECT_EQ(PercentileSamplesMin(percent), UINT64_MAX) << percent;
  }
}

TEST(Histogram, AnEmptyHistogramHasNoPercentile) {
  EXPECT_FALSE(PercentileNs(Counts{}, 50).has_value());
  EXPECT_FALSE(PercentileNs({}, 50).has_value());
}

TEST(Histogram, APercentileIsTheNearestRank) {
  Counts counts{};
  counts[BucketOf(100)] = 990;
  counts[BucketOf(1'000'000)] = 10;
  // Rank 990 of 1000 is the last of the small ones; one more large one moves it.
  EXPECT_EQ(PercentileNs(counts, 99), BucketMiddleNs(BucketOf(100)));
  counts[BucketOf(100)] = 989;
  counts[BucketOf(1'000'000)] = 11;
  EXPECT_EQ(PercentileNs(counts, 99), BucketMiddleNs(BucketOf(1'000'000)));
}

TEST(Histogram, CountsNearTheTopOfTheirTypeDoNotOverflowTheRank) {
  Counts counts{};
  counts[1] = uint64_t{1} << 62;
  counts[2] = uint64_t{1} << 61;
  EXPECT_EQ(TotalCount(counts), (uint64_t{1} << 62) + (uint64_t{1} << 61));
  EXPECT_EQ(PercentileBucket(counts, 50), 1u);
  EXPECT_EQ(PercentileBucket(counts, 99.999), 2u);
}

TEST(Histogram, ADepthScaleHasPercentilesToo) {
  const std::vector<uint64_t> depth = {0, 15, 5};
  EXPECT_EQ(PercentileBucket(depth, 50), 1u);
  EXPECT_FALSE(PercentileBucket(depth, 99).has_value());
}

}  // namespace
}  // namespace hftmon
