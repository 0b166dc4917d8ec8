// Conditions, groups, confidence and gain: how facts become one thing with a weight.
#include "daemon/advice/rule_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "daemon/advice/confidence.h"
#include "daemon/advice/fact_group.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/gain.h"
#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using enum FactField;
using enum Operator;

Fact Stall(uint32_t tid, FactValues values) {
  return With(FactOf(FactKind::kKernelStall, {{kStall, "reclaim"}, {kCount, 2}, {kSumNs, 100}, {kLongestNs, 60}}, tid), values);
}

TEST(RuleMatchTest, ConditionsHoldOfWhatIsKnownAlone) {
  const Fact fact =
      FactOf(FactKind::kHostSetting,
             {{kSetting, "swap"}, {kValue, 3}, {kValueCpus, CpuList{1, 2}}, {kReservedCpus, CpuList{2}}, {kMissingCpus, CpuList{}}});
  EXPECT_TRUE(Holds({kSetting, kIs, "swap"}, fact));
  EXPECT_FALSE(Holds({kSetting, kIs, "ksm"}, fact));
  EXPECT_TRUE(Holds({kSetting, kIsNot, "ksm"}, fact));
  EXPECT_FALSE(Holds({kValueWord, kIsNot, "ksm"}, fact));
  EXPECT_FALSE(Holds({kSetting, kIsNot, 3.0}, fact));
  EXPECT_TRUE(Holds({kSetting, kIsOneOf, WordList{"ksm", "swap"}}, fact));
  EXPECT_FALSE(Holds({kSetting, kIsOneOf, WordList{"ksm"}}, fact));
  EXPECT_TRUE(Holds({kValue, kAtLeast, 3.0}, fact));
  EXPECT_FALSE(Holds({kValue, kAtLeast, 3.5}, fact));
  EXPECT_TRUE(Holds({kValue, kBelow, 3.5}, fact));
  EXPECT_FALSE(Holds({kValue, kBelow, 3.0}, fact));
  EXPECT_FALSE(Holds({kNodeCount, kBelow, 3.0}, fact));
  EXPECT_TRUE(Holds({kValueCpus, kHasAny, kReservedCpus}, fact));
  EXPECT_FALSE(Holds({kValueCpus, kHasNone, kReservedCpus}, fact));
  EXPECT_FALSE(Holds({kValueCpus, kHasNone, kHousekeepingCpus}, fact));
  EXPECT_TRUE(Holds({kMissingCpus, kHasNone, kReservedCpus}, fact));
  EXPECT_TRUE(Holds({kReservedCpus, kKnown}, fact));
  EXPECT_FALSE(Holds({kMissingCpus, kKnown}, fact));
  EXPECT_TRUE(Holds({kMissingCpus, kUnknown}, fact));
  EXPECT_TRUE(Holds({kNodeCount, kUnknown}, fact));
}

