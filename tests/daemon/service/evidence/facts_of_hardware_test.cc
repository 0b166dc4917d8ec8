#include "daemon/service/evidence/facts_of_hardware.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Spike WaitOf(uint64_t id, int64_t duration_ns) {
  return TestSpike(id, SpikeKind::kRunQueue, duration_ns, {.kind = CauseKind::kThread, .duration_ns = duration_ns});
}

SnapshotPair Pair(const std::vector<CpuHardwareSums>& before, const std::vector<CpuHardwareSums>& after) {
  const auto snapshot = [](int64_t mono_ns, const std::vector<CpuHardwareSums>& hardware) {
    EvidenceSnapshot made;
    made.mono_ns = mono_ns;
    made.hardware = hardware;
    return std::make_shared<const EvidenceSnapshot>(std::move(made));
  };
  return {.before = snapshot(kBeginNs, before), .after = snapshot(kEndNs, after)};
}

// Facts of `spikes` that all have the same evidence.
std::vector<Fact> FactsOf(const std::optional<HardwareEvidence>& evidence, const std::vector<Spike>& spikes, const SnapshotPair& sums = {},
                          const EvidenceContext& context = TestContext()) {
  HardwareFacts producer([&evidence](const Spike&) { return evidence; });
  for (const Spike& spike : spikes) producer.Add(spike);
  std::vector<Fact> facts;
  producer.ToFacts(context, sums, &facts);
  return facts;
}

HardwareEvidence BusySibling(std::optional<int64_t> busy_ns) {
  HardwareEvidence evidence;
  evidence.siblings.push_back({.cpu = 6, .busy_ns = busy_ns, .tid = 55, .tgid = 54, .actor_ns = busy_ns.value_or(0)});
  return evidence;
}

TEST(HardwareFactsTest, ABusySiblingIsToldWithItsShareAndWhoHadMostOfIt) {
  const std::vector<Fact> facts = FactsOf(BusySibling(30'000), {WaitOf(9, 60'000), WaitOf(8, 40'000)});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 2);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 60'000);
  EXPECT_DOUBLE_EQ(NumberOf(facts[0], FactField::kBusyShare).value_or(-1), 0.6);
  EXPECT_THAT(facts[0].evidence.spike_ids, ElementsAre(9, 8));
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "busy-sibling");
  EXPECT_EQ(judgement.recommendations[0].action.command, "taskset -pc 0-1,3 55");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "taskset -pc 0-3 55");
}

// No command: neither to move it, nor to take its CPU away.
void ExpectNoCommand(const Judgement& judgement) {
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "busy-sibling");
  EXPECT_EQ(judgement.recommendations[0].action.command, "");
  EXPECT_NE(judgement.recommendations[0].action.code_hint, "");
  for (const Action& other : judgement.recommendations[0].alternatives) EXPECT_EQ(other.command, "");
}

