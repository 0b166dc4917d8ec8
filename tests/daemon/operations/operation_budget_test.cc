#include "daemon/operations/operation_budget.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/daemon/operations/made_stall.h"

namespace hftmon {
namespace {

constexpr int64_t kBegin = 1'000'000'000;

Spike SpikeOf(int64_t duration_ns, int64_t usual_ns) {
  Spike spike{};
  spike.kind = SpikeKind::kOperation;
  spike.start_mono_ns = kBegin;
  spike.duration_ns = duration_ns;
  spike.mark.known = true;
  spike.mark.usual_ns = usual_ns;
  return spike;
}

Spike Budget(const std::vector<Stall>& stalls, int64_t duration_ns, int64_t usual_ns, const ShortStallsOf& short_stalls = {}) {
  Spike spike = SpikeOf(duration_ns, usual_ns);
  const std::vector<const Stall*> outer = OuterStallsWithin(stalls, kBegin, kBegin + duration_ns);
  FillOperationBudget(outer, short_stalls, &spike);
  return spike;
}

void ExpectExact(const Spike& spike) {
  int64_t sum_ns = spike.unexplained_ns;
  EXPECT_GE(spike.unexplained_ns, 0);
  EXPECT_LE(spike.cause_count, kCausesMax);
  for (size_t i = 0; i < spike.cause_count; ++i) {
    EXPECT_GT(spike.causes[i].duration_ns, 0);
    if (i > 0) {
      EXPECT_LE(spike.causes[i].duration_ns, spike.causes[i - 1].duration_ns);
    }
    sum_ns += spike.causes[i].duration_ns;
  }
  EXPECT_EQ(sum_ns, spike.duration_ns);
}

int64_t DurationOf(const Spike& spike, CauseKind kind) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < spike.cause_count; ++i) sum_ns += spike.causes[i].kind == kind ? spike.causes[i].duration_ns : 0;
  return sum_ns;
}

