#include "daemon/service/evidence/facts_of_ticks.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Ticks {
  uint64_t of_cpu = 0;
  uint64_t of_thread = 0;
};

std::shared_ptr<const EvidenceSnapshot> Snapshot(int64_t mono_ns, Ticks ticks) {
  EvidenceSnapshot made;
  made.mono_ns = mono_ns;
  CpuInterruptTotal total{.cpu = 2};
  total.sources[HFT_SOURCE_LOCAL_TIMER] = {.count = ticks.of_cpu, .self_ns = static_cast<int64_t>(ticks.of_cpu) * 2'000};
  made.cpus.push_back(total);
  ThreadInterruptTotal thread{.thread = kWatched};
  thread.sources[HFT_SOURCE_LOCAL_TIMER].count = ticks.of_thread;
  made.threads[kWatched].interrupts = thread;
  return std::make_shared<const EvidenceSnapshot>(std::move(made));
}

EvidenceContext Reserved(const CpuList& allowed) {
  EvidenceContext context = TestContext();
  context.reserved_cpus = {2};
  context.task = [allowed](uint32_t, uint32_t) { return TaskFact{.allowed_cpus = allowed, .flags = 0}; };
  return context;
}

std::vector<Fact> FactsOf(const EvidenceContext& context, Ticks before, Ticks after, const CpuList& nohz_full = {}) {
  std::vector<Fact> facts;
  AddTickFacts(context, {Snapshot(kBeginNs, before), Snapshot(kEndNs, after)}, nohz_full, &facts);
  return facts;
}

TEST(TickFactsTest, TheTickOfACpuThatOneThreadHadIsToldWithItsCount) {
  const std::vector<Fact> facts = FactsOf(Reserved({2}), {.of_cpu = 1'000, .of_thread = 10}, {.of_cpu = 1'500, .of_thread = 500});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 500);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 1'000'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kNohzFull, -1), 0);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "tick-on-isolated");
  EXPECT_EQ(judgement.recommendations[0].action.persist, "kernel command line: nohz_full=2 rcu_nocbs=2");
}

TEST(TickFactsTest, ACpuWithoutATickThatTicksHasAnotherHint) {
  const std::vector<Fact> facts = FactsOf(Reserved({2}), {}, {.of_cpu = 500, .of_thread = 500}, {2});
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kNohzFull, -1), 1);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("tick-on-isolated"));
}

TEST(TickFactsTest, WhereOthersRanTooTheTickIsNeeded) {
  EXPECT_THAT(FactsOf(Reserved({2}), {}, {.of_cpu = 500, .of_thread = 449}), IsEmpty());
  EXPECT_EQ(FactsOf(Reserved({2}), {}, {.of_cpu = 500, .of_thread = 450}).size(), 1u);
}

TEST(TickFactsTest, AThreadOfSeveralCpusTellsNothing) {
  EXPECT_THAT(FactsOf(Reserved({2, 3}), {}, {.of_cpu = 500, .of_thread = 500}), IsEmpty());
}

TEST(TickFactsTest, OrdinaryCpusAreToTick) {
  EvidenceContext context = Reserved({2});
  context.reserved_cpus = {3};
  EXPECT_THAT(FactsOf(context, {}, {.of_cpu = 500, .of_thread = 500}), IsEmpty());
}

TEST(TickFactsTest, CountsOfThreadsGoRoundAndThoseOfCpusThatWentBackMakeNoFact) {
  const std::vector<Fact> facts = FactsOf(Reserved({2}), {.of_cpu = 0, .of_thread = 0xffff'ffff}, {.of_cpu = 500, .of_thread = 499});
  EXPECT_EQ(facts.size(), 1u);
  EXPECT_THAT(FactsOf(Reserved({2}), {.of_cpu = 900, .of_thread = 0}, {.of_cpu = 500, .of_thread = 499}), IsEmpty());
}

TEST(TickFactsTest, WithoutAPairThereIsNothing) {
  std::vector<Fact> facts;
  AddTickFacts(Reserved({2}), {}, {}, &facts);
  EXPECT_THAT(facts, IsEmpty());
}

}  // namespace
}  // namespace hftmon
