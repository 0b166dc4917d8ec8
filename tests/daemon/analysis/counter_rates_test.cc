#include "daemon/analysis/counter_rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "daemon/pmu/hardware_metric.h"
#include "tests/daemon/analysis/counter_spans.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> NamesOf(const CounterSet& set) {
  std::vector<std::string> names;
  for (const CounterRate& rate : RatesOf(set)) names.push_back(rate.name);
  return names;
}

CounterRate RateNamed(const CounterSet& set, const std::string& name) {
  for (const CounterRate& rate : RatesOf(set)) {
    if (rate.name == name) return rate;
  }
  ADD_FAILURE() << "no rate " << name;
  return {};
}

double Told(const CounterSet& set, const std::string& name, const CounterSpan& span) {
  const CounterRate rate = RateNamed(set, name);
  const std::optional<RateParts> parts = PartsOf(rate, span);
  return parts ? ShownRate(rate, QuotientOf(rate, *parts)) : -1;
}

TEST(CounterRatesTest, ARateWhosePartsAreNotCountedIsAbsent) {
  EXPECT_THAT(NamesOf(SetOf({"instructions", "l1d_misses"})), ElementsAre("l1d_mpki"));
  EXPECT_THAT(NamesOf(SetOf({"cycles", "l2_hits", "l3_misses"})), IsEmpty());
  EXPECT_THAT(NamesOf(SetOf({})), IsEmpty());
}

