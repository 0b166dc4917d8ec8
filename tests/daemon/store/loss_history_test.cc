#include "daemon/store/loss_history.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

LossEvent Loss(uint64_t count, int64_t begin, int64_t end) {
  return {.cpu = 1, .lost_count = count, .begin_mono_ns = begin, .end_mono_ns = end};
}

TEST(LossHistoryTest, NothingLostIsZero) {
  LossHistory history;
  EXPECT_EQ(history.total(), 0u);
  EXPECT_EQ(history.LostBetween(0, INT64_MAX), 0u);
}

TEST(LossHistoryTest, OnlyLossesThatOverlapTheWindowCount) {
  LossHistory history;
  history.OnLoss(Loss(3, 100, 200));
  history.OnLoss(Loss(5, 300, 400));
  EXPECT_EQ(history.total(), 8u);
  EXPECT_EQ(history.LostBetween(0, 99), 0u);
  EXPECT_EQ(history.LostBetween(0, 100), 3u);
  EXPECT_EQ(history.LostBetween(200, 300), 8u);
  EXPECT_EQ(history.LostBetween(201, 299), 0u);
  EXPECT_EQ(history.LostBetween(350, 360), 5u);
  EXPECT_EQ(history.LostBetween(401, 1000), 0u);
}

TEST(LossHistoryTest, LossesThatAgedOutStillCountInWindowsThatReachBackToThem) {
  LossHistory history(4);
  for (int i = 0; i < 10; ++i) history.OnLoss(Loss(1, i * 100, i * 100 + 10));
  EXPECT_EQ(history.total(), 10u);
  EXPECT_EQ(history.LostBetween(0, 10'000), 10u);
  EXPECT_EQ(history.LostBetween(600, 10'000), 4u);
  EXPECT_EQ(history.LostBetween(511, 10'000), 4u);
  // An upper bound: the six older ones are no longer told apart.
  EXPECT_EQ(history.LostBetween(505, 506), 6u);
}

TEST(LossHistoryTest, EachLossTellsWhenAndOnWhichCpuItWas) {
  LossHistory history(2);
  history.OnLoss(Loss(3, 100, 200));
  LossEvent second = Loss(5, 300, 400);
  second.cpu = 7;
  history.OnLoss(second);
  EXPECT_EQ(history.SpansWithin(200, 250), (std::vector<CpuTimeSpan>{{.span = {100, 200}, .cpu = 1}}));
  EXPECT_EQ(history.SpansWithin(350, 360), (std::vector<CpuTimeSpan>{{.span = {300, 400}, .cpu = 7}}));
  EXPECT_TRUE(history.SpansWithin(201, 299).empty());
  // The first is no longer told apart: any CPU, any time until then.
  history.OnLoss(Loss(1, 500, 510));
  EXPECT_EQ(history.SpansWithin(150, 250), (std::vector<CpuTimeSpan>{{.span = {0, 200}, .cpu = -1}}));
  EXPECT_TRUE(history.SpansWithin(201, 299).empty());
}

}  // namespace
}  // namespace hftmon
