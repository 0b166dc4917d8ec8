#include "daemon/ingest/kernel_stall_builder.h"

#include <gtest/gtest.h>

#include "tests/daemon/ingest/housekeeping_fixture.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{.tid = 100, .tgid = 90, .start_ns = 7};

hft_kernel_time MakeFault() {
  hft_kernel_time fault{};
  fault.tid = 100;
  fault.tgid = 90;
  fault.slot = 1;
  fault.start_ns = 1'000;
  fault.end_ns = 61'000;
  fault.object = 0x7f01'2345;
  fault.off_cpu_ns = 40'000;
  fault.wait_ns = 10'000;
  fault.interrupted_ns[HFT_LEVEL_SOFTIRQ] = 5'000;
  fault.interrupted_ns[HFT_LEVEL_HARD] = 6'000;
  fault.kind = HFT_FAULT_KERNEL_MAJOR;
  return fault;
}

RingRecord RecordOf(const hft_kernel_time& fault) {
  RingRecord record{};
  record.kernel_time = fault;
  record.header.cpu = 3;
  record.header.mono_ns = 61'100;
  return record;
}

TEST(KernelStallBuilderTest, WhatTheRecordSaysIsDelivered) {
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(RecordOf(MakeFault()), kThread, {}, &out));
  EXPECT_EQ(out.thread, kThread);
  EXPECT_EQ(out.cpu, 3);
  EXPECT_EQ(out.start_mono_ns, 1'000);
  EXPECT_EQ(out.end_mono_ns, 61'000);
  EXPECT_EQ(out.record_mono_ns, 61'100);
  EXPECT_EQ(out.off_cpu_ns, 40'000);
  EXPECT_EQ(out.wait_ns, 10'000);
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{5'000, 6'000, 0}));
  EXPECT_FALSE(out.on_cpu);
  EXPECT_TRUE(out.stall.known);
  EXPECT_EQ(out.stall.fault_kind, HFT_FAULT_KERNEL_MAJOR);
  EXPECT_EQ(out.stall.address, 0x7f01'2345u);
  EXPECT_EQ(out.interrupts.count, 0);
}

TEST(KernelStallBuilderTest, PartsAreCutToWhatTheFaultCanHold) {
  hft_kernel_time fault = MakeFault();
  fault.off_cpu_ns = 90'000;
  fault.wait_ns = ~0ull;
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.off_cpu_ns, 60'000);
  EXPECT_EQ(out.wait_ns, 60'000);
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{}));
  fault.off_cpu_ns = 52'000;
  ASSERT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{5'000, 3'000, 0}));
}

