#include "client/check/check_baseline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include "client/check/check_json.h"
#include "client/check/rank_sum_test.h"
#include "tests/client/check/quiet_inputs.h"

namespace hftmon {
namespace {

TEST(RankSumTest, IsExactForSmallSamples) {
  // Of C(6, 3) = 20 ways one is as extreme.
  EXPECT_DOUBLE_EQ(ChanceThatLarger({1, 2, 3}, {4, 5, 6}), 1.0 / 20);
  EXPECT_DOUBLE_EQ(ChanceThatLarger({4, 5, 6}, {1, 2, 3}), 1.0);
  // The sums of two ranks of four: 3 4 5 5 6 7; 6 or more in two of six.
  EXPECT_DOUBLE_EQ(ChanceThatLarger({1, 3}, {2, 4}), 2.0 / 6);
}

TEST(RankSumTest, EqualValuesShareTheirRank) {
  EXPECT_DOUBLE_EQ(ChanceThatLarger({5, 5, 5}, {5, 5, 5}), 1.0);
  // One of the second sample is larger: in half of all ways it is there.
  EXPECT_DOUBLE_EQ(ChanceThatLarger({0, 0, 0}, {0, 0, 1}), 0.5);
}

TEST(RankSumTest, SaysNothingOfNothingOrOfTooMuch) {
  EXPECT_EQ(ChanceThatLarger({}, {1}), 1.0);
  EXPECT_EQ(ChanceThatLarger({1}, {}), 1.0);
  EXPECT_EQ(ChanceThatLarger(std::vector<double>(50, 0), std::vector<double>(50, 1)), 1.0);
}

CheckSeries SeriesOf(std::vector<double> values) {
  CheckSeries series;
  series.values["irq.interrupted_ns"] = std::move(values);
  return series;
}

using Draw = double (*)(std::mt19937&);

int RegressionsIn(int runs, Draw before, Draw now, unsigned seed) {
  std::mt19937 random(seed);
  int count = 0;
  for (int i = 0; i < runs; ++i) {
    std::vector<double> first;
    std::vector<double> second;
    for (int segment = 0; segment < 10; ++segment) {
      first.push_back(before(random));
      second.push_back(now(random));
    }
    count += Compare(SeriesOf(first), SeriesOf(second))[0].regressed ? 1 : 0;
  }
  return count;
}

double HeavyTailed(std::mt19937& random) {
  return std::lognormal_distribution<double>(10, 1)(random);
}
double Rare(std::mt19937& random) {
  return static_cast<double>(std::poisson_distribution<int>(0.3)(random));
}
double Bursty(std::mt19937& random) {
  // A hundred at once, or none: no Poisson.
  return std::bernoulli_distribution(0.2)(random) ? 100 + static_cast<double>(random() % 10) : 0;
}

// 3,000 runs that do not differ at a false alarm in 1,000: three are expected; twelve or more come once in 10,000 times.
TEST(CheckBaselineTest, NoiseIsRarelyCalledARegression) {
  for (const auto& [name, draw] : {std::pair{"heavy-tailed", Draw{HeavyTailed}}, {"rare", Draw{Rare}}, {"bursty", Draw{Bursty}}}) {
    const int alarms = RegressionsIn(3'000, draw, draw, 1);
    std::printf("%s: %d false alarms in 3000 runs\n", name, alarms);
    EXPECT_LT(alarms, 12) << name;
  }
}

TEST(CheckBaselineTest, TwiceAsMuchIsFound) {
  const Draw before = [](std::mt19937& random) { return std::normal_distribution<double>(1'000, 150)(random); };
  const Draw now = [](std::mt19937& random) { return std::normal_distribution<double>(2'000, 300)(random); };
  EXPECT_GE(RegressionsIn(500, before, now, 2), 495);
  EXPECT_EQ(RegressionsIn(500, now, before, 3), 0) << "better is no regression";
}

TEST(CheckBaselineTest, ARealDifferenceBelowTheMarginIsNoRegression) {
  const Draw before = [](std::mt19937& random) { return std::normal_distribution<double>(1'000, 1)(random); };
  const Draw now = [](std::mt19937& random) { return std::normal_distribution<double>(1'050, 1)(random); };
  EXPECT_EQ(RegressionsIn(200, before, now, 4), 0);
}

TEST(CheckBaselineTest, FromNoneToManyIsFound) {
  const auto compared = Compare(SeriesOf(std::vector<double>(10, 0)), SeriesOf(std::vector<double>(10, 3)));
  ASSERT_EQ(compared.size(), 1u);
  EXPECT_TRUE(compared[0].regressed);
}

TEST(CheckBaselineTest, WithFewSegmentsNothingIsSaid) {
  const auto compared = Compare(SeriesOf({1, 1, 1, 1, 1}), SeriesOf(std::vector<double>(10, 9)));
  ASSERT_EQ(compared.size(), 1u);
  EXPECT_TRUE(compared[0].too_few);
  EXPECT_FALSE(compared[0].regressed);
}

TEST(CheckBaselineTest, AReportIsReadAsItWasWritten) {
  std::vector<CheckInputs> segments(10, QuietInputs());
  for (size_t i = 0; i < segments.size(); ++i) segments[i].switches->mutable_threads(0)->set_involuntary_count(i * 7);
  const CheckReport report = MakeReport(QuietInputs(), segments, CheckLimits());
  const auto series = ReadBaseline(CheckJson(report));
  ASSERT_TRUE(series.ok()) << series.status();
  EXPECT_EQ(series->values, report.series.values);
  EXPECT_EQ(series->segment_ns, report.series.segment_ns);
}

TEST(CheckBaselineTest, WhatIsNoBaselineIsRefusedWithTheReason) {
  const std::pair<std::string, const char*> texts[] = {
      {"", "no report of a check"},
      {"{}", "no report of a check"},
      {"{\"schema_version\": 99}", "schema_version is 99"},
      {CheckJson(MakeReport(QuietInputs(), {}, CheckLimits())), "no segments"},
      {"{\"schema_version\": 1, \"segments\": {\"series\": {\"a\": [1, \"x\"]}}}", "no number"},
      {"{\"schema_version\": 1, \"segments\": {\"series\": {\"a\": 3}}}", "no list"}};
  for (const auto& [text, told] : texts) {
    const auto series = ReadBaseline(text);
    ASSERT_FALSE(series.ok()) << text;
    EXPECT_EQ(series.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(series.status().message()).find(told), std::string::npos) << series.status();
  }
}

}  // namespace
}  // namespace hftmon
