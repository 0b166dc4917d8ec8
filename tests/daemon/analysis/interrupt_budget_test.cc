// Time budgets in which interrupts have their part.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "daemon/analysis/cause_evidence.h"
#include "daemon/analysis/interrupt_cover.h"
#include "daemon/analysis/time_budget.h"
#include "tests/daemon/analysis/interval_maker.h"

namespace hftmon {
namespace {

InterruptSpan Handler(int64_t start_ns, int64_t duration_ns, int source, uint16_t number = 0) {
  InterruptSpan span;
  span.start_mono_ns = start_ns;
  span.duration_ns = duration_ns;
  span.source = static_cast<hft_interrupt_source>(source);
  span.number = number;
  return span;
}

void Add(InterruptList* list, const InterruptSpan& span) {
  list->spans[list->count++] = span;
}

int64_t OwnNs(const Spike& spike, CauseKind kind, int source = -1) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < spike.cause_count; ++i) {
    if (spike.causes[i].kind == kind && (source < 0 || spike.causes[i].source == source)) sum_ns += spike.causes[i].duration_ns;
  }
  return sum_ns;
}

void ExpectPartition(const Spike& spike) {
  ASSERT_LE(spike.cause_count, kCausesMax);
  int64_t sum_ns = spike.unexplained_ns;
  EXPECT_GE(spike.unexplained_ns, 0);
  for (size_t i = 0; i < spike.cause_count; ++i) {
    EXPECT_GT(spike.causes[i].duration_ns, 0);
    sum_ns += spike.causes[i].duration_ns;
  }
  EXPECT_EQ(sum_ns, spike.duration_ns);
}

Spike BudgetOf(const Interruption& interruption) {
  Spike spike;
  FillInterruptionBudget(interruption, &spike);
  ExpectPartition(spike);
  return spike;
}

Spike BudgetOf(const OffCpuInterval& interval) {
  Spike spike;
  spike.kind = SpikeKind::kPreempted;
  FillTimeBudget(interval, &spike);
  ExpectPartition(spike);
  return spike;
}

