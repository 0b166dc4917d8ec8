#include "daemon/analysis/counter_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/counter_rate_rows.h"
#include "daemon/pmu/hardware_metric.h"
#include "tests/daemon/analysis/counter_spans.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

const CounterSet kSet = SetOf({"cycles", "instructions", "l3_misses", "-page-faults"});
const std::vector<CounterRate> kRates = RatesOf(kSet);

std::optional<CounterMetricValue> ValueOf(const char* metric, const CounterWindow& window, const CounterSet& set = kSet) {
  return CounterMetricOf(*FindMetric(metric), set, kRates, window);
}

double Told(const char* metric, const CounterWindow& window) {
  const std::optional<CounterMetricValue> value = ValueOf(metric, window);
  return value ? value->value : -1;
}

// The two lists are one: each rate that sets can have is in the catalogue with its unit, and the other way round.
TEST(CounterMetricsTest, TheCatalogueHasEachRateThatCanBeMade) {
  std::set<std::string> made;
  for (size_t a = 0; a < kHardwareMetricCount; ++a) {
    for (size_t b = 0; b < kHardwareMetricCount; ++b) {
      const auto name = [](size_t metric) { return std::string(HardwareMetricName(static_cast<HardwareMetric>(metric))); };
      for (const CounterRate& rate : RatesOf(SetOf({name(a), name(b)}))) {
        made.insert(rate.name);
        const MetricRow* row = FindMetric(rate.name);
        ASSERT_NE(row, nullptr) << rate.name;
        EXPECT_EQ(row->unit, RateUnitName(rate.unit)) << rate.name;
      }
    }
  }
  for (const CounterRateRow& row : CounterRateRows()) EXPECT_TRUE(made.contains(std::string(row.name))) << row.name;
  EXPECT_EQ(made.size(), CounterRateRows().size());
}

TEST(CounterMetricsTest, AMeanIsTheRatioOfSumsAndAnEventItsSum) {
  CounterWindow window;
  window.Add(kRates, SpanOf({1'000, 3'000, 6, 2}, 1'000'000, 1'000'000));
  window.Add(kRates, SpanOf({3'000, 3'000, 0, 1}, 4'000'000, 2'000'000));
  EXPECT_DOUBLE_EQ(Told("instructions_per_cycle", window), 1.5);
  EXPECT_DOUBLE_EQ(Told("l3_mpki", window), 1);
  EXPECT_DOUBLE_EQ(Told("page_faults_count", window), 3);
  EXPECT_DOUBLE_EQ(Told("page_faults_per_second", window), 1'000) << "by second on the CPU";
  EXPECT_DOUBLE_EQ(Told("counted_on_cpu_sum_ns", window), 3'000'000);
  EXPECT_DOUBLE_EQ(Told("counter_running_ratio", window), 1);
  EXPECT_FALSE(ValueOf("l3_mpki_p50", window).has_value()) << "two spans carry no median";
  EXPECT_FALSE(ValueOf("l2_mpki", window).has_value()) << "not counted";
}

TEST(CounterMetricsTest, APercentileIsOfTheTimeOnTheCpu) {
  CounterWindow window;
  for (uint64_t i = 1; i <= 100; ++i) window.Add(kRates, SpanOf({1'000, 1'000 * i, 0, 0}));
  EXPECT_NEAR(Told("instructions_per_cycle_p50", window), 50, 0.4);
  EXPECT_FALSE(ValueOf("instructions_per_cycle_p1", window).has_value()) << "it needs 1,000 spans";
}

TEST(CounterMetricsTest, WhatTookTurnsIsEstimatedAndWhatNobodyVouchesForDoubtful) {
  CounterSet set = kSet;
  set.events[2].number_unchecked = true;
  CounterSpan span = SpanOf({1'000, 3'000, 0, 2}, 1'000'000, 1'000'000);
  span.running_ns = 250'000;
  CounterWindow window;
  window.Add(kRates, span);
  EXPECT_DOUBLE_EQ(Told("page_faults_count", window), 8);
  EXPECT_DOUBLE_EQ(Told("counter_running_ratio", window), 0.25);
  EXPECT_TRUE(ValueOf("page_faults_count", window)->estimated);
  EXPECT_TRUE(ValueOf("instructions_per_cycle", window)->estimated);
  EXPECT_FALSE(ValueOf("instructions_per_cycle", window, set)->doubtful);
  EXPECT_TRUE(ValueOf("l3_mpki", window, set)->doubtful);
}

TEST(CounterMetricsTest, WhoDidNotRunHasNoRateAndNoEvents) {
  EXPECT_EQ(Told("page_faults_count", {}), 0);
  EXPECT_EQ(Told("counted_on_cpu_sum_ns", {}), 0);
  for (const char* metric : {"instructions_per_cycle", "l3_mpki_p99", "page_faults_per_second", "counter_running_ratio"}) {
    EXPECT_FALSE(ValueOf(metric, {}).has_value()) << metric;
  }
}

TEST(CounterMetricsTest, AnEventThatNoSpanCountedIsLacking) {
  CounterWindow window;
  window.Add(kRates, SpanOf({1'000, 3'000}, 1'000'000, 1'000'000));
  const auto lacks = [&window](const char* metric) { return LacksEvents(*FindMetric(metric), kSet, kRates, window); };
  EXPECT_TRUE(lacks("l3_mpki"));
  EXPECT_TRUE(lacks("page_faults_count"));
  EXPECT_FALSE(lacks("instructions_per_cycle_p50"));
  EXPECT_FALSE(lacks("counted_on_cpu_sum_ns"));
}

TEST(CounterMetricsTest, WhatTheSetCannotTellSaysWhichEventIsMissingAndWhy) {
  const std::vector<std::pair<std::string, std::string>> unavailable = {{"l1d_loads", "8 events are counted already"}};
  const auto why = [&unavailable](const char* metric) { return WhyNotCounted(*FindMetric(metric), kSet, kRates, unavailable, true); };
  for (const char* metric : {"l3_mpki", "l3_mpki_p99", "page_faults_count", "counted_on_cpu_sum_ns", "spikes_count"}) {
    EXPECT_EQ(why(metric), "") << metric;
  }
  EXPECT_EQ(why("l1d_hit_ratio"), "l1d_loads: 8 events are counted already");
  EXPECT_THAT(why("l2_mpki"), HasSubstr("it needs l2_misses, instructions"));
  EXPECT_EQ(WhyNotCounted(*FindMetric("l2_mpki"), kSet, kRates, unavailable, false),
            WhyNotCounted(*FindMetric("major_faults_count"), kSet, kRates, unavailable, false))
      << "who asks for all has one reason";
  EXPECT_THAT(why("major_faults_count"), HasSubstr("--counters major-faults"));
}

}  // namespace
}  // namespace hftmon
