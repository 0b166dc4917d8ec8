#include "common/sparse_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace hftmon {
namespace {

// Durations of every magnitude alike.
int64_t RandomDuration(std::mt19937_64& random) {
  const uint64_t top = uint64_t{1} << (random() % HFT_HISTOGRAM_TOP_LOG2);
  return static_cast<int64_t>(top + random() % top);
}

SparseHistogram RandomHistogram(std::mt19937_64& random, size_t values) {
  SparseHistogram histogram;
  for (size_t i = 0; i < values; ++i) histogram.Add(BucketOf(RandomDuration(random)), 1 + random() % 100);
  return histogram;
}

TEST(SparseHistogramTest, ItHoldsWhatADenseOneHolds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    SparseHistogram histogram;
    std::vector<uint64_t> dense(kHistogramBuckets);
    for (uint64_t i = random() % 500; i > 0; --i) {
      const size_t bucket = random() % kHistogramBuckets;
      const uint64_t count = random() % 3;
      histogram.Add(bucket, count);
      dense[bucket] += count;
    }
    for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) ASSERT_EQ(histogram[bucket], dense[bucket]);
    size_t next = 0;
    histogram.ForEach([&](size_t bucket, uint64_t count) {
      EXPECT_GE(bucket, next);
      EXPECT_EQ(count, dense[bucket]);
      next = bucket + 1;
    });
    EXPECT_EQ(histogram.total(), TotalCount(dense));
    std::optional<size_t> top;
    for (size_t bucket = 0; bucket < kHistogramBuckets; ++bucket) {
      if (dense[bucket] != 0) top = bucket;
    }
    EXPECT_EQ(histogram.top(), top);
  }
}

TEST(SparseHistogramTest, TheOrderOfMergingDoesNotMatter) {
  std::mt19937_64 random(2);
  std::vector<SparseHistogram> parts;
  for (int i = 0; i < 20; ++i) parts.push_back(RandomHistogram(random, random() % 60));
  SparseHistogram forward;
  for (const SparseHistogram& part : parts) forward.Add(part);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(parts.begin(), parts.end(), random);
    // In pairs first, as coarser buckets are made.
    SparseHistogram sum;
    for (size_t i = 0; i < parts.size(); i += 2) {
      SparseHistogram pair = parts[i];
      pair.Add(parts[i + 1]);
      sum.Add(pair);
    }
    EXPECT_EQ(sum, forward);
  }
  uint64_t total = 0;
  for (const SparseHistogram& part : parts) total += part.total();
  EXPECT_EQ(forward.total(), total);
}

TEST(SparseHistogramTest, EveryPercentileOfRandomDurationsIsWithinOnePercent) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<int64_t> durations_ns;
    SparseHistogram parts[4];
    for (int i = 0; i < 2'000; ++i) {
      durations_ns.push_back(RandomDuration(random));
      parts[random() % 4].Add(BucketOf(durations_ns.back()), 1);
    }
    SparseHistogram merged;
    for (const SparseHistogram& part : parts) merged.Add(part);
    std::sort(durations_ns.begin(), durations_ns.end());
    for (const double percent : {1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.5}) {
      const std::optional<PercentilePlace> place = FindPercentile(merged, percent);
      ASSERT_TRUE(place.has_value());
      const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 2'000));
      const int64_t true_ns = durations_ns[rank - 1];
      EXPECT_LE(std::abs(BucketMiddleNs(place->bucket) - true_ns) * 100, true_ns) << percent << " of round " << round;
      // The place within the bucket leads to the value itself.
      const auto below = std::lower_bound(durations_ns.begin(), durations_ns.end(), BucketLowerNs(place->bucket));
      EXPECT_EQ(*(below + static_cast<std::ptrdiff_t>(place->rank - 1)), true_ns);
    }
  }
}

TEST(SparseHistogramTest, ClearedItIsEmptyAndKeepsItsMemory) {
  SparseHistogram histogram;
  histogram.Reserve();
  const size_t bytes = histogram.bytes();
  for (size_t bucket = kHistogramBuckets; bucket-- > 0;) histogram.Add(bucket, 1);
  EXPECT_EQ(histogram.bytes(), bytes);
  histogram.Clear();
  EXPECT_EQ(histogram, SparseHistogram());
  EXPECT_EQ(histogram.bytes(), bytes);
  EXPECT_FALSE(histogram.top().has_value());
}

TEST(SparseHistogramTest, AFewValuesTakeAFewHundredBytes) {
  SparseHistogram histogram;
  for (const int64_t ns : {700, 710, 15'000, 2'000'000}) histogram.Add(BucketOf(ns), 1);
  EXPECT_LE(histogram.bytes(), 1024u);
}

}  // namespace
}  // namespace hftmon
