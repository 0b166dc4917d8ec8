// The time budget of a page fault and of the kernel's other doings, and the spikes that they are.
#include <gtest/gtest.h>

#include "daemon/analysis/cause_evidence.h"
#include "daemon/analysis/spike_detector.h"
#include "daemon/analysis/time_budget.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

EndedKernelStall MakeFault(int64_t duration_ns) {
  EndedKernelStall fault;
  fault.thread = {.tid = 100, .tgid = 90, .start_ns = 7};
  fault.slot = 1;
  fault.cpu = 2;
  fault.start_mono_ns = 1'000'000;
  fault.end_mono_ns = 1'000'000 + duration_ns;
  fault.record_mono_ns = fault.end_mono_ns + 100;
  fault.on_cpu = true;
  fault.stall.known = true;
  fault.stall.address = 0x7f01;
  return fault;
}

Spike BudgetOf(const EndedKernelStall& fault) {
  Spike spike;
  spike.kind = SpikeKind::kFault;
  FillKernelStallBudget(fault, &spike);
  int64_t sum_ns = spike.unexplained_ns;
  for (size_t i = 0; i < spike.cause_count; ++i) {
    EXPECT_GT(spike.causes[i].duration_ns, 0);
    sum_ns += spike.causes[i].duration_ns;
  }
  EXPECT_EQ(sum_ns, spike.duration_ns);
  spike.stall = fault.stall;
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

void AddHandler(EndedKernelStall* fault, int64_t start_ns, int64_t duration_ns) {
  fault->interrupts.spans[fault->interrupts.count++] = {
      .start_mono_ns = start_ns, .duration_ns = duration_ns, .source = HFT_SOURCE_LOCAL_TIMER};
  fault->interrupted_ns[HFT_LEVEL_HARD] += duration_ns;
}

TEST(KernelStallBudgetTest, AFaultOnItsCpuIsTheKernelsHandlingLessWhatInterruptedIt) {
  EndedKernelStall fault = MakeFault(100'000);
  AddHandler(&fault, 1'010'000, 7'000);
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 93'000);
  EXPECT_EQ(Of(spike, CauseKind::kHardIrq), 7'000);
  EXPECT_EQ(spike.causes[1].source, HFT_SOURCE_LOCAL_TIMER);
  EXPECT_FALSE(spike.causes[1].others);
  EXPECT_EQ(Evidence(spike, 0), "the kernel handled its minor page fault at 0x7f01 for 93us");
}

TEST(KernelStallBudgetTest, BlockedAndWaitingTimesAreCausesOfTheirOwn) {
  EndedKernelStall fault = MakeFault(100'000);
  fault.on_cpu = false;
  fault.off_cpu_ns = 80'000;
  fault.wait_ns = 15'000;
  fault.interrupted_ns = {3'000, 4'000, 0};
  fault.stall.fault_kind = HFT_FAULT_KERNEL_MAJOR;
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

TEST(KernelStallBudgetTest, WhereHandlersFoundNoPlaceInTheRecordEachLevelIsOneCauseThatNamesNone) {
  EndedKernelStall fault = MakeFault(100'000);
  AddHandler(&fault, 1'010'000, 7'000);
  fault.interrupted_ns = {1'000, 20'000, 0};
  fault.interrupts.truncated = true;
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kHardIrq), 20'000);
  EXPECT_EQ(Of(spike, CauseKind::kSoftirq), 1'000);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 79'000);
  EXPECT_EQ(spike.causes[1].source, HFT_SOURCE_NONE);
}

TEST(KernelStallBudgetTest, WhatContradictsTheDurationIsCutOff) {
  EndedKernelStall fault = MakeFault(10'000);
  fault.on_cpu = false;
  fault.off_cpu_ns = 50'000;
  fault.wait_ns = 60'000;
  fault.interrupted_ns = {70'000, 70'000, 70'000};
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kRunnable), 10'000);
}

TEST(KernelStallBudgetTest, StallsWithinAFaultAreCausesOfTheirOwn) {
  EndedKernelStall fault = MakeFault(100'000);
  fault.on_cpu = false;
  fault.off_cpu_ns = 50'000;
  fault.stall_ns = {1'000, 2'000, 10'000, 20'000};
  fault.stall.stall_off_cpu_ns = {0, 30'000, 0, 5'000};
  const Spike spike = BudgetOf(fault);
  EXPECT_EQ(Of(spike, CauseKind::kBlocked), 50'000);
  EXPECT_EQ(Of(spike, CauseKind::kKernelLock), 3'000) << "both sorts of locks";
  EXPECT_EQ(Of(spike, CauseKind::kCompaction), 10'000);
  EXPECT_EQ(Of(spike, CauseKind::kReclaim), 20'000);
  EXPECT_EQ(Of(spike, CauseKind::kFault), 17'000);
  EXPECT_EQ(Evidence(spike, 0),
            "was blocked in its minor page fault at 0x7f01 (30us of it for a lock of the kernel, 5us of it in direct reclaim) for 50us");
  EXPECT_EQ(Evidence(spike, 1), "the kernel looked for free memory (direct reclaim) for 20us");
  EXPECT_EQ(Evidence(spike, 3), "the kernel moved pages to make room (compaction) for 10us");
  EXPECT_EQ(Evidence(spike, 4), "spun for locks of the kernel for 3us");
}

TEST(KernelStallBudgetTest, MovingPagesIsACauseOfItsOwnWithinACompactionAndNamesItsReasonByItself) {
  EndedKernelStall compaction = MakeFault(100'000);
  compaction.stall = {.known = true, .what = HFT_KERNEL_COMPACTION};
  compaction.on_cpu = false;
  compaction.off_cpu_ns = 0;
  compaction.wait_ns = 0;
  compaction.interrupted_ns = {};
  compaction.stall_ns[HFT_STALL_MIGRATION] = 70'000;
  const Spike spike = BudgetOf(compaction);
  EXPECT_EQ(Of(spike, CauseKind::kMigration), 70'000);
  EXPECT_EQ(Of(spike, CauseKind::kCompaction), 30'000);
  EXPECT_EQ(Evidence(spike, 0), "the kernel moved pages (migration) for 70us");
  EndedKernelStall migration = compaction;
  migration.stall = {.known = true, .what = HFT_KERNEL_MIGRATION, .address = 5};
  migration.stall_ns = {};
  const Spike alone = BudgetOf(migration);
  EXPECT_EQ(Of(alone, CauseKind::kMigration), 100'000);
  EXPECT_EQ(Evidence(alone, 0), "the kernel moved pages (migration, numa_misplaced) for 100us");
}

TEST(KernelStallBudgetTest, AWaitForALockOfTheKernelNamesTheLockAndItsHolder) {
  EndedKernelStall wait = MakeFault(100'000);
  wait.stall = {.known = true, .what = HFT_KERNEL_LOCK, .lock_type = HFT_LOCK_RWSEM, .lock_flags = HFT_LOCK_FOR_READING, .address = 0xff01};
  wait.stall.owner_tid = 55;
  wait.off_cpu_ns = 60'000;
  wait.on_cpu = false;
  const Spike spike = BudgetOf(wait);
  EXPECT_EQ(Of(spike, CauseKind::kBlocked), 60'000);
  EXPECT_EQ(Of(spike, CauseKind::kKernelLock), 40'000);
  EXPECT_EQ(Evidence(spike, 0), "was blocked in its wait for the kernel's rwsem at 0xff01 (for reading) for 60us");
  EXPECT_EQ(Evidence(spike, 1), "spun in its wait for the kernel's rwsem at 0xff01 (for reading), held by tid 55 for 40us");
}

class KernelStallSpikeTest : public ::testing::Test {
 protected:
  FakeMonotonicClock clock_;
  SpikeHistory spikes_{16, 16};
  SpikeDetector detector_{&clock_, &spikes_, 16};
};

TEST_F(KernelStallSpikeTest, EachOfTheKernelsDoingsIsASpikeOfItsOwnKind) {
  detector_.SetThresholds(50'000, 0);
  const SpikeKind kinds[] = {SpikeKind::kFault, SpikeKind::kKernelLock, SpikeKind::kCompaction, SpikeKind::kReclaim, SpikeKind::kMigration};
  for (int what = HFT_KERNEL_FAULT; what < HFT_KERNEL_WHATS; ++what) {
    EndedKernelStall stall = MakeFault(60'000);
    stall.stall.what = static_cast<hft_kernel_what>(what);
    clock_.SetNs(stall.record_mono_ns);
    detector_.OnKernelStall(stall);
    Spike spike;
    ASSERT_EQ(spikes_.ring(SpikeRing::kEnded).Read(static_cast<uint64_t>(what), &spike), SeqRead::kOk);
    EXPECT_EQ(spike.kind, kinds[what]);
    EXPECT_EQ(spike.stall.what, what);
    EXPECT_TRUE(IsKernelStall(spike.kind));
  }
  EXPECT_FALSE(IsKernelStall(SpikeKind::kInterrupted));
}

TEST_F(KernelStallSpikeTest, OnlyAFaultAboveTheThresholdIsASpikeAndCarriesWhatItWasAbout) {
  detector_.SetThresholds(50'000, 0);
  detector_.OnKernelStall(MakeFault(50'000));
  EXPECT_EQ(spikes_.ring(SpikeRing::kEnded).end(), 0u);
  clock_.SetNs(1'060'500);
  detector_.OnKernelStall(MakeFault(60'000));
  Spike spike;
  ASSERT_EQ(spikes_.ring(SpikeRing::kEnded).Read(0, &spike), SeqRead::kOk);
  EXPECT_EQ(spike.kind, SpikeKind::kFault);
  EXPECT_EQ(spike.thread.tid, 100u);
  EXPECT_EQ(spike.cpu, 2);
  EXPECT_EQ(spike.start_mono_ns, 1'000'000);
  EXPECT_EQ(spike.duration_ns, 60'000);
  EXPECT_FALSE(spike.in_progress);
  EXPECT_FALSE(spike.inconclusive);
  EXPECT_TRUE(spike.stall.known);
  EXPECT_EQ(spike.stall.address, 0x7f01u);
  EXPECT_EQ(spike.call.state, HFT_CALL_NONE);
}

}  // namespace
}  // namespace hftmon