TEST(OperationBudgetTest, APreemptionHasItsActorFirstTheUsualTimeIsItsOwnAndTheRestUnexplained) {
  const Spike spike = Budget({MakeStall(SpikeKind::kPreempted, kBegin + 100, 700'000, {ByThread(9, 690'000)})}, 1'000'000, 200'000);
  ExpectExact(spike);
  EXPECT_EQ(spike.causes[0].tid, 9u);
  EXPECT_EQ(spike.causes[0].duration_ns, 690'000);
  EXPECT_EQ(DurationOf(spike, CauseKind::kRunning), 200'000);
  EXPECT_EQ(spike.unexplained_ns, 10'000 + 100'000);
  EXPECT_EQ(spike.mark.stall_count, 1);
  EXPECT_EQ(spike.cpu, 1);
}

TEST(OperationBudgetTest, WhereNothingIsUsualYetAllThatNoStallHadIsItsOwnEstimated) {
  const Spike spike = Budget({}, 40'000, -1);
  ExpectExact(spike);
  EXPECT_EQ(DurationOf(spike, CauseKind::kRunning), 40'000);
  EXPECT_TRUE(spike.causes[0].estimated);
  EXPECT_EQ(spike.cpu, kUnknownCpu);
}

TEST(OperationBudgetTest, OfASleepWithinAFaultTheFaultCounts) {
  const std::vector<Stall> stalls = {
      MakeStall(SpikeKind::kBlocked, kBegin + 20'000, 50'000, {{.kind = CauseKind::kBlocked, .duration_ns = 50'000}}),
      MakeStall(SpikeKind::kFault, kBegin + 10'000, 80'000,
                {{.kind = CauseKind::kFault, .duration_ns = 30'000}, {.kind = CauseKind::kBlocked, .duration_ns = 50'000}})};
  const Spike spike = Budget(stalls, 100'000, 0);
  ExpectExact(spike);
  EXPECT_EQ(spike.mark.stall_count, 1);
  EXPECT_EQ(DurationOf(spike, CauseKind::kBlocked), 50'000);
  EXPECT_EQ(DurationOf(spike, CauseKind::kFault), 30'000);
}

TEST(OperationBudgetTest, AStretchThatWasToldTwiceCountsOnceTheLongerOne) {
  const std::vector<Stall> stalls = {
      MakeStall(SpikeKind::kInterrupted, kBegin + 10, 5'000, {{.kind = CauseKind::kSoftirq, .duration_ns = 5'000}}),
      MakeStall(SpikeKind::kInterrupted, kBegin + 10, 9'000, {{.kind = CauseKind::kSoftirq, .duration_ns = 9'000}})};
  const Spike spike = Budget(stalls, 20'000, 0);
  EXPECT_EQ(DurationOf(spike, CauseKind::kSoftirq), 9'000);
}

TEST(OperationBudgetTest, AStallOfBeforeOrAfterIsNoneOfIts) {
  const std::vector<Stall> stalls = {MakeStall(SpikeKind::kPreempted, kBegin - 10'000, 12'000, {ByThread(1, 12'000)}),
                                     MakeStall(SpikeKind::kPreempted, kBegin + 99'000, 8'000, {ByThread(2, 8'000)})};
  const Spike spike = Budget(stalls, 100'000, 100'000);
  EXPECT_EQ(spike.mark.stall_count, 0);
  EXPECT_EQ(DurationOf(spike, CauseKind::kThread), 0);
}

TEST(OperationBudgetTest, StallsThatClaimMoreThanThereIsLoseIt) {
  const Spike spike = Budget({MakeStall(SpikeKind::kPreempted, kBegin, 100'400, {ByThread(1, 100'300)})}, 100'000, 50'000);
  ExpectExact(spike);
  EXPECT_EQ(DurationOf(spike, CauseKind::kThread), 100'000);
  EXPECT_EQ(DurationOf(spike, CauseKind::kRunning), 0);
}

TEST(OperationBudgetTest, OneActorOfManyStallsIsOneCause) {
  std::vector<Stall> stalls;
  for (int i = 0; i < 50; ++i) stalls.push_back(MakeStall(SpikeKind::kPreempted, kBegin + i * 1'000, 500, {ByThread(7, 500)}));
  const Spike spike = Budget(stalls, 100'000, 0);
  ExpectExact(spike);
  EXPECT_EQ(spike.causes[0].duration_ns, 25'000);
  EXPECT_EQ(spike.causes[0].run_count, 50);
  EXPECT_EQ(spike.mark.stall_count, 50);
}

TEST(OperationBudgetTest, ActorsBeyondThePlacesAreOneOfTheirKind) {
  std::vector<Stall> stalls;
  for (uint32_t i = 0; i < 40; ++i) {
    stalls.push_back(MakeStall(SpikeKind::kPreempted, kBegin + i * 2'000, 1'000 + i, {ByThread(100 + i, 1'000 + i)}));
  }
  const Spike spike = Budget(stalls, 200'000, 1'000);
  ExpectExact(spike);
  EXPECT_EQ(DurationOf(spike, CauseKind::kThread), 40 * 1'000 + 39 * 40 / 2);
  EXPECT_EQ(DurationOf(spike, CauseKind::kRunning), 1'000) << "a kind that stands alone keeps its place";
}

TEST(OperationBudgetTest, ShortStallsHaveWhatWouldBeUnexplainedAndNoMore) {
  int64_t asked_ns = 0;
  const Spike spike = Budget({}, 100'000, 10'000, [&](int64_t limit_ns) {
    asked_ns = limit_ns;
    return ShortStallCauses{.causes = {{.kind = CauseKind::kFault, .estimated = true, .duration_ns = 80'000},
                                       {.kind = CauseKind::kSoftirq, .estimated = true, .others = true, .duration_ns = 80'000}}};
  });
  ExpectExact(spike);
  EXPECT_EQ(asked_ns, 90'000);
  EXPECT_EQ(DurationOf(spike, CauseKind::kFault), 80'000);
  EXPECT_EQ(DurationOf(spike, CauseKind::kSoftirq), 10'000);
  EXPECT_EQ(spike.unexplained_ns, 0);
}

TEST(OperationBudgetTest, WhereNothingIsUsualYetShortStallsHaveTheirsFirst) {
  const Spike spike = Budget({}, 100'000, -1, [](int64_t) {
    return ShortStallCauses{.causes = {{.kind = CauseKind::kFault, .estimated = true, .duration_ns = 80'000}}};
  });
  ExpectExact(spike);
  EXPECT_EQ(spike.causes[0].kind, CauseKind::kFault);
  EXPECT_EQ(DurationOf(spike, CauseKind::kRunning), 20'000);
  EXPECT_EQ(spike.unexplained_ns, 0);
}

TEST(OperationBudgetTest, WhereShortStallsMayHaveHadMostOfItItIsInconclusive) {
  const auto too_far_apart = [](int64_t) { return ShortStallCauses{.causes = {}, .looks_apart_ns = 9'000'000}; };
  const Spike alone = Budget({}, 100'000, 10'000, too_far_apart);
  ExpectExact(alone);
  EXPECT_EQ(alone.unexplained_ns, 90'000);
  EXPECT_TRUE(alone.inconclusive);
  EXPECT_EQ(alone.mark.looks_apart_ns, 9'000'000);
  const Stall sleep = MakeStall(SpikeKind::kBlocked, kBegin + 5'000, 60'000, {{.kind = CauseKind::kBlocked, .duration_ns = 60'000}});
  const Spike explained = Budget({sleep}, 100'000, 10'000, too_far_apart);
  EXPECT_FALSE(explained.inconclusive) << "a stall with a record has most of it";
  EXPECT_EQ(explained.mark.looks_apart_ns, 0);
}

TEST(OperationBudgetTest, WhateverComesInTheSumsAreExact) {
  std::mt19937 random(4711);
  const auto below = [&random](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Stall> stalls;
    const int64_t count = below(60);
    for (int64_t i = 0; i < count; ++i) {
      Stall stall = MakeStall(static_cast<SpikeKind>(below(9)), kBegin + below(120'000) - 10'000, 0, {});
      for (int64_t c = below(4); c > 0; --c) {
        stall.causes[stall.cause_count++] = {.kind = static_cast<CauseKind>(below(13)),
                                             .run_count = 1,
                                             .tid = static_cast<uint32_t>(below(30)),
                                             .syscall = static_cast<int32_t>(below(20)) - 2,
                                             .duration_ns = below(9'000)};
        stall.duration_ns += stall.causes[stall.cause_count - 1].duration_ns;
      }
      stall.unexplained_ns = below(3'000);
      stall.duration_ns += stall.unexplained_ns;
      stalls.push_back(stall);
    }
    ExpectExact(Budget(stalls, 1 + below(100'000), below(50'000) - 1));
    if (HasFailure()) FAIL() << "in round " << round;
  }
}

}  // namespace
}  // namespace hftmon
