#include "daemon/service/evidence/facts_of_preemptions.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A kernel before the fair server.
PreemptionLookups LookupsWith(std::optional<int> priority) {
  return {.priority = [priority](uint32_t, uint32_t) { return priority; },
          .limits = {.rt_runtime_us = 950'000, .can_have_fair_server = false, .group_scheduling = std::nullopt, .fair_runtime_ns = [](int) {
                       return std::nullopt;
                     }}};
}

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
  producer.ToFacts(TestContext(), LookupsWith(std::nullopt), &facts);
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

TEST(PreemptionFactsTest, NobodyIsSentToReservedCpusWhoWasNotPutThere) {
  PreemptionFacts producer;
  for (uint64_t id = 1; id <= 3; ++id) producer.Add(PreemptedBy(id, 55, 50, 100'000));
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2, 3};
  const auto spare = [&] {
    std::vector<Fact> facts;
    producer.ToFacts(context, LookupsWith(std::nullopt), &facts);
    return facts.empty() ? CpuList() : std::get<CpuList>(ValueOf(facts[0], FactField::kSpareCpus).value_or(CpuList()));
  };
  EXPECT_EQ(spare(), (CpuList{0, 1}));
  context.task = [](uint32_t, uint32_t) { return TaskFact{.allowed_cpus = {2}, .flags = 0}; };
  EXPECT_EQ(spare(), (CpuList{3}));
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
  producer.ToFacts(TestContext(), LookupsWith(std::nullopt), &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kReason).has_value());
}

// Woken, 1001 found its CPU taken by 55.
Spike CrowdedBy(uint64_t id, uint32_t tid, uint8_t victim_priority) {
  Spike spike = TestSpike(id, SpikeKind::kRunQueue, 500'000, {.kind = CauseKind::kThread, .tid = tid, .tgid = 50, .duration_ns = 500'000});
  spike.priority = victim_priority;
  return spike;
}

std::vector<std::string> RulesWhere(int actor_priority, uint8_t victim_priority) {
  PreemptionFacts producer;
  for (uint64_t id = 1; id <= 6; ++id) producer.Add(CrowdedBy(id, 55, victim_priority));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), LookupsWith(actor_priority), &facts);
  return RulesThatSpeak(facts);
}

TEST(PreemptionFactsTest, WhoWakesOnATakenCpuWaitsByTheTwoClasses) {
  EXPECT_THAT(RulesWhere(120, 120), ElementsAre("run-queue-crowded"));
  EXPECT_THAT(RulesWhere(50, 120), ElementsAre("fifo-shares-core"));
  EXPECT_THAT(RulesWhere(40, 50), ElementsAre("fifo-shares-core"));
  EXPECT_THAT(RulesWhere(50, 50), ElementsAre("fifo-shares-core"));
  EXPECT_THAT(RulesWhere(60, 50), IsEmpty()) << "it is not because of its priority";
}

TEST(PreemptionFactsTest, OfTwoThatTakeTurnsTheOneThatWaitedLongerIsTold) {
  PreemptionFacts producer;
  for (uint64_t id = 1; id <= 6; ++id) {
    producer.Add(CrowdedBy(id, 55, 120));
    Spike reverse = CrowdedBy(id + 10, kWatched.tid, 120);
    reverse.thread = {.tid = 55, .tgid = 50, .start_ns = 9};
    reverse.causes[0].duration_ns = 400'000;
    producer.Add(reverse);
  }
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), LookupsWith(120), &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].thread->tid, kWatched.tid);
  EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("the other way round it waited 2.4ms"));
}

TEST(PreemptionFactsTest, WhoHadAPartOfAWaitIsToldWithThatPart) {
  PreemptionFacts producer;
  for (uint64_t id = 1; id <= 4; ++id) {
    Spike spike = CrowdedBy(id, 56, 120);
    spike.cause_count = 3;
    spike.causes[1] = {.kind = CauseKind::kThread, .tid = 55, .tgid = 50, .duration_ns = 200'000};
    spike.causes[2] = {.kind = CauseKind::kThread, .tid = 57, .tgid = 50, .duration_ns = 20'000};
    producer.Add(spike);
  }
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), LookupsWith(50), &facts);
  ASSERT_EQ(facts.size(), 2u) << "20 us are nobody's reason";
  EXPECT_EQ(IntegerOr(facts[0], FactField::kActorTid, -1), 55);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 800'000);
  EXPECT_EQ(IntegerOr(facts[1], FactField::kSumNs, -1), 2'000'000);
}

// The thread of priority `victim_priority` lost its CPU to an ordinary one.
Judgement ThrottledWith(const PreemptionLookups& lookups, uint8_t victim_priority, const EvidenceContext& context = TestContext(),
                        uint32_t actor = 55) {
  PreemptionFacts producer;
  Spike spike = PreemptedBy(1, actor, actor == 55 ? 50 : actor, 50'000'000);
  spike.priority = victim_priority;
  spike.preemption.victim_priority = victim_priority;
  spike.preemption.preemptor_priority = 120;
  producer.Add(spike);
  std::vector<Fact> facts;
  producer.ToFacts(context, lookups, &facts);
  return JudgeFacts(facts);
}

TEST(PreemptionFactsTest, ThrottlingIsUndoneToTheLimitThatWas) {
  const Judgement judgement = ThrottledWith(LookupsWith(std::nullopt), 89);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "rt-throttled");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "sysctl -w kernel.sched_rt_runtime_us=950000");
  EXPECT_THAT(judgement.recommendations[0].cause, HasSubstr("kernel.sched_rt_runtime_us) was used up"));
}

TEST(PreemptionFactsTest, TheFairServerIsNotTheLimitAndHasNoCommandOfIt) {
  PreemptionLookups lookups = LookupsWith(std::nullopt);
  lookups.limits.can_have_fair_server = true;
  lookups.limits.group_scheduling = false;
  const Judgement judgement = ThrottledWith(lookups, 89);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_THAT(judgement.recommendations[0].cause, HasSubstr("fair server"));
  EXPECT_THAT(judgement.recommendations[0].cause, HasSubstr("kernel.sched_rt_runtime_us has no part in that"));
  EXPECT_EQ(judgement.recommendations[0].action.command, "");
  lookups.limits.group_scheduling.reset();
  EXPECT_THAT(ThrottledWith(lookups, 89).recommendations.at(0).cause, HasSubstr("which of the two it was cannot be told"));
}

TEST(PreemptionFactsTest, ADeadlineThreadIsStoppedByItsOwnRuntime) {
  const Judgement judgement = ThrottledWith(LookupsWith(std::nullopt), 255);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "rt-throttled");
  EXPECT_THAT(judgement.recommendations[0].cause, HasSubstr("SCHED_DEADLINE"));
  EXPECT_EQ(judgement.recommendations[0].action.command, "");
}

TEST(PreemptionFactsTest, ThatItWasThrottledIsToldWhicheverThreadRanThenOnAReservedCpu) {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2};
  const Judgement judgement = ThrottledWith(LookupsWith(std::nullopt), 89, context, 20);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "rt-throttled");
}

}  // namespace
}  // namespace hftmon