TEST(HardwareFactsTest, WhoRunsWhereAWatchedThreadIsBoundIsNotMovedByCommand) {
  EvidenceContext context = TestContext();
  context.bound_cpus.insert(6);
  const std::vector<Fact> facts = FactsOf(BusySibling(30'000), {WaitOf(9, 60'000), WaitOf(8, 40'000)}, {}, context);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSiblingTaken, -1), 1);
  ExpectNoCommand(JudgeFacts(facts));
}

TEST(HardwareFactsTest, TheCpuOfHftmondsOwnLoopIsNotTakenAway) {
  EvidenceContext context = TestContext();
  context.own_pid = 54;
  const std::vector<Fact> facts = FactsOf(BusySibling(30'000), {WaitOf(9, 60'000), WaitOf(8, 40'000)}, {}, context);
  const Judgement judgement = JudgeFacts(facts);
  ExpectNoCommand(judgement);
  EXPECT_THAT(judgement.recommendations[0].action.code_hint, HasSubstr("hftmond"));
}

TEST(HardwareFactsTest, ASiblingOfWhichNothingIsKnownMakesNoFactAndAnIdleOneNoAdvice) {
  EXPECT_THAT(FactsOf(BusySibling(std::nullopt), {WaitOf(9, 60'000)}), IsEmpty());
  EXPECT_THAT(FactsOf(std::nullopt, {WaitOf(9, 60'000)}), IsEmpty());
  const std::vector<Fact> idle = FactsOf(BusySibling(0), {WaitOf(9, 60'000), WaitOf(8, 60'000)});
  EXPECT_EQ(idle.size(), 1u);
  EXPECT_THAT(RulesThatSpeak(idle), IsEmpty());
}

TEST(HardwareFactsTest, ALogThatBeganLaterMakesItTruncated) {
  HardwareEvidence evidence = BusySibling(30'000);
  evidence.siblings[0].truncated = true;
  EXPECT_TRUE(FactsOf(evidence, {WaitOf(9, 60'000)}).at(0).quality.truncated);
}

TEST(HardwareFactsTest, SmisAreThoseOfTheCpuThatCountedMostInTheWindow) {
  const SnapshotPair sums = Pair({{.cpu = 1, .smi_count = 5}, {.cpu = 2, .smi_count = 7}, {.cpu = 3}},
                                 {{.cpu = 1, .smi_count = 6}, {.cpu = 2, .smi_count = 10}, {.cpu = 3, .smi_count = 90}});
  const std::vector<Fact> facts = FactsOf(std::nullopt, {}, sums);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCpu, -1), 2);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("smi"));
}

TEST(HardwareFactsTest, CountsThatStoodStillOrBeganAnewMakeNoFact) {
  EXPECT_THAT(FactsOf(std::nullopt, {}, Pair({{.cpu = 2, .smi_count = 7}}, {{.cpu = 2, .smi_count = 7}})), IsEmpty());
  EXPECT_THAT(FactsOf(std::nullopt, {}, Pair({{.cpu = 2, .smi_count = 7}}, {{.cpu = 2, .smi_count = 1}})), IsEmpty());
}

HardwareEvidence Stolen() {
  HardwareEvidence evidence;
  evidence.steal_ns_max = 40'000;
  return evidence;
}

TEST(HardwareFactsTest, StolenTimeIsTheWindowsOnCpusWhoseSpikesMayHaveSome) {
  const SnapshotPair sums = Pair({{.cpu = 1, .steal_ns = 0}, {.cpu = 2, .steal_ns = 1'000'000}},
                                 {{.cpu = 1, .steal_ns = 9'000'000}, {.cpu = 2, .steal_ns = 5'000'000}});
  const std::vector<Fact> facts = FactsOf(Stolen(), {WaitOf(9, 60'000)}, sums);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCpu, -1), 2);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 4'000'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 1);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("steal"));
}

TEST(HardwareFactsTest, LittleStolenTimeIsNoAdviceAndNoneWithoutASpikeIsNoFact) {
  const SnapshotPair little = Pair({{.cpu = 2, .steal_ns = 0}}, {{.cpu = 2, .steal_ns = 1'999'999}});
  EXPECT_THAT(RulesThatSpeak(FactsOf(Stolen(), {WaitOf(9, 60'000)}, little)), IsEmpty());
  EXPECT_THAT(FactsOf(Stolen(), {}, little), IsEmpty());
}

TEST(HardwareFactsTest, SpikesBeyondTheBoundAreNotAskedFor) {
  size_t asked = 0;
  HardwareFacts producer([&asked](const Spike&) {
    ++asked;
    return std::nullopt;
  });
  for (size_t i = 0; i < HardwareFacts::kSpikesMax + 10; ++i) producer.Add(WaitOf(1, 60'000));
  EXPECT_EQ(asked, HardwareFacts::kSpikesMax);
}

}  // namespace
}  // namespace hftmon