TEST(InterruptBudgetTest, TheInnermostLevelHasTheNanosecond) {
  Interruption interruption;
  interruption.start_mono_ns = 1'000;
  interruption.end_mono_ns = 2'000;
  // NET_RX from 1100 to 2000; in it a timer from 1300 to 1600, in that an NMI of 100.
  Add(&interruption.interrupts, Handler(1'000, 50, HFT_SOURCE_DEVICE, 36));
  Add(&interruption.interrupts, Handler(1'400, 100, HFT_SOURCE_NMI));
  Add(&interruption.interrupts, Handler(1'300, 300, HFT_SOURCE_LOCAL_TIMER));
  Add(&interruption.interrupts, Handler(1'100, 900, HFT_SOURCE_SOFTIRQ + 3));
  const Spike spike = BudgetOf(interruption);
  EXPECT_EQ(spike.duration_ns, 1'000);
  EXPECT_EQ(OwnNs(spike, CauseKind::kNmi), 100);
  EXPECT_EQ(OwnNs(spike, CauseKind::kHardIrq, HFT_SOURCE_LOCAL_TIMER), 200);
  EXPECT_EQ(OwnNs(spike, CauseKind::kHardIrq, HFT_SOURCE_DEVICE), 50);
  EXPECT_EQ(OwnNs(spike, CauseKind::kSoftirq), 600);
  EXPECT_EQ(spike.unexplained_ns, 50) << "between the device's handler and the softirq";
}

TEST(InterruptBudgetTest, AHandlerThatComesAgainIsOneCauseWithItsCount) {
  Interruption interruption;
  interruption.end_mono_ns = 1'000;
  for (int i = 0; i < 10; ++i) Add(&interruption.interrupts, Handler(i * 100, 60, HFT_SOURCE_CALL_FUNCTION, 251));
  const Spike spike = BudgetOf(interruption);
  ASSERT_EQ(spike.cause_count, 1);
  EXPECT_EQ(spike.causes[0].run_count, 10);
  EXPECT_EQ(spike.causes[0].duration_ns, 600);
}

TEST(InterruptBudgetTest, AHandlerTakesItsTimeFromTheThreadThatItInterruptedAndFromNobodyElse) {
  OffCpuInterval interval = MakeInterval(1'000);
  AddSegment(interval, 1, 1'000, {Ran(501, 400), Ran(502, 600)});
  // The wait is [end - 1000, end): 300 to 500 of it is the timer's, 100 of each runner.
  Add(&interval.interrupts, Handler(interval.end_mono_ns - 700, 200, HFT_SOURCE_LOCAL_TIMER));
  const Spike spike = BudgetOf(interval);
  ASSERT_EQ(spike.cause_count, 3);
  EXPECT_EQ(OwnNs(spike, CauseKind::kHardIrq), 200);
  const auto threads_ns = [&spike](uint32_t tid) {
    int64_t sum_ns = 0;
    for (size_t i = 0; i < spike.cause_count; ++i) sum_ns += spike.causes[i].tid == tid ? spike.causes[i].duration_ns : 0;
    return sum_ns;
  };
  EXPECT_EQ(threads_ns(501), 300);
  EXPECT_EQ(threads_ns(502), 500);
  EXPECT_EQ(spike.unexplained_ns, 0);
}

TEST(InterruptBudgetTest, WhatRanBeforeTheWaitIsCutOffAndAnIdleCpuIsInterruptedToo) {
  OffCpuInterval interval = MakeInterval(1'000, HFT_SWITCH_BLOCKED_SYSCALL);
  AddSegment(interval, 1, 1'000, {Ran(0, 1'000)});
  Add(&interval.interrupts, Handler(interval.end_mono_ns - 1'500, 700, HFT_SOURCE_SOFTIRQ + 1));
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(OwnNs(spike, CauseKind::kSoftirq), 200);
  EXPECT_EQ(OwnNs(spike, CauseKind::kWaking), 800);
}

TEST(InterruptBudgetTest, ManyHandlersAndManyThreadsShareTheCausesThatThereAre) {
  OffCpuInterval interval = MakeInterval(64'000);
  std::vector<RunnerSpan> runners;
  for (uint32_t i = 0; i < 32; ++i) runners.push_back(Ran(600 + i, 2'000));
  AddSegment(interval, 1, 64'000, runners);
  for (uint16_t i = 0; i < 32; ++i) {
    Add(&interval.interrupts,
        Handler(interval.end_mono_ns - 64'000 + i * 2'000, 100 + i, i % 2 ? HFT_SOURCE_DEVICE : HFT_SOURCE_VECTOR, i));
  }
  const Spike spike = BudgetOf(interval);
  EXPECT_EQ(spike.cause_count, kCausesMax);
  EXPECT_EQ(OwnNs(spike, CauseKind::kHardIrq), 32 * 100 + 31 * 32 / 2);
  int others = 0;
  for (size_t i = 0; i < spike.cause_count; ++i) others += spike.causes[i].others;
  EXPECT_EQ(others, 2) << "one of threads, one of handlers";
}

TEST(InterruptBudgetTest, WhateverTheInputThePartsSumToTheWhole) {
  std::mt19937_64 random(7);
  const auto number = [&random](int64_t below) { return static_cast<int64_t>(random() % static_cast<uint64_t>(below)); };
  for (int round = 0; round < 20'000; ++round) {
    OffCpuInterval interval = MakeInterval(number(10'000) + 1);
    std::vector<RunnerSpan> runners;
    for (int64_t i = number(6); i > 0; --i) runners.push_back(Ran(static_cast<uint32_t>(number(4)), number(3'000)));
    AddSegment(interval, 1, number(12'000), runners);
    Interruption interruption;
    interruption.start_mono_ns = interval.end_mono_ns - number(10'000);
    interruption.end_mono_ns = interval.end_mono_ns;
    for (int64_t i = number(kInterruptSpansMax); i > 0; --i) {
      const InterruptSpan span = Handler(interval.end_mono_ns - number(14'000), number(4'000), static_cast<int>(number(HFT_SOURCES)),
                                         static_cast<uint16_t>(number(3)));
      Add(&interval.interrupts, span);
      Add(&interruption.interrupts, span);
    }
    BudgetOf(interval);
    BudgetOf(interruption);
    if (HasFailure()) return;
  }
}

TEST(InterruptBudgetTest, CrossCallsAreTheirSendersWhereThoseAreKnown) {
  Interruption interruption;
  interruption.start_mono_ns = 1'000;
  interruption.end_mono_ns = 5'000;
  const auto flush = [](int64_t start_ns, int64_t duration_ns, uint32_t tid, const char* comm) {
    InterruptSpan span = Handler(start_ns, duration_ns, HFT_SOURCE_CALL_FUNCTION, 251);
    span.sender_tid = tid;
    span.sender_tgid = tid == 0 ? 0 : 50;
    std::strcpy(span.name, comm);
    return span;
  };
  Add(&interruption.interrupts, flush(1'000, 800, 55, "unmapper"));
  Add(&interruption.interrupts, flush(2'000, 500, 56, "protector"));
  Add(&interruption.interrupts, flush(3'000, 700, 55, "unmapper"));
  Add(&interruption.interrupts, flush(4'000, 900, 0, ""));
  const Spike spike = BudgetOf(interruption);
  ASSERT_EQ(spike.cause_count, 3);
  EXPECT_EQ(spike.causes[0].tid, 55u);
  EXPECT_EQ(spike.causes[0].tgid, 50u);
  EXPECT_STREQ(spike.causes[0].comm, "unmapper");
  EXPECT_EQ(spike.causes[0].duration_ns, 1'500);
  EXPECT_EQ(spike.causes[0].run_count, 2);
  EXPECT_EQ(CauseEvidence(spike, spike.causes[0], nullptr, nullptr),
            "interrupt call_function ran twice on CPU 0 for 1.5us: to flush the TLB, sent by unmapper (tid 55)");
  EXPECT_EQ(spike.causes[1].tid, 0u) << "another cross-call, or nobody knows";
  EXPECT_EQ(CauseEvidence(spike, spike.causes[1], nullptr, nullptr), "interrupt call_function ran once on CPU 0 for 900ns");
  EXPECT_EQ(spike.causes[2].tid, 56u);
}

}  // namespace
}  // namespace hftmon