TEST(CounterRatesTest, EventsThatAreNoMetricsAreToldBySecondOnTheCpu) {
  const CounterSet set = SetOf({"-page-faults", "cycles"});
  EXPECT_THAT(NamesOf(set), ElementsAre("page-faults_per_second"));
  EXPECT_DOUBLE_EQ(Told(set, "page-faults_per_second", SpanOf({3, 9}, 2'000'000'000, 500'000'000)), 6);
}

TEST(CounterRatesTest, RatesOfInstructionsAndCyclesAreTheirQuotients) {
  const CounterSet set = SetOf({"cycles", "instructions", "stalled_cycles", "branches", "branch_misses", "l3_misses", "hitm_local"});
  EXPECT_THAT(NamesOf(set),
              ElementsAre("instructions_per_cycle", "stalled_ratio", "branch_miss_ratio", "branch_mpki", "l3_mpki", "hitm_local_pki"));
  const CounterSpan span = SpanOf({1'000, 1'500, 250, 400, 8, 3, 6});
  EXPECT_DOUBLE_EQ(Told(set, "instructions_per_cycle", span), 1.5);
  EXPECT_DOUBLE_EQ(Told(set, "stalled_ratio", span), 0.25);
  EXPECT_DOUBLE_EQ(Told(set, "branch_miss_ratio", span), 0.02);
  EXPECT_DOUBLE_EQ(Told(set, "l3_mpki", span), 2);
  EXPECT_DOUBLE_EQ(Told(set, "hitm_local_pki", span), 4);
}

TEST(CounterRatesTest, AHitRatioIsMadeOfWhateverIsCounted) {
  for (const auto& [names, formula] :
       std::map<std::vector<std::string>, std::string>{{{"l1d_hits", "l1d_misses"}, "1 - l1d_misses / (l1d_hits + l1d_misses)"},
                                                       {{"l1d_loads", "l1d_misses"}, "1 - l1d_misses / l1d_loads"},
                                                       {{"l1d_loads", "l1d_hits"}, "1 - (l1d_loads - l1d_hits) / l1d_loads"}}) {
    CounterSet set;
    for (const std::string& name : names) set.events.push_back({.name = name, .metric = name, .counts = ""});
    EXPECT_EQ(RateNamed(set, "l1d_hit_ratio").formula, formula);
  }
  EXPECT_DOUBLE_EQ(Told(SetOf({"l1d_hits", "l1d_misses"}), "l1d_hit_ratio", SpanOf({90, 10})), 0.9);
  EXPECT_DOUBLE_EQ(Told(SetOf({"l2_accesses", "l2_misses"}), "l2_hit_ratio", SpanOf({100, 25})), 0.75);
  EXPECT_DOUBLE_EQ(Told(SetOf({"l3_accesses", "l3_hits"}), "l3_hit_ratio", SpanOf({100, 60})), 0.6);
}

TEST(CounterRatesTest, MissesOfATlbAreWhatBecameOfThemWhereTheyAreNotCountedThemselves) {
  const CounterSet parts = SetOf({"instructions", "dtlb_second_level_hits", "dtlb_load_walks"});
  EXPECT_EQ(RateNamed(parts, "dtlb_mpki").formula, "1000 * (dtlb_second_level_hits + dtlb_load_walks) / instructions");
  EXPECT_DOUBLE_EQ(Told(parts, "dtlb_mpki", SpanOf({1'000, 3, 1})), 4);
  EXPECT_DOUBLE_EQ(Told(parts, "dtlb_second_level_hit_ratio", SpanOf({1'000, 3, 1})), 0.75);
  const CounterSet whole = SetOf({"instructions", "dtlb_misses", "dtlb_load_walks"});
  EXPECT_EQ(RateNamed(whole, "dtlb_mpki").formula, "1000 * dtlb_misses / instructions");
  EXPECT_DOUBLE_EQ(Told(whole, "dtlb_second_level_hit_ratio", SpanOf({1'000, 8, 2})), 0.75);
}

TEST(CounterRatesTest, EveryMetricStandsInSomeRate) {
  for (size_t i = 0; i < kHardwareMetricCount; ++i) {
    // With what any of them is divided by.
    bool found = false;
    for (const char* beside : {"instructions", "cycles", "branch_misses", "l1d_misses", "l2_misses", "l3_misses"}) {
      const std::string name(HardwareMetricName(static_cast<HardwareMetric>(i)));
      CounterSet set = SetOf({name, beside, "dtlb_load_walks", "itlb_walks"});
      for (const CounterRate& rate : RatesOf(set)) found |= (rate.events() & 1) != 0;
    }
    EXPECT_TRUE(found) << HardwareMetricName(static_cast<HardwareMetric>(i));
  }
}

TEST(CounterRatesTest, ASpanWithoutAPartOrWithoutACounterHasNoRate) {
  const CounterSet set = SetOf({"cycles", "instructions"});
  const CounterRate rate = RateNamed(set, "instructions_per_cycle");
  EXPECT_TRUE(PartsOf(rate, SpanOf({10, 20})).has_value());
  CounterSpan uncounted = SpanOf({10, 20});
  uncounted.counted = 1;
  EXPECT_FALSE(PartsOf(rate, uncounted).has_value()) << "another kind of core";
  CounterSpan waiting = SpanOf({0, 0});
  waiting.running_ns = 0;
  EXPECT_FALSE(PartsOf(rate, waiting).has_value());
  EXPECT_FALSE(PartsOf(rate, SpanOf({0, 20})).has_value()) << "nothing to divide by";
}

TEST(CounterRatesTest, TurnsOnTheCountersScaleEventsBySecondAndNoQuotient) {
  const CounterSet set = SetOf({"-r01cd", "cycles", "instructions"});
  CounterSpan span = SpanOf({10, 100, 200}, 2'000'000'000, 1'000'000'000);
  span.running_ns = 250'000'000;
  EXPECT_DOUBLE_EQ(Told(set, "r01cd_per_second", span), 40);
  EXPECT_DOUBLE_EQ(Told(set, "instructions_per_cycle", span), 2);
}

TEST(CounterRatesTest, MoreMissesThanAccessesAreSaidToContradictEachOther) {
  const CounterRate rate = RateNamed(SetOf({"l1d_loads", "l1d_misses"}), "l1d_hit_ratio");
  EXPECT_DOUBLE_EQ(ShownRate(rate, 1.5), 0);
  EXPECT_TRUE(IsContradictory(rate, 1.5));
  EXPECT_FALSE(IsContradictory(rate, 1));
  const CounterRate ipc = RateNamed(SetOf({"cycles", "instructions"}), "instructions_per_cycle");
  EXPECT_DOUBLE_EQ(ShownRate(ipc, 1.5), 1.5);
  EXPECT_FALSE(IsContradictory(ipc, 1.5));
}

TEST(CounterRatesTest, MoreHitsThanAccessesAreSaidToContradictEachOtherToo) {
  const CounterRate rate = RateNamed(SetOf({"l3_hits", "l3_accesses"}), "l3_hit_ratio");
  const std::optional<RateParts> parts = PartsOf(rate, SpanOf({120, 100}));
  ASSERT_TRUE(parts.has_value());
  EXPECT_DOUBLE_EQ(QuotientOf(rate, *parts), -0.2);
  EXPECT_DOUBLE_EQ(ShownRate(rate, -0.2), 1);
  EXPECT_TRUE(IsContradictory(rate, -0.2));
  EXPECT_FALSE(IsContradictory(rate, 0));
}

}  // namespace
}  // namespace hftmon
