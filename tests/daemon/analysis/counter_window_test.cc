#include "daemon/analysis/counter_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/daemon/analysis/counter_spans.h"

namespace hftmon {
namespace {

constexpr double kResolution = 0.0079;  // of the bins: 1/128, and what rounding to a step adds

// What a list of (rate, weight) says of a percentile: the lowest rate that is at or above so much of the weight.
double OraclePercentile(std::vector<std::pair<double, int64_t>> rates, double percent) {
  std::sort(rates.begin(), rates.end());
  int64_t total = 0;
  for (const auto& [rate, weight] : rates) total += weight;
  int64_t reached = 0;
  for (const auto& [rate, weight] : rates) {
    reached += weight;
    if (static_cast<double>(reached) >= static_cast<double>(total) * percent / 100 - 1e-6) return rate;
  }
  return rates.back().first;
}

TEST(CounterWindowTest, AMeanIsTheRatioOfSumsAndNotTheMeanOfRatios) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions"}));
  CounterWindow window;
  window.Add(rates, SpanOf({1'000, 3'000}));
  window.Add(rates, SpanOf({9'000, 9'000}));
  const auto summary = SummaryOf(rates[0], window.rates[0]);
  ASSERT_TRUE(summary.has_value());
  EXPECT_DOUBLE_EQ(summary->mean, 1.2);
  EXPECT_DOUBLE_EQ(summary->lowest, 1);
  EXPECT_DOUBLE_EQ(summary->highest, 3);
  EXPECT_EQ(window.span_count, 2u);
  EXPECT_EQ(window.events[1].value, 12'000u);
}

TEST(CounterWindowTest, PercentilesEqualASortOfAllSpansByTheirTimeOnTheCpu) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions", "l1d_hits", "l1d_misses"}));
  std::mt19937_64 random(7);
  CounterWindow window;
  std::vector<std::vector<std::pair<double, int64_t>>> oracle(rates.size());
  for (int i = 0; i < 4'000; ++i) {
    const uint64_t cycles = 1'000 + random() % 1'000'000;
    const uint64_t loads = 10'000 + random() % 100'000;
    const uint64_t misses = random() % (1 + loads / (1 + random() % 500));
    const auto on_cpu_ns = static_cast<int64_t>(1 + random() % 3'000'000);
    const CounterSpan span = SpanOf({cycles, cycles / 4 + random() % cycles, loads - misses, misses}, 10'000'000, on_cpu_ns);
    window.Add(rates, span);
    for (size_t rate = 0; rate < rates.size(); ++rate) {
      oracle[rate].emplace_back(ShownRate(rates[rate], QuotientOf(rates[rate], *PartsOf(rates[rate], span))), on_cpu_ns);
    }
  }
  for (size_t rate = 0; rate < rates.size(); ++rate) {
    for (const double percent : {1.0, 25.0, 50.0, 90.0, 99.0}) {
      const auto told = PercentileOf(rates[rate], window.rates[rate], percent);
      const double truth = OraclePercentile(oracle[rate], percent);
      ASSERT_TRUE(told.has_value()) << rates[rate].name << " p" << percent;
      // Of a hit ratio the misses are what is known to 0.78 %.
      const double known = rates[rate].complement ? 1 - truth : truth;
      EXPECT_NEAR(*told, truth, known * kResolution + 1e-6) << rates[rate].name << " p" << percent;
    }
  }
}

TEST(CounterWindowTest, ALongSpanOutweighsManyShortOnes) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions"}));
  CounterWindow window;
  for (int i = 0; i < 99; ++i) window.Add(rates, SpanOf({1'000, 500}, 1'000'000, 1'000));
  window.Add(rates, SpanOf({1'000'000, 2'000'000}, 9'000'000, 9'000'000));
  EXPECT_NEAR(*PercentileOf(rates[0], window.rates[0], 50), 2, 2 * kResolution);
}

TEST(CounterWindowTest, AHighHitRatioIsToldFromAHigherOne) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"l1d_hits", "l1d_misses"}));
  CounterWindow window;
  for (int i = 0; i < 100; ++i) window.Add(rates, SpanOf({999'900, 100}));
  EXPECT_NEAR(*PercentileOf(rates[0], window.rates[0], 50), 0.9999, 2e-6);
}

TEST(CounterWindowTest, SpansWithMoreHitsThanAccessesAreCountedAndTheirSumIsDoubtfulOnlyWhereItContradictsItself) {
  const CounterSet set = SetOf({"l3_hits", "l3_accesses"});
  const std::vector<CounterRate> rates = RatesOf(set);
  CounterWindow window;
  window.Add(rates, SpanOf({102, 100}));
  std::optional<RateSummary> summary = SummaryOf(rates[0], window.rates[0]);
  EXPECT_DOUBLE_EQ(summary->mean, 1);
  EXPECT_TRUE(summary->contradictory);
  EXPECT_TRUE(IsDoubtful(set, rates[0], *summary, window));
  window.Add(rates, SpanOf({890, 900}));
  summary = SummaryOf(rates[0], window.rates[0]);
  EXPECT_DOUBLE_EQ(summary->mean, 0.992) << "no span's part is cut before it is added";
  EXPECT_DOUBLE_EQ(summary->highest, 1);
  EXPECT_FALSE(IsDoubtful(set, rates[0], *summary, window));
  EXPECT_EQ(window.rates[0].contradictory_span_count, 1u);
  CounterWindow sum;
  sum.Add(window);
  sum.Add(window);
  EXPECT_EQ(sum.rates[0].contradictory_span_count, 2u);
}

TEST(CounterWindowTest, APercentileNeedsTenSpansOnEitherSide) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions"}));
  CounterWindow window;
  const auto has = [&](double percent) { return PercentileOf(rates[0], window.rates[0], percent).has_value(); };
  for (int i = 0; i < 999; ++i) window.Add(rates, SpanOf({1'000, 500}));
  EXPECT_TRUE(has(50));
  EXPECT_FALSE(has(99));
  EXPECT_FALSE(has(1)) << "the low end as the high one";
  window.Add(rates, SpanOf({1'000, 500}));
  EXPECT_TRUE(has(99));
  EXPECT_TRUE(has(1));
  EXPECT_FALSE(has(0));
  EXPECT_FALSE(has(100));
}

TEST(CounterWindowTest, WhatLiesAboveTheBinsHasNoPercentileButAMean) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"-r01cd"}));
  CounterWindow window;
  for (int i = 0; i < 100; ++i) window.Add(rates, SpanOf({200'000'000'000}, 1'000'000'000, 1'000'000'000));
  EXPECT_FALSE(PercentileOf(rates[0], window.rates[0], 50).has_value());
  EXPECT_DOUBLE_EQ(SummaryOf(rates[0], window.rates[0])->mean, 200e9);
}

TEST(CounterWindowTest, MergingEqualsAddingEachSpan) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions", "-page-faults"}));
  CounterWindow all;
  CounterWindow halves[2];
  for (uint64_t i = 1; i <= 200; ++i) {
    const CounterSpan span = SpanOf({i * 100, i * i, i % 7}, static_cast<int64_t>(i) * 1'000'000, static_cast<int64_t>(i) * 10);
    all.Add(rates, span);
    halves[i % 2].Add(rates, span);
  }
  CounterWindow merged;
  for (const CounterWindow& half : halves) merged.Add(half);
  EXPECT_EQ(merged.span_count, all.span_count);
  EXPECT_EQ(merged.on_cpu_ns, all.on_cpu_ns);
  EXPECT_EQ(merged.widest_ns, 2'000);
  EXPECT_EQ(merged.wide_sum_ns, all.wide_sum_ns);
  EXPECT_EQ(merged.last_end_mono_ns, 200'000'000);
  for (size_t rate = 0; rate < rates.size(); ++rate) {
    EXPECT_EQ(merged.rates[rate].on_cpu_ns, all.rates[rate].on_cpu_ns);
    EXPECT_DOUBLE_EQ(merged.rates[rate].parts.part, all.rates[rate].parts.part);
    EXPECT_EQ(merged.rates[rate].lowest, all.rates[rate].lowest);
    EXPECT_EQ(merged.rates[rate].highest, all.rates[rate].highest);
  }
}

TEST(CounterWindowTest, ARateIsOfTheSpansThatHaveAllItsParts) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"instructions", "l3_misses"}));
  CounterWindow window;
  window.Add(rates, SpanOf({1'000, 5}));
  window.Add(rates, SpanOf({1'000'000}));  // a core that does not count the other
  EXPECT_DOUBLE_EQ(SummaryOf(rates[0], window.rates[0])->mean, 5);
  EXPECT_EQ(window.rates[0].span_count, 1u);
  EXPECT_EQ(window.events[0].value, 1'001'000u);
}

TEST(CounterWindowTest, TurnsOnTheCountersAreScaledAndSaidAndNoCounterIsNoValue) {
  const std::vector<CounterRate> rates = RatesOf(SetOf({"cycles", "instructions"}));
  CounterWindow window;
  CounterSpan span = SpanOf({100, 50}, 1'000'000, 1'000);
  span.running_ns = 0;
  window.Add(rates, span);
  EXPECT_FALSE(window.events[0].Scaled().has_value());
  EXPECT_FALSE(SummaryOf(rates[0], window.rates[0]).has_value());
  span.running_ns = 250;
  window.Add(rates, span);
  EXPECT_TRUE(window.events[0].estimated());
  EXPECT_DOUBLE_EQ(*window.events[0].Scaled(), 200.0 * 2'000 / 250);
  EXPECT_TRUE(window.rates[0].estimated);
  CounterWindow alone;
  alone.Add(rates, SpanOf({100, 50}));
  EXPECT_FALSE(alone.events[0].estimated());
  EXPECT_DOUBLE_EQ(*alone.events[0].Scaled(), 100);
  EXPECT_FALSE(alone.events[2].Scaled().has_value()) << "never counted";
}

TEST(CounterWindowTest, AnUncheckedNumberThatStaysZeroWhileCyclesGoByIsDoubtful) {
  CounterSet set = SetOf({"cycles", "l3_misses"});
  set.events[1].number_unchecked = true;
  const auto doubtful = [&set](const CounterSpan& span) { return IsDoubtful(set, 1, EventSumsOf(span), span.on_cpu_ns); };
  EXPECT_TRUE(doubtful(SpanOf({1'000, 0})));
  EXPECT_FALSE(doubtful(SpanOf({1'000, 1})));
  EXPECT_FALSE(doubtful(SpanOf({0, 0}))) << "it may not have run";
  EXPECT_FALSE(doubtful(SpanOf({1'000}))) << "not counted at all";
  set.events[1].number_unchecked = false;
  EXPECT_FALSE(doubtful(SpanOf({1'000, 0})));
  CounterSet alone = SetOf({"-r01cd"});
  alone.events[0].number_unchecked = true;
  EXPECT_TRUE(IsDoubtful(alone, 0, EventSumsOf(SpanOf({0})), 1));
}

}  // namespace
}  // namespace hftmon
