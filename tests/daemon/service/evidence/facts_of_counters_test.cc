#include "daemon/service/evidence/facts_of_counters.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Counts {
  uint64_t instructions = 400;
  uint64_t cycles = 1'000;
  uint64_t l3_hits = 62;
  uint64_t l3_misses = 38;
};

// `span_count` equal spans of a millisecond.
CounterAnswer AnswerOf(const Counts& counts, int span_count = 100) {
  CounterAnswer answer;
  answer.set = {.number = 1};
  for (const char* metric : {"instructions", "cycles", "l3_hits", "l3_misses"})
    answer.set.events.push_back({.name = metric, .metric = metric});
  answer.rates = RatesOf(answer.set);
  for (int i = 0; i < span_count; ++i) {
    CounterSpan span{.thread = kWatched, .set = 1, .counted = 0xf, .begin_mono_ns = kBeginNs + i * 1'000'000};
    span.end_mono_ns = span.begin_mono_ns + 1'000'000;
    span.on_cpu_ns = span.enabled_ns = span.running_ns = 1'000'000;
    span.values = {counts.instructions, counts.cycles, counts.l3_hits, counts.l3_misses};
    answer.threads[kWatched].Add(answer.rates, span);
  }
  return answer;
}

std::vector<Fact> FactsOf(const CounterAnswer& answer) {
  std::vector<Fact> facts;
  AddCounterFacts(TestContext(), answer, &facts);
  return facts;
}

TEST(CounterFactsTest, RatesOfTheWindowAreTheRatiosOfItsSums) {
  const std::vector<Fact> facts = FactsOf(AnswerOf({}));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 100);
  EXPECT_NEAR(NumberOf(facts[0], FactField::kL3HitRatio).value_or(-1), 0.62, 1e-9);
  EXPECT_NEAR(NumberOf(facts[0], FactField::kInstructionsPerCycle).value_or(-1), 0.4, 1e-9);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("cache-hit-low"));
}

TEST(CounterFactsTest, AGoodRatioManyInstructionsOrFewReadingsAreNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(AnswerOf({.l3_hits = 90, .l3_misses = 10}))), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FactsOf(AnswerOf({.instructions = 1'000}))), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FactsOf(AnswerOf({}, 99))), IsEmpty());
}

TEST(CounterFactsTest, WhatWasCutOrLostMakesItDoubtful) {
  CounterAnswer answer = AnswerOf({});
  answer.set_changed = true;
  answer.lost_count = 3;
  answer.begin_mono_ns = kBeginNs + 7;
  const std::vector<Fact> facts = FactsOf(answer);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_TRUE(facts[0].quality.truncated);
  EXPECT_TRUE(facts[0].quality.lost_records);
  EXPECT_EQ(facts[0].evidence.begin_mono_ns, kBeginNs + 7);
}

TEST(CounterFactsTest, WithoutOneOfTheRatesTheOtherIsToldAndWithoutBothNothing) {
  CounterAnswer answer = AnswerOf({});
  for (CounterRate& rate : answer.rates) {
    if (rate.name == "l3_hit_ratio") rate.name = "another";
  }
  const std::vector<Fact> facts = FactsOf(answer);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kL3HitRatio).has_value());
  EXPECT_THAT(RulesThatSpeak(facts), IsEmpty());
  for (CounterRate& rate : answer.rates) rate.name = "another";
  EXPECT_THAT(FactsOf(answer), IsEmpty());
}

}  // namespace
}  // namespace hftmon