TEST(RuleMatchTest, OneOfTheMeasuresIsEnoughAndEachWantsAllOfItsBounds) {
  const RuleRow row{.measures = {{.count_min = 3, .count_per_s_min = 2}, {.count_min = 1, .longest_ns_min = 50}}};
  JudgeWindow window{.begin_mono_ns = 0, .end_mono_ns = 1'000'000'000};
  EXPECT_TRUE(ReachesMeasure(row, Stall(1, {{kCount, 3}, {kLongestNs, 49}}), window));
  EXPECT_FALSE(ReachesMeasure(row, Stall(1, {{kCount, 2}, {kLongestNs, 49}}), window));
  EXPECT_TRUE(ReachesMeasure(row, Stall(1, {{kCount, 1}, {kLongestNs, 50}}), window));
  window.end_mono_ns = 2'000'000'000;
  EXPECT_FALSE(ReachesMeasure(row, Stall(1, {{kCount, 3}, {kLongestNs, 49}}), window));
  window.end_mono_ns = 0;
  EXPECT_FALSE(ReachesMeasure(row, Stall(1, {{kCount, 1'000'000}, {kLongestNs, 1'000'000}}), window));
}

TEST(RuleMatchTest, RatesOfSumsAreOverWhatTheSumsSpan) {
  const RuleRow row{.measures = {{.count_per_s_min = 2}}};
  const JudgeWindow window{.begin_mono_ns = 0, .end_mono_ns = 60'000'000'000};
  Fact fact = Stall(1, {{kCount, 60}, {kSumNs, 900}});
  fact.evidence.begin_mono_ns = 59'000'000'000;  // of a spike that came late: no less of the window was looked at
  EXPECT_FALSE(ReachesMeasure(row, fact, window));
  fact.evidence.span_ns = 30'000'000'000;
  EXPECT_TRUE(ReachesMeasure(row, fact, window));
  EXPECT_EQ(GainOf(GainKind::kSumPerSecond, fact, window).ns_per_second, 30);
  const Fact whole = Stall(1, {{kCount, 60}});
  const std::vector<Fact> facts = {fact, whole};
  const std::vector<size_t> both = {0, 1};
  EXPECT_FALSE(ReachesMeasure(RuleRow{.measures = {{.count_per_s_min = 2.1}}}, GroupFacts({}, facts, both).at(0).fact, window));
}

TEST(RuleMatchTest, TheSpanOfARateIsASecondOrMoreAndNoLongerThanTheWindow) {
  JudgeWindow window{.begin_mono_ns = 0, .end_mono_ns = 60'000'000'000};
  Fact fact = Stall(1, {});
  const auto of = [&](int64_t span_ns) {
    fact.evidence.span_ns = span_ns;
    return RateSpanNs(fact, window);
  };
  EXPECT_EQ(of(0), 60'000'000'000);
  EXPECT_EQ(of(5'000'000), kRateSpanMinNs);
  EXPECT_EQ(of(61'000'000'000), 60'000'000'000);
  window.end_mono_ns = 300'000'000;
  EXPECT_EQ(of(5'000'000), 300'000'000);
  window.end_mono_ns = 0;
  EXPECT_EQ(of(5'000'000), 0);
}

TEST(RuleMatchTest, WhatCouldNotBeLookedForConcernsRulesThatItSpeaksNotAgainst) {
  const RuleRow smi{.fact = FactKind::kHardware, .when = {{kSource, kIs, "smi"}}};
  EXPECT_TRUE(CouldConcern(smi, {.kind = FactKind::kHardware}));
  EXPECT_TRUE(CouldConcern(smi, {.kind = FactKind::kHardware, .where = {{kSource, "smi"}}}));
  EXPECT_FALSE(CouldConcern(smi, {.kind = FactKind::kHardware, .where = {{kSource, "steal"}}}));
  EXPECT_FALSE(CouldConcern(smi, {.kind = FactKind::kWaking}));
}

TEST(FactGroupTest, FactsOfOneThingAreOne) {
  const std::vector<Fact> facts = {Stall(1, {{kThpEnabled, "always"}}), Stall(2, {}),
                                   Stall(1, {{kSumNs, 300}, {kLongestNs, 250}, {kThpEnabled, "always"}}), Stall(1, {{kStall, "collapse"}})};
  const std::vector<size_t> all = {0, 1, 2, 3};
  const std::vector<FactField> by = {kTid, kStall};
  const std::vector<FactGroup> groups = GroupFacts(by, facts, all);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].key, "tid=1,stall=collapse");
  EXPECT_EQ(groups[1].key, "tid=1,stall=reclaim");
  EXPECT_THAT(groups[1].members, ElementsAre(2, 0));
  EXPECT_EQ(IntegerOr(groups[1].fact, kCount, 0), 4);
  EXPECT_EQ(IntegerOr(groups[1].fact, kSumNs, 0), 400);
  EXPECT_EQ(IntegerOr(groups[1].fact, kLongestNs, 0), 250);
  EXPECT_EQ(ValueOf(groups[1].fact, kThpEnabled), FactValue("always"));
  EXPECT_EQ(groups[1].fact.thread->tid, 1u);
  EXPECT_EQ(groups[2].key, "tid=2,stall=reclaim");
}

TEST(FactGroupTest, WhatFactsDifferInIsNotKnownOfTheGroup) {
  Fact other = Stall(3, {{kThpEnabled, "never"}});
  Fact foreign = Stall(4, {});
  foreign.thread->pid = 9;
  const std::vector<Fact> facts = {Stall(1, {{kThpEnabled, "always"}}), other, Stall(5, {}), foreign};
  const std::vector<size_t> ours = {0, 1, 2};
  const std::vector<FactField> by = {kStall};
  const FactGroup group = GroupFacts(by, facts, ours).at(0);
  EXPECT_FALSE(group.fact.thread.has_value());
  EXPECT_EQ(ValueOf(group.fact, kProcessId), FactValue(4711));
  EXPECT_EQ(ValueOf(group.fact, kTid), std::nullopt);
  EXPECT_EQ(ValueOf(group.fact, kThpEnabled), std::nullopt);
  EXPECT_THAT(group.fact.evidence.spike_ids, ElementsAre(1, 3, 5));
  const std::vector<size_t> everybody = {0, 1, 2, 3};
  EXPECT_EQ(ValueOf(GroupFacts(by, facts, everybody).at(0).fact, kProcessId), std::nullopt);
}

TEST(FactGroupTest, SumsEndAtTheirLimitAndEvidenceIsBounded) {
  std::vector<Fact> facts(100, Stall(1, {{kCount, INT64_MAX}}));
  std::vector<size_t> all;
  for (size_t i = 0; i < facts.size(); ++i) {
    facts[i].evidence.spike_ids = {i, i + 1'000};
    facts[i].evidence.sentence = "of \"x\"\n\x1b[2J" + std::string(2'000, 'y');
    facts[i].quality = {.truncated = i == 50, .sampled = true, .samples = UINT64_MAX / 2};
    all.push_back(i);
  }
  const FactGroup group = GroupFacts({}, facts, all).at(0);
  EXPECT_EQ(group.key, "");
  EXPECT_EQ(IntegerOr(group.fact, kCount, 0), INT64_MAX);
  EXPECT_EQ(group.fact.evidence.spike_ids.size(), kFactSpikeIdsMax);
  EXPECT_EQ(group.sentences.size(), kEvidenceSentencesMax);
  EXPECT_EQ(group.sentences[0].substr(0, 14), "of \"x\"??[2Jyyy");
  EXPECT_EQ(group.sentences[0].size(), 1'003u);
  EXPECT_TRUE(group.fact.quality.truncated);
  EXPECT_EQ(group.fact.quality.samples, UINT64_MAX);
}

TEST(ConfidenceTest, EachDoubtLowersItAndSaysSo) {
  const RuleRow row{.confidence = 0.8};
  const auto of = [&](FactQuality quality) {
    Fact fact = Stall(1, {{kCount, 9}});
    fact.quality = quality;
    return ConfidenceOf(row, fact, {});
  };
  EXPECT_DOUBLE_EQ(of({}).value, 0.8 * 9 / 12);
  EXPECT_THAT(of({}).reasons, ElementsAre(HasSubstr("0.8: what the rule"), HasSubstr("x 0.75: of 9 events")));
  EXPECT_DOUBLE_EQ(of({.lost_records = true}).value, 0.8 * 9 / 12 * 0.5);
  EXPECT_DOUBLE_EQ(of({.inconclusive = true}).value, 0.8 * 9 / 12 * 0.5);
  EXPECT_DOUBLE_EQ(of({.truncated = true}).value, 0.8 * 9 / 12 * 0.7);
  EXPECT_DOUBLE_EQ(of({.estimated = true}).value, 0.8 * 9 / 12 * 0.8);
  EXPECT_DOUBLE_EQ(of({.sampled = true, .samples = 97}).value, 0.8 * 0.8 * 97 / 100);
  EXPECT_THAT(of({.lost_records = true}).reasons,
              ElementsAre(HasSubstr("0.8"), "x 0.5: records were lost, there may be other causes", HasSubstr("9 events")));
}

TEST(ConfidenceTest, ASettingIsSurerWhereItIsMeasuredToo) {
  const RuleRow row{.confidence = 0.7, .basis = Basis::kConfiguration};
  const Fact fact = FactOf(FactKind::kHostSetting, {{kSetting, "swap"}});
  EXPECT_DOUBLE_EQ(ConfidenceOf(row, fact, {}).value, 0.7);
  const std::vector<std::string> by = {"swap-in"};
  EXPECT_DOUBLE_EQ(ConfidenceOf(row, fact, by).value, 0.85);
  EXPECT_EQ(ConfidenceName(0.75), "high");
  EXPECT_EQ(ConfidenceName(0.74), "medium");
  EXPECT_EQ(ConfidenceName(0.39), "low");
}

TEST(GainTest, ItIsABoundAndUnknownIsNot0) {
  const JudgeWindow window{.begin_mono_ns = 0, .end_mono_ns = 3'000'000'000, .spike_sum_ns = 400};
  const Gain sum = GainOf(GainKind::kSumPerSecond, Stall(1, {{kSumNs, 100}}), window);
  EXPECT_EQ(sum.ns_per_second, 34);
  EXPECT_EQ(sum.longest_ns, 60);
  EXPECT_FALSE(sum.estimated);
  const Gain parts = GainOf(GainKind::kPartsOfWaits, Stall(1, {{kSumNs, 100}}), window);
  EXPECT_EQ(parts.ns_per_second, sum.ns_per_second);
  EXPECT_TRUE(parts.estimated) << "waits below the threshold are in no spike";
  EXPECT_THAT(parts.basis, HasSubstr("no upper bound"));
  EXPECT_DOUBLE_EQ(GainOf(GainKind::kShareOfSpikeTime, Stall(1, {{kSumNs, 100}}), window).share.value(), 0.25);
  EXPECT_DOUBLE_EQ(GainOf(GainKind::kShareOfSpikeTime, Stall(1, {{kSumNs, 900}}), window).share.value(), 1);
  EXPECT_EQ(GainOf(GainKind::kLongest, Stall(1, {}), window).longest_ns, 60);
  const Gain unknown = GainOf(GainKind::kUnknown, Stall(1, {}), window);
  EXPECT_FALSE(unknown.ns_per_second.has_value() || unknown.longest_ns.has_value() || unknown.share.has_value());
  EXPECT_THAT(unknown.basis, HasSubstr("not measured"));
  EXPECT_FALSE(GainOf(GainKind::kSumPerSecond, Stall(1, {}), {}).ns_per_second.has_value());
}

TEST(GainTest, APlacementsIsAnEstimatedShare) {
  const Fact fact = FactOf(FactKind::kPlacement, {{kRemoteShareLow, 0.5}, {kDistanceRatio, 1.6}, {kProcessId, 1}});
  const Gain gain = GainOf(GainKind::kPlacement, fact, {});
  EXPECT_DOUBLE_EQ(gain.share.value(), 0.5 * (1.6 - 1));
  EXPECT_TRUE(gain.estimated);
  EXPECT_FALSE(GainOf(GainKind::kPlacement, Without(fact, kDistanceRatio), {}).share.has_value());
}

}  // namespace
}  // namespace hftmon
