#include "daemon/service/evidence/facts_of_waking.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Spike WakingOf(uint64_t id, int64_t waking_ns, CauseKind kind = CauseKind::kWaking) {
  return TestSpike(id, SpikeKind::kRunQueue, waking_ns + 5'000, {.kind = kind, .cpu = 2, .duration_ns = waking_ns});
}

std::shared_ptr<const EvidenceSnapshot> Snapshot(std::vector<uint64_t> idle_counts) {
  EvidenceSnapshot snapshot;
  snapshot.hardware.push_back({.cpu = 2, .idle_counts = std::move(idle_counts)});
  return std::make_shared<const EvidenceSnapshot>(std::move(snapshot));
}

std::vector<IdleState> States(bool disabled = false) {
  return {{.index = 0, .name = "POLL", .target_latency_ns = 0, .disabled = false},
          {.index = 1, .name = "C1", .target_latency_ns = 2'000, .disabled = false},
          {.index = 2, .name = "C6", .target_latency_ns = 133'000, .disabled = disabled}};
}

std::vector<Fact> FactsOf(const std::vector<Spike>& spikes, std::vector<uint64_t> before, std::vector<uint64_t> after,
                          const std::vector<IdleState>& states = States()) {
  WakingFacts producer;
  for (const Spike& spike : spikes) producer.Add(spike);
  std::vector<Fact> facts;
  producer.ToFacts(
      TestContext(), {.before = Snapshot(std::move(before)), .after = Snapshot(std::move(after))}, [&states](int) { return states; },
      &facts);
  return facts;
}

TEST(WakingFactsTest, TheDeepestStateThatTheCpuWasInIsTheAdvices) {
  const std::vector<Fact> facts = FactsOf({WakingOf(9, 90'000), WakingOf(8, 30'000)}, {100, 50, 7}, {150, 80, 62});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 2);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 120'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kDeepIdleCount, -1), 55);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "c-state-exit");
  EXPECT_EQ(judgement.recommendations[0].action.command, "echo 1 > /sys/devices/system/cpu/cpu2/cpuidle/state2/disable");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo 0 > /sys/devices/system/cpu/cpu2/cpuidle/state2/disable");
}

TEST(WakingFactsTest, AStateThatWasNotEnteredInTheWindowIsNoReason) {
  const std::vector<Fact> facts = FactsOf({WakingOf(9, 90'000)}, {100, 50, 7}, {150, 80, 7});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kIdleState)), "C1");
}

TEST(WakingFactsTest, ACpuThatOnlyPolledOrWasNotCountedMakesNoFact) {
  EXPECT_THAT(FactsOf({WakingOf(9, 90'000)}, {100, 50, 7}, {150, 50, 7}), IsEmpty());
  EXPECT_THAT(FactsOf({WakingOf(9, 90'000)}, {}, {150, 50, 7}), IsEmpty());
  EXPECT_THAT(FactsOf({WakingOf(9, 90'000)}, {0, 0, 0}, {0, 0, 3}, {}), IsEmpty());
}

TEST(WakingFactsTest, ShortWakingsAndADisabledStateAreNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf({WakingOf(9, 19'999)}, {0, 0, 0}, {0, 0, 3})), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FactsOf({WakingOf(9, 20'000)}, {0, 0, 0}, {0, 0, 3})), ElementsAre("c-state-exit"));
  EXPECT_THAT(RulesThatSpeak(FactsOf({WakingOf(9, 90'000)}, {0, 0, 0}, {0, 0, 3}, States(true))), IsEmpty());
}

TEST(WakingFactsTest, WaitsForABusyCpuAreNoWakings) {
  EXPECT_THAT(FactsOf({WakingOf(9, 90'000, CauseKind::kThread)}, {0, 0, 0}, {0, 0, 3}), IsEmpty());
}

}  // namespace
}  // namespace hftmon
