// Every stall that the loop delivers is kept while somebody wants it; and spikes of marks find their place.
#include "daemon/analysis/stall_recorder.h"

#include <gtest/gtest.h>

#include "daemon/analysis/marked_spikes.h"
#include "tests/daemon/analysis/interval_maker.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

Stall Last(const StallRecorder& recorder) {
  Stall stall;
  EXPECT_EQ(recorder.stalls().Read(recorder.stalls().end() - 1, &stall), SeqRead::kOk);
  return stall;
}

TEST(StallRecorderTest, NothingIsKeptWhileNobodyWantsIt) {
  StallRecorder recorder;
  recorder.OnInterval(MakeInterval(5'000));
  EXPECT_EQ(recorder.stalls().end(), 0u);
}

TEST(StallRecorderTest, APreemptionIsItsWaitWithItsActor) {
  StallRecorder recorder;
  recorder.Enable(true);
  OffCpuInterval interval = MakeInterval(5'000);
  AddSegment(interval, 1, 5'000, {Ran(91, 5'000)});
  recorder.OnInterval(interval);
  const Stall stall = Last(recorder);
  EXPECT_EQ(stall.kind, SpikeKind::kPreempted);
  EXPECT_EQ(stall.duration_ns, 5'000);
  EXPECT_EQ(stall.start_mono_ns, interval.end_mono_ns - 5'000);
  ASSERT_EQ(stall.cause_count, 1);
  EXPECT_EQ(stall.causes[0].tid, 91u);
  EXPECT_TRUE(stall.thread == interval.thread);
}

TEST(StallRecorderTest, ASleepIsWholeWithItsWait) {
  StallRecorder recorder;
  recorder.Enable(true);
  OffCpuInterval interval = MakeInterval(2'000, HFT_SWITCH_BLOCKED_SYSCALL);
  interval.off_cpu_ns = 90'000;
  interval.out_syscall = 230;
  recorder.OnInterval(interval);
  const Stall stall = Last(recorder);
  EXPECT_EQ(stall.kind, SpikeKind::kBlocked);
  EXPECT_EQ(stall.duration_ns, 90'000);
  EXPECT_EQ(stall.causes[0].kind, CauseKind::kBlocked);
  EXPECT_EQ(stall.causes[0].duration_ns, 88'000);
  EXPECT_EQ(stall.causes[0].syscall, 230);
}

TEST(StallRecorderTest, OfWhatWasNotSeenLeavingTheWaitIsKept) {
  StallRecorder recorder;
  recorder.Enable(true);
  OffCpuInterval interval = MakeInterval(2'000, HFT_SWITCH_UNKNOWN);
  interval.off_cpu_ns = -1;
  recorder.OnInterval(interval);
  EXPECT_EQ(Last(recorder).kind, SpikeKind::kRunQueue);
  EXPECT_EQ(Last(recorder).duration_ns, 2'000);
}

TEST(StallRecorderTest, TheKernelsOwnDoingsAndStretchesOfInterruptsAreStalls) {
  StallRecorder recorder;
  recorder.Enable(true);
  EndedKernelStall fault;
  fault.start_mono_ns = 1'000;
  fault.end_mono_ns = 8'000;
  fault.stall.what = HFT_KERNEL_FAULT;
  fault.stall.known = true;
  fault.on_cpu = true;
  recorder.OnKernelStall(fault);
  EXPECT_EQ(Last(recorder).kind, SpikeKind::kFault);
  EXPECT_EQ(Last(recorder).duration_ns, 7'000);
  Interruption stretch;
  stretch.start_mono_ns = 20'000;
  stretch.end_mono_ns = 24'000;
  recorder.OnInterruption(stretch);
  EXPECT_EQ(Last(recorder).kind, SpikeKind::kInterrupted);
  EXPECT_EQ(Last(recorder).start_mono_ns, 20'000);
}

TEST(MarkedSpikesTest, ASpikeOfAMarkGetsItsIdInTheOrderOfAllAndKeepsItsMark) {
  FakeMonotonicClock clock(2'000'000'000);
  SpikeHistory spikes(16, 16);
  SpikeDetector detector(&clock, &spikes, 16);
  detector.SetThresholds(1'000, 0);
  MarkedSpikes marked(&detector);
  EXPECT_FALSE(marked.Poll(0));
  detector.OnInterval(MakeInterval(5'000));
  Spike spike{};
  spike.kind = SpikeKind::kOperation;
  spike.start_mono_ns = 1'500'000'000;
  spike.duration_ns = 70'000;
  spike.unexplained_ns = 70'000;
  spike.mark = {.known = true, .name_bytes = 5, .value = 4711, .floor_ns = 3'000, .name = "order"};
  ASSERT_TRUE(marked.TryPush(spike));
  EXPECT_TRUE(marked.Poll(0));
  detector.OnInterval(MakeInterval(5'000));
  Spike told;
  ASSERT_EQ(spikes.ended().Read(1, &told), SeqRead::kOk);
  EXPECT_EQ(told.id, 2u);
  EXPECT_EQ(told.mark.value, 4711u);
  EXPECT_EQ(std::string(told.mark.name, told.mark.name_bytes), "order");
  EXPECT_FALSE(told.inconclusive);
  ASSERT_EQ(spikes.ended().Read(2, &told), SeqRead::kOk);
  EXPECT_FALSE(told.mark.known) << "not the one before it";
}

TEST(MarkedSpikesTest, OneWhoseStallsAreNotKnownIsInconclusive) {
  FakeMonotonicClock clock(2'000'000'000);
  SpikeHistory spikes(16, 16);
  SpikeDetector detector(&clock, &spikes, 16);
  MarkedSpikes marked(&detector);
  Spike spike{};
  spike.kind = SpikeKind::kGap;
  spike.mark.known = true;
  ASSERT_TRUE(marked.TryPush(spike));
  marked.Poll(0);
  Spike told;
  ASSERT_EQ(spikes.ended().Read(0, &told), SeqRead::kOk);
  EXPECT_TRUE(told.inconclusive);
}

}  // namespace
}  // namespace hftmon
