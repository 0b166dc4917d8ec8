#include "daemon/advice/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "daemon/advice/advice_rules.h"
#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum FactField;

const RuleExample& Example(std::string_view rule, std::string_view variant = "") {
  for (const RuleExample& example : RuleExamples()) {
    if (example.rule == rule && (variant.empty() || example.variant == variant)) return example;
  }
  ADD_FAILURE() << "no example of " << rule;
  return RuleExamples().front();
}

Fact ExampleFact(std::string_view rule, FactValues values = {}) {
  return With(FactOf(Example(rule)), values);
}

Judgement JudgeAll(const std::vector<Fact>& facts, const JudgeWish& wish = {}, const JudgeWindow& window = ExampleWindow()) {
  return Judge(AdviceRules(), facts, window, wish);
}

std::vector<std::string> IdsOf(const Judgement& judgement) {
  std::vector<std::string> ids;
  for (const Recommendation& given : judgement.recommendations) ids.push_back(given.id);
  return ids;
}

TEST(RecommendTest, TheMostSpecificRowTakesTheFact) {
  const Fact swapped = ExampleFact("swap-in", {{kLockedBytes, 0}});
  EXPECT_THAT(IdsOf(JudgeAll({swapped})), ElementsAre("swap-in/tid=4712"));
  const Fact file = ExampleFact("major-faults-no-mlock");
  EXPECT_THAT(IdsOf(JudgeAll({file})), ElementsAre("major-faults-no-mlock/tid=4712"));
  // Asked for the other alone, the fact is still not that one's.
  EXPECT_THAT(IdsOf(JudgeAll({swapped}, {.rules = {"major-faults-no-mlock"}})), IsEmpty());
}