TEST(KernelStallBuilderTest, AWaitForALockHasItsTypeItsHolderAndWhatItSpun) {
  hft_kernel_time wait = MakeFault();
  wait.what = HFT_KERNEL_LOCK;
  wait.kind = HFT_LOCK_RWSEM;
  wait.lock_flags = HFT_LOCK_FOR_WRITING;
  wait.owner_tid = 55;
  wait.owner_tgid = 54;
  wait.stall_ns[HFT_STALL_SPINNING_LOCK] = 2'000;
  wait.stall_off_cpu_ns[HFT_STALL_RECLAIM] = 7'000;
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(RecordOf(wait), kThread, {}, &out));
  EXPECT_EQ(out.stall.what, HFT_KERNEL_LOCK);
  EXPECT_EQ(out.stall.lock_type, HFT_LOCK_RWSEM);
  EXPECT_EQ(out.stall.lock_flags, HFT_LOCK_FOR_WRITING);
  EXPECT_EQ(out.stall.owner_tid, 55u);
  EXPECT_EQ(out.stall.owner_tgid, 54u);
  EXPECT_EQ(out.stall_ns, (std::array<int64_t, HFT_STALLS>{2'000, 0, 0, 0, 0})) << "its holder is no moving of pages";
  EXPECT_EQ(out.stall.stall_off_cpu_ns, (std::array<int64_t, HFT_STALLS>{0, 0, 0, 7'000, 0}));
}

TEST(KernelStallBuilderTest, StallsWithinAreCutToWhatIsLeftOfItsTimeOnAndOffTheCpu) {
  hft_kernel_time fault = MakeFault();  // 60 us: 40 off the CPU, of them 10 waiting for one, 11 of interrupts
  fault.stall_ns[HFT_STALL_SPINNING_LOCK] = 8'000;
  fault.stall_ns[HFT_STALL_RECLAIM] = ~0u;
  fault.stall_off_cpu_ns[HFT_STALL_SLEEPING_LOCK] = 29'000;
  fault.stall_off_cpu_ns[HFT_STALL_RECLAIM] = 5'000;
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.stall_ns, (std::array<int64_t, HFT_STALLS>{8'000, 0, 0, 1'000, 0}));
  EXPECT_EQ(out.stall.stall_off_cpu_ns, (std::array<int64_t, HFT_STALLS>{0, 29'000, 0, 1'000, 0}));
}

TEST(KernelStallBuilderTest, WhatMovingPagesTookStandsInThePlaceOfALocksHolder) {
  hft_kernel_time fault = MakeFault();
  fault.what = HFT_KERNEL_COMPACTION;
  fault.kind = 0;
  fault.migration_ns = 6'000;
  fault.migration_off_cpu_ns = 4'000;
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.stall_ns[HFT_STALL_MIGRATION], 6'000);
  EXPECT_EQ(out.stall.stall_off_cpu_ns[HFT_STALL_MIGRATION], 4'000);
  EXPECT_EQ(out.stall.owner_tid, 0u);
  fault.what = HFT_KERNEL_MIGRATION;
  fault.object = 5;
  ASSERT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.stall.what, HFT_KERNEL_MIGRATION);
  EXPECT_EQ(out.stall.address, 5u);
}

TEST(KernelStallBuilderTest, ContradictionsAreRefused) {
  EndedKernelStall out;
  hft_kernel_time fault = MakeFault();
  fault.end_ns = 999;
  EXPECT_FALSE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  fault.end_ns = 1ull << 62;
  EXPECT_FALSE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  fault = MakeFault();
  fault.kind = HFT_FAULT_KINDS;
  EXPECT_FALSE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  fault.what = HFT_KERNEL_LOCK;
  EXPECT_TRUE(BuildKernelStall(RecordOf(fault), kThread, {}, &out)) << "a type of lock";
  fault.kind = HFT_LOCK_TYPES;
  EXPECT_FALSE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
  fault.kind = 0;
  fault.what = HFT_KERNEL_WHATS;
  EXPECT_FALSE(BuildKernelStall(RecordOf(fault), kThread, {}, &out));
}

TEST(KernelStallBuilderTest, InterruptionsOfTheContinuationAreItsOwnAndMissingOnesTruncate) {
  hft_kernel_time fault = MakeFault();
  fault.on_cpu = 1;
  fault.off_cpu_ns = 0;
  fault.interruption_count = 2;
  RingRecord record = RecordOf(fault);
  record.continuation_count = 1;
  record.continuation[0].header.type = HFT_RECORD_INTERRUPTIONS;
  record.continuation[0].interruptions.interruptions[0] = {.start_ns = 2'000, .duration_ns = 300, .source = HFT_SOURCE_LOCAL_TIMER};
  record.continuation[0].interruptions.interruptions[1] = {.start_ns = 9'000, .duration_ns = 400, .source = HFT_SOURCE_RESCHEDULE};
  EndedKernelStall out;
  ASSERT_TRUE(BuildKernelStall(record, kThread, {}, &out));
  EXPECT_TRUE(out.on_cpu);
  ASSERT_EQ(out.interrupts.count, 2);
  EXPECT_EQ(out.interrupts.spans[1].source, HFT_SOURCE_RESCHEDULE);
  EXPECT_FALSE(out.interrupts.truncated);
  record.continuation_count = 0;
  record.continuation_incomplete = true;
  ASSERT_TRUE(BuildKernelStall(record, kThread, {}, &out));
  EXPECT_TRUE(out.interrupts.truncated);
}

TEST_F(HousekeepingLoopTest, AFaultReachesItsSinksAndContradictionsAreCounted) {
  kernel_.Put(0, HFT_RECORD_KERNEL_TIME, MakeFault(), 61'100);
  hft_kernel_time foreign = MakeFault();
  foreign.tid = 101;
  kernel_.Put(0, HFT_RECORD_KERNEL_TIME, foreign, 61'200);
  hft_kernel_time broken = MakeFault();
  broken.kind = 77;
  kernel_.Put(0, HFT_RECORD_KERNEL_TIME, broken, 61'300);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.kernel_stalls.size(), 1u);
  EXPECT_EQ(sinks_.kernel_stalls[0].thread, kThread);
  EXPECT_EQ(sinks_.kernel_stalls[0].record_mono_ns, 61'100);
  EXPECT_EQ(loop_.stats().stale_count.Get(), 1u);
  EXPECT_EQ(loop_.stats().discarded_count.Get(), 1u);
}

}  // namespace
}  // namespace hftmon
