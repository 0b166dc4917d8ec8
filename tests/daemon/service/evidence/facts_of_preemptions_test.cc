#include "daemon/service/evidence/facts_of_preemptions.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The preemptor is real time, the victim ordinary.
Spike PreemptedBy(uint64_t id, uint32_t tid, uint32_t tgid, int64_t duration_ns) {
  Cause cause{.kind = CauseKind::kThread, .cpu = 2, .run_count = 1, .tid = tid, .tgid = tgid, .duration_ns = duration_ns};
  Spike spike = TestSpike(id, SpikeKind::kPreempted, duration_ns, cause);
  spike.preemption = {
      .known = true, .victim_priority = 120, .preemptor_priority = 50, .preemptor_policy = 1, .preemptor_tid = tid, .preemptor_tgid = tgid};
  return spike;
}

std::vector<Fact> FactsOf(int count, uint32_t tid, uint32_t tgid) {
  PreemptionFacts producer;
  for (int i = 1; i <= count; ++i) producer.Add(PreemptedBy(static_cast<uint64_t>(i), tid, tgid, 100'000 * i));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  return facts;
}

TEST(PreemptionFactsTest, ARealTimePreemptorIsToldWithItsNumbers) {
  const std::vector<Fact> facts = FactsOf(3, 55, 50);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 600'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kLongestNs, -1), 300'000);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kReason)), "real_time");
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kActorKind)), "user");
  EXPECT_EQ(std::get<CpuList>(*ValueOf(facts[0], FactField::kSpareCpus)), (CpuList{0, 1, 3}));
  EXPECT_THAT(facts[0].evidence.spike_ids, ElementsAre(3, 2, 1));
}

TEST(PreemptionFactsTest, ItsAdviceMovesThePreemptorAndBack) {
  const Judgement judgement = JudgeFacts(FactsOf(3, 55, 50));
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "fifo-shares-core");
  EXPECT_EQ(judgement.recommendations[0].action.command, "taskset -pc 0-1,3 55");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "taskset -pc 0-3 55");
}

TEST(PreemptionFactsTest, OneShortPreemptionIsNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(1, 55, 50)), IsEmpty());
}

TEST(PreemptionFactsTest, TheDaemonsOwnThreadsAreToldAsItsOwn) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(3, 78, 77)), ElementsAre("own-daemon-on-core"));
}

TEST(PreemptionFactsTest, KernelThreadsAreNoUsers) {
  const std::vector<Fact> facts = FactsOf(3, 20, 20);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kActorKind)), "kernel_thread");
}

TEST(PreemptionFactsTest, IdleIsNobody) {
  EXPECT_THAT(FactsOf(3, 0, 0), IsEmpty());
}

TEST(PreemptionFactsTest, AReasonIsOfItsOwnPreemptorAlone) {
  PreemptionFacts producer;
  Spike spike = PreemptedBy(1, 55, 50, 100'000);
  spike.preemption.preemptor_tid = 56;
  producer.Add(spike);
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kReason).has_value());
}

}  // namespace
}  // namespace hftmon