TEST(RecommendTest, FactsOfOneCauseAreOneRecommendation) {
  Fact second = ExampleFact("irq-on-watched-core", {{kCpus, CpuList{5}}, {kCount, 10}, {kSumNs, 100'000}});
  second.evidence.sentence = "also seen";
  second.evidence.end_mono_ns += 5;
  const Judgement judgement = JudgeAll({second, ExampleFact("irq-on-watched-core"), ExampleFact("irq-on-watched-core", {{kIrq, 26}})});
  ASSERT_THAT(IdsOf(judgement), ElementsAre("irq-on-watched-core/irq=25", "irq-on-watched-core/irq=26"));
  const Recommendation& given = judgement.recommendations[0];
  EXPECT_EQ(given.evidence.count, 300);
  EXPECT_EQ(given.evidence.sum_ns, 1'000'000);
  EXPECT_EQ(given.gain.ns_per_second, 100'000);
  EXPECT_THAT(given.evidence.sentences, ElementsAre("seen", "also seen"));
  EXPECT_EQ(given.evidence.end_mono_ns, kExampleBeginNs + kExampleWindowNs + 5);
  EXPECT_EQ(given.cpus, (CpuList{2, 3, 5}));
  EXPECT_EQ(given.evidence.values.at("cpus"), "2-3,5");
  EXPECT_EQ(given.proof.query, "hftmon irqs --cpus 2-3,5 --for 5s");
  EXPECT_DOUBLE_EQ(given.proof.value_now.value(), 30);
}

TEST(RecommendTest, TheProofsFigureNowIsOverWhatTheSumsSpan) {
  Fact fact = ExampleFact("irq-on-watched-core");
  fact.evidence.span_ns = kExampleWindowNs / 2;
  const Judgement judgement = JudgeAll({fact});
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_DOUBLE_EQ(judgement.recommendations[0].proof.value_now.value(), 58);
}

TEST(RecommendTest, AConvoyYieldsToAnInversionAtTheSameLockAlone) {
  const Fact inversion = ExampleFact("inversion-without-pi");
  const Fact convoy = ExampleFact("futex-convoy", {{kLockAddress, 0x7f00'1000}});
  EXPECT_THAT(IdsOf(JudgeAll({convoy, inversion})), ElementsAre("inversion-without-pi/tid=4712,lock_address=0x7f001000"));
  EXPECT_EQ(JudgeAll({ExampleFact("futex-convoy"), inversion}).recommendations.size(), 2u);
  EXPECT_THAT(IdsOf(JudgeAll({convoy})), ElementsAre("futex-convoy/pid=4711,lock_address=0x7f001000"));
}

TEST(RecommendTest, SettingsAreAdviceInAnAuditOrBesideWhatIsMeasured) {
  const Fact setting = ExampleFact("audit-nohz-full");
  EXPECT_THAT(IdsOf(JudgeAll({setting})), IsEmpty());
  EXPECT_THAT(IdsOf(JudgeAll({setting}, {.audit = true})), ElementsAre("audit-nohz-full"));
  const Judgement beside = JudgeAll({setting, ExampleFact("tick-on-isolated")});
  ASSERT_THAT(IdsOf(beside), ElementsAre("tick-on-isolated/cpu=2", "audit-nohz-full"));
  EXPECT_THAT(beside.recommendations[1].corroborated_by, ElementsAre("tick-on-isolated"));
  EXPECT_GT(beside.recommendations[1].confidence.value, JudgeAll({setting}, {.audit = true}).recommendations[0].confidence.value);
}

TEST(RecommendTest, ASettingWhoseCommandIsMeasuredAdviceIsThatAdvice) {
  const Fact stall = FactOf(Example("thp-or-compaction-stall", "HugePages"));
  const Judgement judgement = JudgeAll({ExampleFact("audit-thp-always"), stall}, {.audit = true});
  ASSERT_THAT(IdsOf(judgement), ElementsAre("thp-or-compaction-stall/tid=4712,stall=compaction"));
  EXPECT_THAT(judgement.recommendations[0].corroborated_by, ElementsAre("audit-thp-always"));
}

TEST(RecommendTest, TheLargestGainStandsFirst) {
  const Judgement judgement = JudgeAll({ExampleFact("irq-on-watched-core"), ExampleFact("migrations"), ExampleFact("major-faults-no-mlock"),
                                        ExampleFact("memory-on-wrong-node")});
  EXPECT_THAT(IdsOf(judgement), ElementsAre("major-faults-no-mlock/tid=4712", "irq-on-watched-core/irq=25",
                                            "memory-on-wrong-node/pid=4711,from_node=1,to_node=0", "migrations/tid=4712"));
}

TEST(RecommendTest, WhatIsNotSureEnoughIsNotJudged) {
  Fact fact = ExampleFact("rt-throttled");
  fact.quality = {.lost_records = true};
  const Judgement judgement = JudgeAll({fact});
  EXPECT_THAT(IdsOf(judgement), IsEmpty());
  ASSERT_EQ(judgement.not_judged.size(), 1u);
  EXPECT_EQ(judgement.not_judged[0].rule, "rt-throttled");
  EXPECT_THAT(judgement.not_judged[0].reason, HasSubstr("rt-throttled/tid=4712 was seen and is not sure enough (0.11, wanted 0.20): "));
  EXPECT_THAT(judgement.not_judged[0].reason, HasSubstr("of 1 events"));
  EXPECT_EQ(JudgeAll({fact}, {.confidence_min = 0.1}).recommendations.size(), 1u);
}

TEST(RecommendTest, WhatCouldNotBeLookedForIsNamedForEachRuleThatItConcerns) {
  JudgeWindow window = ExampleWindow();
  window.missing = {
      {.kind = FactKind::kCounterRate, .reason = "this CPU has no PMU"},
      {.kind = FactKind::kHardware, .where = {{kSource, "smi"}}, .reason = "no SMI counter"},
      {.kind = FactKind::kKernelStall, .reason = "no probe group memory for 4711", .mend = "hftmon attach 4711 --probes memory"},
      {.kind = FactKind::kHostSetting, .reason = "sysctls are not readable"}};
  const Judgement judgement = JudgeAll({}, {}, window);
  ASSERT_EQ(judgement.not_judged.size(), 4u);
  EXPECT_EQ(judgement.not_judged[0].rule, "thp-or-compaction-stall");
  EXPECT_EQ(judgement.not_judged[0].mend, "hftmon attach 4711 --probes memory");
  EXPECT_EQ(judgement.not_judged[1].rule, "huge-page-collapse");
  EXPECT_EQ(judgement.not_judged[2].rule, "smi");
  EXPECT_EQ(judgement.not_judged[2].mend, "") << "nobody knows one, and attaching would not help";
  EXPECT_EQ(judgement.not_judged[3].rule, "cache-hit-low");
  EXPECT_EQ(judgement.not_judged[3].reason, "this CPU has no PMU");
  EXPECT_GT(JudgeAll({}, {.audit = true}, window).not_judged.size(), 4u);
  EXPECT_EQ(JudgeAll({}, {.rules = {"smi"}}, window).not_judged.size(), 1u);
}

TEST(RecommendTest, LostRecordsMakeSilenceNoProof) {
  JudgeWindow window = ExampleWindow();
  window.lost_records = 7;
  const Judgement judgement = JudgeAll({ExampleFact("futex-convoy")}, {}, window);
  size_t lost = 0;
  for (const NotJudged& not_judged : judgement.not_judged) {
    EXPECT_THAT(not_judged.reason, HasSubstr("7 records were lost"));
    EXPECT_NE(not_judged.rule, "futex-convoy");
    EXPECT_NE(not_judged.rule, "tlb-shootdowns");
    lost += not_judged.rule == "fifo-shares-core";
  }
  EXPECT_EQ(lost, 1u);
}

TEST(RecommendTest, AnEmptyWindowJudgesNothingThatIsMeasured) {
  const Judgement judgement = JudgeAll({ExampleFact("migrations")}, {}, {});
  EXPECT_THAT(IdsOf(judgement), IsEmpty());
  ASSERT_FALSE(judgement.not_judged.empty());
  EXPECT_THAT(judgement.not_judged[0].reason, HasSubstr("the window is empty"));
}

TEST(RecommendTest, FactsAgainstTheSchemaAreCounted) {
  const Judgement judgement =
      JudgeAll({Without(ExampleFact("migrations"), kBound), ExampleFact("migrations"), ExampleFact("migrations", {{kIrq, 3}})});
  EXPECT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.facts_refused, 2u);
  EXPECT_THAT(judgement.first_refusal, HasSubstr("migrations: bound is required"));
}

TEST(RecommendTest, WhatDoesNotFitIsCounted) {
  std::vector<Fact> facts;
  for (int irq = 0; irq < 300; ++irq) facts.push_back(ExampleFact("irq-on-watched-core", {{kIrq, irq}, {kSumNs, 1'000'000 + 100 * irq}}));
  const Judgement judgement = JudgeAll(facts);
  EXPECT_EQ(judgement.recommendations.size(), kRecommendationsMax);
  EXPECT_EQ(judgement.recommendations_left_out, 44u);
  EXPECT_EQ(judgement.recommendations[0].id, "irq-on-watched-core/irq=299");
}

TEST(RecommendTest, FactsBeyondTheBoundAreCounted) {
  const std::vector<Fact> facts(kFactsMax + 3, Fact{.kind = FactKind::kHostSetting, .values = {{kSetting, "other"}}});
  EXPECT_EQ(JudgeAll(facts).facts_left_out, 3u);
}

TEST(RecommendTest, AWithheldCommandIsReplacedAndSaysWhy) {
  const Fact fact = With(FactOf(Example("softirq-on-core", "Steer")), {{kInterface, "eth0; reboot"}});
  const Judgement judgement = JudgeAll({fact});
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  const Action& action = judgement.recommendations[0].action;
  EXPECT_EQ(action.command, "");
  EXPECT_EQ(action.undo, "");
  EXPECT_THAT(action.withheld, HasSubstr("interface holds characters that a shell could take"));
  EXPECT_THAT(action.code_hint, HasSubstr("move the interrupt that raises NET_RX"));
}

TEST(RecommendTest, WithoutTheOldValueThereIsNoUndoAndNoCommand) {
  const Judgement judgement = JudgeAll({Without(ExampleFact("fifo-shares-core"), kOldAffinity)});
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].action.command, "");
  EXPECT_THAT(judgement.recommendations[0].action.withheld, HasSubstr("old_affinity is not known"));
  EXPECT_THAT(judgement.recommendations[0].action.code_hint, HasSubstr("chrt -p"));
}

// What a refused write means, and that numbers of lines are of this boot, is told with and without irqbalance.
TEST(RecommendTest, MovingALineTellsOfManagedOnesAndOfTheNextBoot) {
  for (const int64_t irqbalance : {0, 1}) {
    const Judgement judgement = JudgeAll({ExampleFact("irq-on-watched-core", {{kIrqbalance, irqbalance}})});
    ASSERT_EQ(judgement.recommendations.size(), 1u);
    EXPECT_NE(judgement.recommendations[0].action.risk_text.find("is managed by its driver"), std::string::npos);
    EXPECT_NE(judgement.recommendations[0].action.risk_text.find("boot"), std::string::npos);
  }
}

TEST(RecommendTest, WhatElseFitsIsAnAlternative) {
  const Judgement judgement = JudgeAll({ExampleFact("busy-sibling")});
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  ASSERT_EQ(judgement.recommendations[0].alternatives.size(), 2u);
  EXPECT_EQ(judgement.recommendations[0].alternatives[0].command, "echo 0 > /sys/devices/system/cpu/cpu6/online");
}

}  // namespace
}  // namespace hftmon
