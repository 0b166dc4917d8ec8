#include "daemon/ingest/fault_builder.h"

#include <gtest/gtest.h>

#include "tests/daemon/ingest/housekeeping_fixture.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{.tid = 100, .tgid = 90, .start_ns = 7};

hft_fault MakeFault() {
  hft_fault fault{};
  fault.tid = 100;
  fault.tgid = 90;
  fault.slot = 1;
  fault.start_ns = 1'000;
  fault.end_ns = 61'000;
  fault.address = 0x7f01'2345;
  fault.off_cpu_ns = 40'000;
  fault.wait_ns = 10'000;
  fault.interrupted_ns[HFT_LEVEL_SOFTIRQ] = 5'000;
  fault.interrupted_ns[HFT_LEVEL_HARD] = 6'000;
  fault.kind = HFT_FAULT_KERNEL_MAJOR;
  return fault;
}

RingRecord RecordOf(const hft_fault& fault) {
  RingRecord record{};
  record.fault = fault;
  record.header.cpu = 3;
  record.header.mono_ns = 61'100;
  return record;
}

TEST(FaultBuilderTest, WhatTheRecordSaysIsDelivered) {
  EndedFault out;
  ASSERT_TRUE(BuildFault(RecordOf(MakeFault()), kThread, {}, &out));
  EXPECT_EQ(out.thread, kThread);
  EXPECT_EQ(out.cpu, 3);
  EXPECT_EQ(out.start_mono_ns, 1'000);
  EXPECT_EQ(out.end_mono_ns, 61'000);
  EXPECT_EQ(out.record_mono_ns, 61'100);
  EXPECT_EQ(out.off_cpu_ns, 40'000);
  EXPECT_EQ(out.wait_ns, 10'000);
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{5'000, 6'000, 0}));
  EXPECT_FALSE(out.on_cpu);
  EXPECT_TRUE(out.fault.known);
  EXPECT_EQ(out.fault.kind, HFT_FAULT_KERNEL_MAJOR);
  EXPECT_EQ(out.fault.address, 0x7f01'2345u);
  EXPECT_EQ(out.interrupts.count, 0);
}

TEST(FaultBuilderTest, PartsAreCutToWhatTheFaultCanHold) {
  hft_fault fault = MakeFault();
  fault.off_cpu_ns = 90'000;
  fault.wait_ns = ~0ull;
  EndedFault out;
  ASSERT_TRUE(BuildFault(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.off_cpu_ns, 60'000);
  EXPECT_EQ(out.wait_ns, 60'000);
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{}));
  fault.off_cpu_ns = 52'000;
  ASSERT_TRUE(BuildFault(RecordOf(fault), kThread, {}, &out));
  EXPECT_EQ(out.interrupted_ns, (std::array<int64_t, HFT_LEVELS>{5'000, 3'000, 0}));
}

TEST(FaultBuilderTest, ContradictionsAreRefused) {
  EndedFault out;
  hft_fault fault = MakeFault();
  fault.end_ns = 999;
  EXPECT_FALSE(BuildFault(RecordOf(fault), kThread, {}, &out));
  fault.end_ns = 1ull << 62;
  EXPECT_FALSE(BuildFault(RecordOf(fault), kThread, {}, &out));
  fault = MakeFault();
  fault.kind = HFT_FAULT_KINDS;
  EXPECT_FALSE(BuildFault(RecordOf(fault), kThread, {}, &out));
}

TEST(FaultBuilderTest, InterruptionsOfTheContinuationAreItsOwnAndMissingOnesTruncate) {
  hft_fault fault = MakeFault();
  fault.on_cpu = 1;
  fault.off_cpu_ns = 0;
  fault.interruption_count = 2;
  RingRecord record = RecordOf(fault);
  record.continuation_count = 1;
  record.continuation[0].header.type = HFT_RECORD_INTERRUPTIONS;
  record.continuation[0].interruptions.interruptions[0] = {.start_ns = 2'000, .duration_ns = 300, .source = HFT_SOURCE_LOCAL_TIMER};
  record.continuation[0].interruptions.interruptions[1] = {.start_ns = 9'000, .duration_ns = 400, .source = HFT_SOURCE_RESCHEDULE};
  EndedFault out;
  ASSERT_TRUE(BuildFault(record, kThread, {}, &out));
  EXPECT_TRUE(out.on_cpu);
  ASSERT_EQ(out.interrupts.count, 2);
  EXPECT_EQ(out.interrupts.spans[1].source, HFT_SOURCE_RESCHEDULE);
  EXPECT_FALSE(out.interrupts.truncated);
  record.continuation_count = 0;
  record.continuation_incomplete = true;
  ASSERT_TRUE(BuildFault(record, kThread, {}, &out));
  EXPECT_TRUE(out.interrupts.truncated);
}

TEST_F(HousekeepingLoopTest, AFaultReachesItsSinksAndContradictionsAreCounted) {
  kernel_.Put(0, HFT_RECORD_FAULT, MakeFault(), 61'100);
  hft_fault foreign = MakeFault();
  foreign.tid = 101;
  kernel_.Put(0, HFT_RECORD_FAULT, foreign, 61'200);
  hft_fault broken = MakeFault();
  broken.kind = 77;
  kernel_.Put(0, HFT_RECORD_FAULT, broken, 61'300);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.faults.size(), 1u);
  EXPECT_EQ(sinks_.faults[0].thread, kThread);
  EXPECT_EQ(sinks_.faults[0].record_mono_ns, 61'100);
  EXPECT_EQ(loop_.stats().stale_count.Get(), 1u);
  EXPECT_EQ(loop_.stats().discarded_count.Get(), 1u);
}

}  // namespace
}  // namespace hftmon
