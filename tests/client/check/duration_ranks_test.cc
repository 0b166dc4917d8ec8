#include "client/check/duration_ranks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace hftmon {
namespace {

// p50, p99, p99.999.
std::vector<int64_t> Values(const DurationRanks& ranks) {
  std::vector<int64_t> values;
  for (const CheckFigure& figure : ranks.Percentiles("wait")) values.push_back(*figure.value);
  return values;
}

std::vector<CheckCertainty> Certainties(const DurationRanks& ranks) {
  std::vector<CheckCertainty> certainties;
  for (const CheckFigure& figure : ranks.Percentiles("wait")) certainties.push_back(figure.certainty);
  return certainties;
}

constexpr auto kMeasured = CheckCertainty::kMeasured;
constexpr auto kLargestSeen = CheckCertainty::kLargestSeen;
constexpr auto kAtMost = CheckCertainty::kAtMost;

TEST(DurationRanksTest, KeysAreThoseOfTheContract) {
  std::vector<std::string> keys;
  for (const CheckFigure& figure : DurationRanks().Percentiles("runqueue")) keys.push_back(figure.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"p50_runqueue_ns", "p99_runqueue_ns", "p99_999_runqueue_ns"}));
}

TEST(DurationRanksTest, OfNoneEachIsZeroAndNoMoreThanThat) {
  EXPECT_EQ(Values(DurationRanks()), (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(Certainties(DurationRanks()), (std::vector{kLargestSeen, kLargestSeen, kLargestSeen}));
}

TEST(DurationRanksTest, WithTooFewEachIsTheLargest) {
  DurationRanks ranks;
  for (int i = 1; i <= 19; ++i) ranks.Add(i * 100);
  EXPECT_EQ(Values(ranks), (std::vector<int64_t>{1900, 1900, 1900}));
  EXPECT_EQ(Certainties(ranks), (std::vector{kLargestSeen, kLargestSeen, kLargestSeen}));
}

TEST(DurationRanksTest, WithEnoughItIsTheNearestRank) {
  DurationRanks ranks;
  for (int i = 1; i <= 1'000; ++i) ranks.Add(i);
  EXPECT_EQ(Values(ranks), (std::vector<int64_t>{500, 990, 1'000}));
  EXPECT_EQ(Certainties(ranks), (std::vector{kMeasured, kMeasured, kLargestSeen}));
}

TEST(DurationRanksTest, AMillionHaveTheirLastPercentile) {
  DurationRanks ranks;
  ranks.Add(10, 999'990);
  ranks.Add(77, 1);
  ranks.Add(500, 9);
  EXPECT_EQ(Values(ranks)[2], 10);
  EXPECT_EQ(Certainties(ranks)[2], kMeasured);
}

// 1,000 faults, of which the 20 above 10 us are known: the 990th is among those, the 500th is not.
TEST(DurationRanksTest, ARankAmongTheKnownIsExactAndBelowThemABound) {
  DurationRanks ranks;
  ranks.AddAtMost(10'000, 980);
  for (int i = 1; i <= 20; ++i) ranks.Add(10'000 + i);
  EXPECT_EQ(Values(ranks), (std::vector<int64_t>{10'000, 10'010, 10'020}));
  EXPECT_EQ(Certainties(ranks), (std::vector{kAtMost, kMeasured, kLargestSeen}));
}

TEST(DurationRanksTest, WhatWasSeenBesideALargerBoundIsABoundToo) {
  DurationRanks ranks;
  ranks.AddAtMost(50'000, 5);
  for (int i = 0; i < 995; ++i) ranks.Add(1'000);
  EXPECT_EQ(Values(ranks), (std::vector<int64_t>{1'000, 1'000, 50'000}));
  EXPECT_EQ(Certainties(ranks), (std::vector{kAtMost, kAtMost, kAtMost}));
}

// Whatever is known of which: no true percentile is above the one that is told, and a measured one is it.
TEST(DurationRanksTest, NoTruePercentileIsAboveTheOneThatIsTold) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::lognormal_distribution<double> length(8, 1.5);
    std::vector<int64_t> all;
    DurationRanks ranks;
    const int64_t floor_ns = 1'000 + static_cast<int64_t>(random() % 20'000);
    uint64_t below = 0;
    for (int i = 0; i < 1'500; ++i) {
      all.push_back(static_cast<int64_t>(length(random)) + 1);
      all.back() > floor_ns ? ranks.Add(all.back()) : static_cast<void>(++below);
    }
    ranks.AddAtMost(floor_ns, below);
    std::sort(all.begin(), all.end());
    const std::vector<int64_t> truth{all[749], all[1484], all[1499]};
    for (size_t i = 0; i < truth.size(); ++i) {
      EXPECT_GE(Values(ranks)[i], truth[i]) << round;
      if (Certainties(ranks)[i] != kAtMost) {
        EXPECT_EQ(Values(ranks)[i], truth[i]) << round;
      }
    }
  }
}

}  // namespace
}  // namespace hftmon
