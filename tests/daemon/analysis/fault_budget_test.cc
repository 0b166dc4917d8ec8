// The time budget of a page fault, and the spike that it is.
#include <gtest/gtest.h>

#include "daemon/analysis/cause_evidence.h"
#include "daemon/analysis/spike_detector.h"
#include "daemon/analysis/time_budget.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

EndedFault MakeFault(int64_t duration_ns) {
  EndedFault fault;
  fault.thread = {.tid = 100, .tgid = 90, .start_ns = 7};
  fault.slot = 1;
  fault.cpu = 2;
  fault.start_mono_ns = 1'000'000;
  fault.end_mono_ns = 1'000'000 + duration_ns;
  fault.record_mono_ns = fault.end_mono_ns + 100;
  fault.on_cpu = true;
  fault.fault = {.known = true, .kind = HFT_FAULT_USER_MINOR, .address = 0x7f01};
  return fault;
}

Spike BudgetOf(const EndedFault& fault) {
  Spike spike;
  spike.kind = SpikeKind::kFault;
  FillFaultBudget(fault, &spike);
  int64_t sum_ns = spike.unexplained_ns;
  for (size_t i = 0; i < spike.cause_count; ++i) {
    EXPECT_GT(spike.causes[i].duration_ns, 0);
    sum_ns += spike.causes[i].duration_ns;
  }
  EXPECT_EQ(sum_ns, spike.duration_ns);
  spike.fault = fault.fault;
  return spike;
}

int64_t Of(const Spike& spike, CauseKind kind) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < spike.cause_count; ++i) sum_ns += spike.causes[i].kind == kind ? spike.causes[i].duration_ns : 0;
  return sum_ns;
}

std::string Evidence(const Spike& spike, size_t i) {
  return CauseEvidence(spike, spike.causes[i], {}, {});
}

void AddHandler(EndedFault* fault, int64_t start_ns, int64_t duration_ns) {
  fault->interrupts.spans[fault->interrupts.count++] = {
      .start_mono_ns = start_ns, .duration_ns = duration_ns, .source = HFT_SOURCE_LOCAL_TIMER};
  fault->interrupted_ns[HFT_LEVEL_HARD] += duration_ns;
}

TEST(FaultBudgetTest, AFaultOnItsCpuIsTheKernelsHandlingLessWhatInterruptedIt) {
  EndedFault fault = MakeFault(100'000);
  AddHandler(&fault, 1'010'000, 7'000);
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 93'000);
  EXPECT_EQ(Of(spike, CauseKind::kHardIrq), 7'000);
  EXPECT_EQ(spike.causes[1].source, HFT_SOURCE_LOCAL_TIMER);
  EXPECT_FALSE(spike.causes[1].others);
  EXPECT_EQ(Evidence(spike, 0), "the kernel handled its minor page fault at 0x7f01 for 93us");
}

TEST(FaultBudgetTest, BlockedAndWaitingTimesAreCausesOfTheirOwn) {
  EndedFault fault = MakeFault(100'000);
  fault.on_cpu = false;
  fault.off_cpu_ns = 80'000;
  fault.wait_ns = 15'000;
  fault.interrupted_ns = {3'000, 4'000, 0};
  fault.fault.kind = HFT_FAULT_KERNEL_MAJOR;
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kBlocked), 65'000);
  EXPECT_EQ(Of(spike, CauseKind::kRunnable), 15'000);
  EXPECT_EQ(Of(spike, CauseKind::kHardIrq), 4'000);
  EXPECT_EQ(Of(spike, CauseKind::kSoftirq), 3'000);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 13'000);
  EXPECT_EQ(Evidence(spike, 0), "was blocked in its major page fault in a system call at 0x7f01 for 65us");
  EXPECT_NE(Evidence(spike, 1).find("waited for a CPU for 15us"), std::string::npos);
  EXPECT_TRUE(spike.causes[3].others) << "which handlers is not told";
  EXPECT_EQ(Evidence(spike, 3), "interrupt handlers that are not told apart ran for 4us");
  EXPECT_EQ(Evidence(spike, 4), "softirq handlers that are not told apart ran for 3us");
}

TEST(FaultBudgetTest, WhereHandlersFoundNoPlaceInTheRecordEachLevelIsOneCauseThatNamesNone) {
  EndedFault fault = MakeFault(100'000);
  AddHandler(&fault, 1'010'000, 7'000);
  fault.interrupted_ns = {1'000, 20'000, 0};
  fault.interrupts.truncated = true;
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kHardIrq), 20'000);
  EXPECT_EQ(Of(spike, CauseKind::kSoftirq), 1'000);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 79'000);
  EXPECT_EQ(spike.causes[1].source, HFT_SOURCE_NONE);
}

TEST(FaultBudgetTest, WhatContradictsTheDurationIsCutOff) {
  EndedFault fault = MakeFault(10'000);
  fault.on_cpu = false;
  fault.off_cpu_ns = 50'000;
  fault.wait_ns = 60'000;
  fault.interrupted_ns = {70'000, 70'000, 70'000};
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kRunnable), 10'000);
}

class FaultSpikeTest : public ::testing::Test {
 protected:
  FakeMonotonicClock clock_;
  SpikeHistory spikes_{16, 16};
  SpikeDetector detector_{&clock_, &spikes_, 16};
};

TEST_F(FaultSpikeTest, OnlyAFaultAboveTheThresholdIsASpikeAndCarriesWhatItWasAbout) {
  detector_.SetThresholds(50'000, 0);
  detector_.OnFault(MakeFault(50'000));
  EXPECT_EQ(spikes_.ended().end(), 0u);
  clock_.SetNs(1'060'500);
  detector_.OnFault(MakeFault(60'000));
  Spike spike;
  ASSERT_EQ(spikes_.ended().Read(0, &spike), SeqRead::kOk);
  EXPECT_EQ(spike.kind, SpikeKind::kFault);
  EXPECT_EQ(spike.thread.tid, 100u);
  EXPECT_EQ(spike.cpu, 2);
  EXPECT_EQ(spike.start_mono_ns, 1'000'000);
  EXPECT_EQ(spike.duration_ns, 60'000);
  EXPECT_FALSE(spike.in_progress);
  EXPECT_FALSE(spike.inconclusive);
  EXPECT_TRUE(spike.fault.known);
  EXPECT_EQ(spike.fault.address, 0x7f01u);
  EXPECT_EQ(spike.call.state, HFT_CALL_NONE);
}

}  // namespace
}  // namespace hftmon
