#include "daemon/operations/operation_baseline.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

void AddMany(int64_t duration_ns, int count, OperationBaseline* baseline) {
  for (int i = 0; i < count; ++i) baseline->Add(duration_ns);
}

TEST(OperationBaselineTest, NothingIsUsualBeforeAThousandDurations) {
  OperationBaseline baseline;
  AddMany(300, 999, &baseline);
  EXPECT_EQ(baseline.usual_ns(), -1);
  EXPECT_EQ(baseline.threshold_ns(), -1);
  AddMany(300, 25, &baseline);
  EXPECT_NEAR(static_cast<double>(baseline.usual_ns()), 300, 300.0 / 8);
}

TEST(OperationBaselineTest, TheThresholdIsEightMediansWhereTheTailIsShort) {
  OperationBaseline baseline;
  AddMany(1'000, 4'096, &baseline);
  EXPECT_EQ(baseline.threshold_ns(), 8 * baseline.usual_ns());
  EXPECT_NEAR(static_cast<double>(baseline.usual_ns()), 1'000, 1'000.0 / 8);
}

TEST(OperationBaselineTest, WhatOneInFiftyTakesIsNoException) {
  OperationBaseline baseline;
  for (int i = 0; i < 8'192; ++i) baseline.Add(i % 50 == 0 ? 100'000 : 200);
  EXPECT_GE(baseline.threshold_ns(), 200'000);
  EXPECT_LE(baseline.threshold_ns(), 230'000);
}

TEST(OperationBaselineTest, TheThresholdIsNeverBelowItsLeast) {
  OperationBaseline baseline;
  AddMany(3, 2'048, &baseline);
  EXPECT_EQ(baseline.usual_ns(), 3);
  EXPECT_EQ(baseline.threshold_ns(), OperationBaseline::kThresholdMinNs);
}

TEST(OperationBaselineTest, ItFollowsAnOperationThatBecomesSlower) {
  OperationBaseline baseline;
  AddMany(1'000, 100'000, &baseline);
  AddMany(10'000, 150'000, &baseline);
  EXPECT_GE(baseline.usual_ns(), 9'000);
}

TEST(OperationBaselineTest, EveryDurationHasABucket) {
  OperationBaseline baseline;
  for (const int64_t duration_ns : {int64_t{-5}, int64_t{0}, int64_t{15}, int64_t{16}, int64_t{17}, INT64_MAX}) baseline.Add(duration_ns);
  AddMany(INT64_MAX, 2'048, &baseline);
  EXPECT_GT(baseline.usual_ns(), INT64_MAX / 16 * 15);
}

}  // namespace
}  // namespace hftmon
