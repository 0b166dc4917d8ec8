#include "daemon/analysis/time_budget.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/daemon/analysis/interval_maker.h"

namespace hftmon {
namespace {

Spike BudgetOf(const OffCpuInterval& interval, SpikeKind kind = SpikeKind::kPreempted) {
  Spike spike;
  spike.kind = kind;
  FillTimeBudget(interval, &spike);
  return spike;
}

// The invariant of a spike; every test ends with it.
void ExpectPartition(const Spike& spike) {
  ASSERT_LE(spike.cause_count, kCausesMax);
  int64_t sum_ns = spike.unexplained_ns;
  EXPECT_GE(spike.unexplained_ns, 0);
  for (int i = 0; i < spike.cause_count; ++i) {
    const Cause& cause = spike.causes[static_cast<size_t>(i)];
    EXPECT_GT(cause.duration_ns, 0);
    if (i > 0) {
      EXPECT_LE(cause.duration_ns, spike.causes[static_cast<size_t>(i) - 1].duration_ns) << "causes stand largest first";
    }
    sum_ns += cause.duration_ns;
  }
  EXPECT_EQ(sum_ns, spike.duration_ns);
}

const Cause* Find(const Spike& spike, CauseKind kind, uint32_t tid = 0) {
  for (size_t i = 0; i < spike.cause_count; ++i) {
    if (spike.causes[i].kind == kind && spike.causes[i].tid == tid) return &spike.causes[i];
  }
  return nullptr;
}

TEST(TimeBudgetTest, RunnersOfTheWaitAreItsActorsWithTheirTimesSummed) {
  OffCpuInterval interval = MakeInterval(100);
  AddSegment(interval, 1, 100, {Ran(501, 30), Ran(502, 40), Ran(501, 30)});
  interval.prev_tid = 501;
  std::strcpy(interval.prev_comm, "stress");
  const Spike spike = BudgetOf(interval);
  ASSERT_EQ(spike.cause_count, 2);
  EXPECT_EQ(spike.causes[0].tid, 501u);
  EXPECT_EQ(spike.causes[0].tgid, 500u);
  EXPECT_EQ(spike.causes[0].duration_ns, 60);
  EXPECT_EQ(spike.causes[0].run_count, 2);
  EXPECT_EQ(spike.causes[0].cpu, 1);
  EXPECT_STREQ(spike.causes[0].comm, "stress");
  EXPECT_EQ(spike.causes[1].tid, 502u);
  EXPECT_EQ(spike.causes[1].duration_ns, 40);
  EXPECT_STREQ(spike.causes[1].comm, "");
  EXPECT_EQ(spike.unexplained_ns, 0);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, TheIdleTaskIsWakingAndNobodysFault) {
  OffCpuInterval interval = MakeInterval(50, HFT_SWITCH_BLOCKED_SYSCALL);
  AddSegment(interval, 1, 50, {Ran(0, 50)});
  const Spike spike = BudgetOf(interval, SpikeKind::kRunQueue);
  ASSERT_EQ(spike.cause_count, 1);
  EXPECT_EQ(spike.causes[0].kind, CauseKind::kWaking);
  EXPECT_EQ(spike.causes[0].run_count, 0);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, WhatNoSpanCoversIsUnexplained) {
  OffCpuInterval interval = MakeInterval(100);
  AddSegment(interval, 1, 100, {Ran(501, 30)});
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(spike.unexplained_ns, 70);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, AnIntervalWithoutSegmentsIsUnexplainedWhole) {
  const Spike spike = BudgetOf(MakeInterval(100));
  EXPECT_EQ(spike.cause_count, 0);
  EXPECT_EQ(spike.unexplained_ns, 100);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, TheTimeBetweenTwoQueuesIsMigrating) {
  OffCpuInterval interval = MakeInterval(100);
  interval.wait_migrations = 1;
  AddSegment(interval, 0, 40, {Ran(501, 40)});
  AddSegment(interval, 1, 50, {Ran(501, 20), Ran(502, 25)});
  const Spike spike = BudgetOf(interval);
  const Cause* actor = Find(spike, CauseKind::kThread, 501);
  ASSERT_NE(actor, nullptr);
  EXPECT_EQ(actor->duration_ns, 60);
  EXPECT_EQ(actor->cpu, 0) << "where its longest part happened";
  ASSERT_NE(Find(spike, CauseKind::kMigrating), nullptr);
  EXPECT_EQ(Find(spike, CauseKind::kMigrating)->duration_ns, 10);
  EXPECT_EQ(spike.unexplained_ns, 5);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, WithAnUnknownCpuInTheWaitNothingIsCalledMigrating) {
  OffCpuInterval interval = MakeInterval(100);
  interval.wait_migrations = 2;
  AddSegment(interval, 0, 40, {Ran(501, 40)});
  AddSegment(interval, 1, 30, {Ran(501, 30)});
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(Find(spike, CauseKind::kMigrating), nullptr);
  EXPECT_EQ(spike.unexplained_ns, 30);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, TheWaiterItselfIsNeverAnActor) {
  OffCpuInterval interval = MakeInterval(100);
  AddSegment(interval, 1, 100, {Ran(kWaiter, 2), Ran(501, 90), Ran(kWaiter, 8)});
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(Find(spike, CauseKind::kThread, kWaiter), nullptr);
  ASSERT_NE(Find(spike, CauseKind::kWaking), nullptr);
  EXPECT_EQ(Find(spike, CauseKind::kWaking)->duration_ns, 2) << "at the very beginning it is the scheduler's own way";
  EXPECT_EQ(spike.unexplained_ns, 8) << "later it contradicts the wait";
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, ABlockedSpikeIsTheSleepAndTheWaitAfterIt) {
  OffCpuInterval interval = MakeInterval(100, HFT_SWITCH_BLOCKED_SYSCALL);
  interval.off_cpu_ns = 1000;
  interval.out_cpu = 3;
  interval.out_syscall = 202;
  AddSegment(interval, 1, 100, {Ran(501, 100)});
  const Spike spike = BudgetOf(interval, SpikeKind::kBlocked);
  EXPECT_EQ(spike.duration_ns, 1000);
  ASSERT_EQ(spike.cause_count, 2);
  EXPECT_EQ(spike.causes[0].kind, CauseKind::kBlocked);
  EXPECT_EQ(spike.causes[0].duration_ns, 900);
  EXPECT_EQ(spike.causes[0].syscall, 202);
  EXPECT_EQ(spike.causes[0].cpu, 3);
  EXPECT_EQ(spike.causes[1].tid, 501u);
  EXPECT_EQ(spike.causes[1].syscall, -1);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, ActorsBeyondTheBoundAreSummedAsOthers) {
  OffCpuInterval interval = MakeInterval(10'000);
  std::vector<RunnerSpan> spans = {Ran(0, 7)};
  int64_t sum_ns = 7;
  for (uint32_t i = 1; i <= 20; ++i) {
    spans.push_back(Ran(500 + i, 10 * i));
    sum_ns += 10 * i;
  }
  AddSegment(interval, 1, 10'000, spans);
  const Spike spike = BudgetOf(interval);
  ASSERT_EQ(spike.cause_count, kCausesMax);
  int others_count = 0;
  for (size_t i = 0; i < spike.cause_count; ++i) {
    if (!spike.causes[i].others) continue;
    ++others_count;
    EXPECT_EQ(spike.causes[i].duration_ns, 10 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10));
    EXPECT_EQ(spike.causes[i].run_count, 10);
    EXPECT_EQ(spike.causes[i].tid, 0u);
  }
  EXPECT_EQ(others_count, 1);
  ASSERT_NE(Find(spike, CauseKind::kWaking), nullptr) << "what is no thread keeps a place of its own, however small";
  EXPECT_NE(Find(spike, CauseKind::kThread, 520), nullptr);
  EXPECT_NE(Find(spike, CauseKind::kThread, 511), nullptr);
  EXPECT_EQ(spike.unexplained_ns, 10'000 - sum_ns);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, ExactlyAsManyActorsAsThereArePlacesAreAllNamed) {
  OffCpuInterval interval = MakeInterval(1000);
  std::vector<RunnerSpan> spans;
  for (uint32_t i = 0; i < kCausesMax; ++i) spans.push_back(Ran(500 + i, 10));
  AddSegment(interval, 1, 1000, spans);
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(spike.cause_count, kCausesMax);
  for (size_t i = 0; i < kCausesMax; ++i) EXPECT_FALSE(spike.causes[i].others);
  ExpectPartition(spike);
}

TEST(TimeBudgetTest, SpansThatClaimMoreThanTheWaitAreCutOff) {
  OffCpuInterval interval = MakeInterval(100);
  AddSegment(interval, 1, 100, {Ran(501, 90), Ran(502, 90)});
  AddSegment(interval, 1, 100, {Ran(503, 90)});
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(Find(spike, CauseKind::kThread, 501)->duration_ns, 90);
  EXPECT_EQ(Find(spike, CauseKind::kThread, 502)->duration_ns, 10);
  EXPECT_EQ(Find(spike, CauseKind::kThread, 503), nullptr);
  ExpectPartition(spike);
}

// Durations and indices of every sign and size, including the extremes.
int64_t HostileDuration(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return INT64_MAX;
    case 1:
      return INT64_MIN;
    case 2:
      return -1;
    case 3:
      return 0;
    case 4:
      return static_cast<int64_t>(random());
    default:
      return static_cast<int64_t>(random() % 10'000);
  }
}

TEST(TimeBudgetTest, WhateverTheIntervalClaimsTheBudgetSumsExactly) {
  std::mt19937_64 random(51);
  const uint64_t tids[] = {0, kWaiter, 501, 502, 503};
  for (int round = 0; round < 200'000; ++round) {
    OffCpuInterval interval = MakeInterval(HostileDuration(random));
    interval.off_cpu_ns = HostileDuration(random);
    interval.segment_count = static_cast<uint8_t>(random() % 4 == 0 ? random() : random() % 5);
    interval.span_count = static_cast<uint16_t>(random() % 4 == 0 ? random() : random() % 73);
    interval.wait_migrations = static_cast<uint8_t>(random() % 3 == 0 ? random() : random() % 5);
    for (WaitSegment& segment : interval.segments) {
      const bool wild = random() % 8 == 0;
      segment = {.cpu = static_cast<uint16_t>(random()),
                 .first_span = static_cast<uint16_t>(wild ? random() : random() % 80),
                 .span_count = static_cast<uint16_t>(wild ? random() : random() % 80),
                 .wait_ns = HostileDuration(random)};
    }
    const bool many = random() % 2 == 0;
    for (RunnerSpan& span : interval.spans) {
      span = Ran(static_cast<uint32_t>(many ? random() % 100 : tids[random() % 5]), HostileDuration(random));
    }
    for (const SpikeKind kind : {SpikeKind::kPreempted, SpikeKind::kRunQueue, SpikeKind::kBlocked}) {
      const Spike spike = BudgetOf(interval, kind);
      const int64_t claimed_ns = kind == SpikeKind::kBlocked ? interval.off_cpu_ns : interval.wait_ns;
      EXPECT_EQ(spike.duration_ns, std::max<int64_t>(claimed_ns, 0));
      ExpectPartition(spike);
      EXPECT_EQ(Find(spike, CauseKind::kThread, kWaiter), nullptr);
      ASSERT_FALSE(HasFailure()) << "round " << round;
    }
  }
}

TEST(TimeBudgetTest, AgreesWithASimplePartitionOfWellFormedWaits) {
  std::mt19937_64 random(52);
  for (int round = 0; round < 20'000; ++round) {
    OffCpuInterval interval = MakeInterval(0);
    std::map<uint32_t, int64_t> expected_ns;
    int64_t gap_ns = 0;
    const size_t segment_count = 1 + random() % kWaitSegmentsMax;
    interval.wait_migrations = static_cast<uint8_t>(segment_count - 1);
    int64_t wait_ns = 0;
    for (size_t s = 0; s < segment_count; ++s) {
      std::vector<RunnerSpan> spans;
      int64_t segment_ns = static_cast<int64_t>(random() % 50);
      gap_ns += segment_ns;
      for (uint64_t i = random() % 6; i > 0; --i) {
        spans.push_back(Ran(static_cast<uint32_t>(random() % 3 == 0 ? 0 : 500 + random() % 6), static_cast<int64_t>(1 + random() % 1000)));
        segment_ns += spans.back().duration_ns;
        expected_ns[spans.back().tid] += spans.back().duration_ns;
      }
      AddSegment(interval, static_cast<uint16_t>(s), segment_ns, spans);
      wait_ns += segment_ns;
    }
    const int64_t between_ns = segment_count > 1 ? static_cast<int64_t>(random() % 100) : 0;
    interval.wait_ns = wait_ns + between_ns;
    const Spike spike = BudgetOf(interval);
    ExpectPartition(spike);
    EXPECT_EQ(spike.unexplained_ns, gap_ns);
    std::map<uint32_t, int64_t> found_ns;
    int64_t migrating_ns = 0;
    for (size_t i = 0; i < spike.cause_count; ++i) {
      const Cause& cause = spike.causes[i];
      (cause.kind == CauseKind::kMigrating ? migrating_ns : found_ns[cause.tid]) += cause.duration_ns;
    }
    EXPECT_EQ(found_ns, expected_ns);
    EXPECT_EQ(migrating_ns, between_ns);
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

}  // namespace
}  // namespace hftmon
