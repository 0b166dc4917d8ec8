// The maximum of a window's bucket: which of the kernel's maxima belongs to it.
#include "daemon/ingest/window_maximum.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "common/histogram.h"

namespace hftmon {
namespace {

SparseHistogram Hits(std::initializer_list<int64_t> durations_ns) {
  SparseHistogram hits;
  for (const int64_t ns : durations_ns) hits.Add(BucketOf(ns), 1);
  return hits;
}

int64_t EdgeOf(int64_t ns) {
  return BucketUpperNs(BucketOf(ns));
}

TEST(WindowMaximumTest, OneThatWasTakenAndCountedIsExact) {
  EXPECT_EQ(MaximumOf({.taken_ns = 5'001}, {}, Hits({100, 5'001}), 0), 5'001);
  EXPECT_EQ(MaximumOf({}, {}, Hits({0}), 0), 0);
  EXPECT_EQ(MaximumOf({}, {}, {}, 0), 0);
}

TEST(WindowMaximumTest, WithoutOneItIsTheHighestBucketsEdge) {
  EXPECT_EQ(MaximumOf({}, {}, Hits({5'001}), 0), EdgeOf(5'001));
  EXPECT_EQ(MaximumOf({.taken_ns = 9'000}, {}, Hits({5'001}), 0), EdgeOf(5'001)) << "9 us is counted elsewhere";
}

TEST(WindowMaximumTest, OneThatIsTakenBeforeItIsCountedIsTheNextBuckets) {
  const MaximumReading reading{.taken_ns = 5'001};
  const MaximumCarry carry = CarryOf(reading, {}, Hits({100}), 0);
  EXPECT_EQ(carry.early_ns, 5'001);
  EXPECT_EQ(MaximumOf({.taken_ns = 100}, carry, Hits({100, 5'001}), 0), 5'001);
  EXPECT_EQ(CarryOf({.taken_ns = 100}, carry, Hits({100, 5'001}), 0).early_ns, 0) << "and of no later one";
}

// 3,000,001 and 2,990,000 share a bucket of the histogram. The larger one was written while the histogram was read.
TEST(WindowMaximumTest, OneThatWasWrittenWhileTheHistogramWasReadIsNeverUnderstated) {
  ASSERT_EQ(BucketOf(3'000'001), BucketOf(2'990'000));
  const MaximumReading first{.taken_ns = 2'990'000, .later_ns = 3'000'001};
  EXPECT_EQ(MaximumOf(first, {}, Hits({2'990'000}), 0), EdgeOf(3'000'001)) << "counted or not, it is not above the edge";
  const MaximumCarry carry = CarryOf(first, {}, Hits({2'990'000}), 0);
  EXPECT_EQ(MaximumOf({.taken_ns = 3'000'001}, carry, Hits({2'990'000}), 0), EdgeOf(3'000'001));
  EXPECT_EQ(MaximumOf({.taken_ns = 3'000'001}, carry, Hits({100}), 0), EdgeOf(100)) << "it was counted before";
  EXPECT_EQ(CarryOf({.taken_ns = 3'000'001}, carry, Hits({100}), 0).early_ns, 0);
  EXPECT_EQ(MaximumOf({.taken_ns = 3'000'002}, carry, Hits({3'000'002}), 0), 3'000'002) << "a larger one is new";
}

TEST(WindowMaximumTest, ALaterOneInAnotherBucketDecidesNothing) {
  EXPECT_EQ(MaximumOf({.taken_ns = 5'001, .later_ns = 9'000}, {}, Hits({5'001}), 0), 5'001);
  EXPECT_EQ(MaximumOf({.taken_ns = 5'001, .later_ns = 100}, {}, Hits({100, 5'001}), 0), 5'001);
}

TEST(WindowMaximumTest, WhatFoundNoPageMayLieAboveTheHighestBucket) {
  EXPECT_EQ(MaximumOf({.taken_ns = 5'001}, {}, {}, 1), 5'001);
  EXPECT_EQ(MaximumOf({.taken_ns = 5'001}, {}, Hits({100}), 1), 5'001);
  EXPECT_EQ(CarryOf({.taken_ns = 5'001}, {}, Hits({100}), 1).early_ns, 0);
}

}  // namespace
}  // namespace hftmon
