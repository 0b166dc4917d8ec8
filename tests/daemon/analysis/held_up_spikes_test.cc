// Spikes of threads that are held up: told while they are, and once more at their end.
#include <gtest/gtest.h>

#include "daemon/analysis/spike_cursor.h"
#include "daemon/analysis/spike_detector.h"
#include "tests/daemon/analysis/interval_maker.h"

namespace hftmon {
namespace {

class SetClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1'000'001'500;
};

class HeldUpSpikesTest : public ::testing::Test {
 protected:
  HeldUpSpikesTest() { detector_.SetThresholds(50'000, 1'000'000); }

  // The telling of that order.
  Spike At(uint64_t n) {
    SpikeCursor cursor(&spikes_);
    SpikePosition position;
    uint64_t overwritten = 0;
    const Spike* spike = cursor.Next(&position, &overwritten);
    while (spike != nullptr && spike->order < n) spike = cursor.Next(&position, &overwritten);
    EXPECT_TRUE(spike != nullptr && spike->order == n) << "no telling " << n;
    Spike found;
    EXPECT_EQ(spikes_.Read(position, &found), SeqRead::kOk);
    return found;
  }

  SetClock clock_;
  SpikeHistory spikes_{16, 16};
  SpikeDetector detector_{&clock_, &spikes_, 16};
};

TEST_F(HeldUpSpikesTest, ASleepThatGoesOnHasOneIdUntilItsEndAndItsCausesAreEstimated) {
  OffCpuInterval so_far = MakeInterval(0, HFT_SWITCH_BLOCKED_SYSCALL);
  so_far.off_cpu_ns = 5'000'000;
  so_far.out_clock_ns = 77;
  detector_.OnAsleep(so_far, 999'000'000);
  so_far.off_cpu_ns = 9'000'000;
  so_far.end_mono_ns += 4'000'000;
  clock_.now_ns += 4'000'000;
  detector_.OnAsleep(so_far, 0);
  const Spike told = At(0);
  EXPECT_EQ(told.kind, SpikeKind::kBlocked);
  EXPECT_TRUE(told.in_progress);
  EXPECT_EQ(told.duration_ns, 5'000'000);
  EXPECT_EQ(told.record_mono_ns, 999'000'000);
  ASSERT_EQ(told.cause_count, 1);
  EXPECT_EQ(told.causes[0].kind, CauseKind::kBlocked);
  EXPECT_TRUE(told.causes[0].estimated);
  EXPECT_TRUE(spikes_.GoesOn(told));
  EXPECT_EQ(At(1).id, told.id);
  EXPECT_EQ(At(1).duration_ns, 9'000'000);
  EXPECT_EQ(At(1).record_mono_ns, 999'000'000);
  EXPECT_GT(At(1).detected_mono_ns, told.detected_mono_ns) << "a history is in the order of this: a search of a window goes by it";
  EXPECT_EQ(spikes_.going_on_count(), 1u);
  OffCpuInterval whole = so_far;
  whole.off_cpu_ns = 9'500'000;
  detector_.SetThresholds(50'000, 1'000'000'000);  // what was told is told at its end
  detector_.OnInterval(whole);
  EXPECT_EQ(At(2).id, told.id);
  EXPECT_FALSE(At(2).in_progress);
  EXPECT_FALSE(At(2).causes[0].estimated);
  EXPECT_FALSE(spikes_.GoesOn(told));
  EXPECT_EQ(spikes_.going_on_count(), 0u);
  detector_.OnSleepOver(whole.slot, 77, whole.end_mono_ns);
  EXPECT_EQ(spikes_.end(), 3u);
  EXPECT_EQ(detector_.crossing_detection().sum_ns, 0);  // found by a look: none of the detector's latencies
}

TEST_F(HeldUpSpikesTest, ASleepWhoseRecordDoesNotComeIsOverAndItsRestUnexplained) {
  OffCpuInterval so_far = MakeInterval(0, HFT_SWITCH_BLOCKED_SYSCALL);
  so_far.off_cpu_ns = 5'000'000;
  so_far.out_clock_ns = 77;
  detector_.OnAsleep(so_far, 999'000'000);
  detector_.OnSleepOver(so_far.slot, 77, so_far.end_mono_ns + 1'000'000);
  EXPECT_TRUE(At(1).record_missing);
  EXPECT_TRUE(At(1).inconclusive);
  EXPECT_EQ(At(1).duration_ns, 6'000'000);
  EXPECT_EQ(At(1).unexplained_ns, 1'000'000);
  EXPECT_FALSE(At(1).began_earlier);
  EXPECT_EQ(spikes_.going_on_count(), 0u);
}

class EarlierSleepSpikesTest : public HeldUpSpikesTest {
 protected:
  static constexpr int64_t kFoundNs = 990'000'000;

  OffCpuInterval Told() {
    OffCpuInterval so_far = MakeInterval(0, HFT_SWITCH_BLOCKED_SYSCALL);
    so_far.out_clock_ns = -kFoundNs;
    so_far.off_cpu_ns = so_far.end_mono_ns - kFoundNs;
    detector_.OnAsleep(so_far, 999'000'000);
    return so_far;
  }
};

TEST_F(EarlierSleepSpikesTest, WithoutARecordOfItsEndItLastedAsLongAsLooksFoundIt) {
  const OffCpuInterval so_far = Told();
  EXPECT_TRUE(At(0).began_earlier);
  detector_.OnSleepOver(so_far.slot, so_far.out_clock_ns, so_far.end_mono_ns + 1'000'000);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_TRUE(At(1).began_earlier);
  EXPECT_TRUE(At(1).record_missing);
  EXPECT_TRUE(At(1).inconclusive);
  EXPECT_EQ(At(1).duration_ns, At(0).duration_ns + 1'000'000);
  EXPECT_EQ(At(1).causes[0].duration_ns, At(1).duration_ns);
  EXPECT_TRUE(At(1).causes[0].estimated);
  EXPECT_EQ(At(1).unexplained_ns, 0);
  EXPECT_FALSE(At(1).runners_truncated);
}

TEST_F(EarlierSleepSpikesTest, TheRecordOfItsWaitForACpuEndsItExactly) {
  const OffCpuInterval so_far = Told();
  OffCpuInterval seen = MakeInterval(200'000, HFT_SWITCH_UNKNOWN);
  seen.end_mono_ns = so_far.end_mono_ns + 3'000'000;
  seen.off_cpu_ns = -1;
  seen.out_clock_ns = 0;
  detector_.OnInterval(seen);
  EXPECT_EQ(At(1).kind, SpikeKind::kRunQueue);
  const Spike ended = At(2);
  EXPECT_EQ(ended.id, At(0).id);
  EXPECT_FALSE(ended.in_progress);
  EXPECT_FALSE(ended.record_missing);
  EXPECT_EQ(ended.start_mono_ns, kFoundNs);
  EXPECT_EQ(ended.start_mono_ns + ended.duration_ns, seen.end_mono_ns);
  ASSERT_EQ(ended.cause_count, 2);
  EXPECT_EQ(ended.causes[0].kind, CauseKind::kBlocked);
  EXPECT_FALSE(ended.causes[0].estimated);
  EXPECT_EQ(ended.causes[1].kind, CauseKind::kRunnable);
  EXPECT_EQ(ended.causes[1].duration_ns, 200'000);
  EXPECT_EQ(ended.causes[0].duration_ns + 200'000, ended.duration_ns);
  EXPECT_EQ(spikes_.going_on_count(), 0u);
  detector_.OnSleepOver(so_far.slot, so_far.out_clock_ns, so_far.end_mono_ns);
  EXPECT_EQ(spikes_.end(), 3u) << "told once";
}

TEST_F(EarlierSleepSpikesTest, ARecordOfAnotherThreadOrOfALaterSleepDoesNotEndIt) {
  const OffCpuInterval so_far = Told();
  OffCpuInterval seen = MakeInterval(200'000, HFT_SWITCH_UNKNOWN);
  seen.off_cpu_ns = -1;
  seen.out_clock_ns = 0;
  seen.thread.start_ns += 1;
  detector_.OnInterval(seen);
  EXPECT_TRUE(spikes_.GoesOn(At(0)));
  detector_.OnSleepOver(so_far.slot, so_far.out_clock_ns, so_far.end_mono_ns);
  OffCpuInterval next = so_far;
  next.out_clock_ns = 77;
  detector_.OnAsleep(next, 999'000'000);
  EXPECT_FALSE(At(spikes_.end() - 1).began_earlier);
}

TEST_F(HeldUpSpikesTest, WhatTheKernelDoesAndGoesOnHasOneIdUntilItsEnd) {
  EndedKernelStall so_far;
  so_far.thread = {5, 4, 3};
  so_far.slot = 9;
  so_far.start_mono_ns = 1'000'000;
  so_far.end_mono_ns = 11'000'000;
  so_far.off_cpu_ns = 10'000'000;
  so_far.stall.known = true;
  detector_.OnKernelStallGoesOn(so_far, 1'050'000);
  so_far.stall.what = HFT_KERNEL_LOCK;  // another kind of the same thread and moment is another one
  detector_.OnKernelStallGoesOn(so_far, 1'050'000);
  EXPECT_NE(At(0).id, At(1).id);
  EXPECT_EQ(At(0).kind, SpikeKind::kFault);
  EXPECT_TRUE(At(0).in_progress);
  EXPECT_TRUE(At(0).causes[0].estimated);
  EXPECT_EQ(spikes_.going_on_count(), 2u);
  so_far.stall.what = HFT_KERNEL_FAULT;
  so_far.end_mono_ns = 12'000'000;
  detector_.OnKernelStall(so_far);
  EXPECT_EQ(At(2).id, At(0).id);
  EXPECT_FALSE(At(2).in_progress);
  EXPECT_FALSE(spikes_.GoesOn(At(0)));
  EXPECT_TRUE(spikes_.GoesOn(At(1)));
  detector_.OnKernelStallOver(9, HFT_KERNEL_LOCK, 1'000'000, 11'500'000);
  EXPECT_TRUE(At(3).record_missing);
  EXPECT_EQ(At(3).duration_ns, 10'500'000);
  EXPECT_EQ(spikes_.going_on_count(), 0u);
}

}  // namespace
}  // namespace hftmon
