#include "daemon/analysis/spike_detector.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/histogram.h"
#include "daemon/analysis/spike_cursor.h"
#include "tests/daemon/analysis/interval_maker.h"

namespace hftmon {
namespace {

class SetClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1'000'001'500;
};

class SpikeDetectorTest : public ::testing::Test {
 protected:
  SpikeDetectorTest() { detector_.SetThresholds(50'000, 1'000'000); }

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

TEST_F(SpikeDetectorTest, OnlyAWaitAboveTheThresholdIsASpike) {
  detector_.OnInterval(MakeInterval(50'000));
  EXPECT_EQ(spikes_.end(), 0u);
  detector_.OnInterval(MakeInterval(50'001));
  EXPECT_EQ(spikes_.end(), 1u);
}

TEST_F(SpikeDetectorTest, ThereAreNoSpikesBeforeThresholdsAreSetNorWithAThresholdOfNone) {
  SpikeDetector fresh(&clock_, &spikes_, 16);
  fresh.OnInterval(MakeInterval(1'000'000'000'000));
  fresh.SetThresholds(0, -1);
  fresh.OnInterval(MakeInterval(1'000'000'000'000));
  EXPECT_EQ(spikes_.end(), 0u);
}

TEST_F(SpikeDetectorTest, ASpikeThatBeganBeforeTheProgramsWereOnAgainOrEndedAfterTheyWereOffIsInconclusive) {
  const OffCpuInterval interval = MakeInterval(60'000);
  const int64_t start_ns = interval.end_mono_ns - 60'000;
  detector_.SetConclusive(start_ns + 1, INT64_MAX);
  detector_.OnInterval(interval);
  detector_.SetConclusive(start_ns, interval.end_mono_ns - 1);
  detector_.OnInterval(interval);
  detector_.SetConclusive(start_ns, interval.end_mono_ns);
  detector_.OnInterval(interval);
  EXPECT_TRUE(At(0).inconclusive);
  EXPECT_EQ(At(0).lost_records, 0u);
  EXPECT_TRUE(At(1).inconclusive);
  EXPECT_FALSE(At(2).inconclusive);
}

TEST_F(SpikeDetectorTest, ASpikeCarriesWhatTheIntervalSays) {
  OffCpuInterval interval = MakeInterval(60'000);
  interval.depth = 3;
  interval.priority = 98;
  interval.wait_migrations = 1;
  interval.runners_truncated = true;
  AddSegment(interval, 1, 60'000, {Ran(501, 60'000)});
  detector_.OnInterval(interval);
  const Spike spike = At(0);
  EXPECT_EQ(spike.id, 1u);
  EXPECT_EQ(spike.kind, SpikeKind::kPreempted);
  EXPECT_EQ(spike.thread, interval.thread);
  EXPECT_EQ(spike.slot, 9);
  EXPECT_EQ(spike.cpu, 1);
  EXPECT_EQ(spike.depth, 3);
  EXPECT_EQ(spike.priority, 98);
  EXPECT_EQ(spike.wait_migrations, 1);
  EXPECT_TRUE(spike.runners_truncated);
  EXPECT_EQ(spike.start_mono_ns, 1'000'000'000 - 60'000);
  EXPECT_EQ(spike.duration_ns, 60'000);
  EXPECT_EQ(spike.record_mono_ns, 1'000'000'000);
  EXPECT_EQ(spike.record_clock_ns, 999'999'400);
  EXPECT_EQ(spike.detected_mono_ns, 1'000'001'500);
  EXPECT_FALSE(spike.inconclusive);
  ASSERT_EQ(spike.cause_count, 1);
  EXPECT_EQ(spike.causes[0].tid, 501u);
}

TEST_F(SpikeDetectorTest, TheKindFollowsFromHowTheThreadLeftItsCpu) {
  const std::pair<hft_switch_kind, SpikeKind> kinds[] = {{HFT_SWITCH_USER_PREEMPTION, SpikeKind::kPreempted},
                                                         {HFT_SWITCH_KERNEL_PREEMPTION, SpikeKind::kPreempted},
                                                         {HFT_SWITCH_FORCED_MIGRATION, SpikeKind::kPreempted},
                                                         {HFT_SWITCH_BLOCKED_SYSCALL, SpikeKind::kRunQueue},
                                                         {HFT_SWITCH_BLOCKED_FAULT, SpikeKind::kRunQueue},
                                                         {HFT_SWITCH_YIELD, SpikeKind::kRunQueue},
                                                         {HFT_SWITCH_UNKNOWN, SpikeKind::kRunQueue}};
  uint64_t n = 0;
  for (const auto& [out_kind, kind] : kinds) {
    detector_.OnInterval(MakeInterval(60'000, out_kind));
    EXPECT_EQ(At(n++).kind, kind) << out_kind;
  }
}

TEST_F(SpikeDetectorTest, OneIntervalMayBeARunQueueSpikeAndABlockedSpike) {
  OffCpuInterval interval = MakeInterval(60'000, HFT_SWITCH_BLOCKED_SYSCALL);
  interval.off_cpu_ns = 2'000'000;
  detector_.OnInterval(interval);
  ASSERT_EQ(spikes_.end(), 2u);
  EXPECT_EQ(At(0).kind, SpikeKind::kRunQueue);
  EXPECT_EQ(At(1).kind, SpikeKind::kBlocked);
  EXPECT_EQ(At(1).duration_ns, 2'000'000);
  EXPECT_EQ(At(1).id, 2u);
}

TEST_F(SpikeDetectorTest, OnlyBlockingMakesABlockedSpike) {
  for (const hft_switch_kind kind : {HFT_SWITCH_YIELD, HFT_SWITCH_USER_PREEMPTION, HFT_SWITCH_KERNEL_PREEMPTION}) {
    OffCpuInterval interval = MakeInterval(0, kind);
    interval.off_cpu_ns = 2'000'000;
    detector_.OnInterval(interval);
  }
  EXPECT_EQ(spikes_.end(), 0u);
}

TEST_F(SpikeDetectorTest, BlockingIsSeenWithoutTheSavedRegistersToo) {
  OffCpuInterval interval = MakeInterval(0, HFT_SWITCH_UNKNOWN);
  interval.off_cpu_ns = 2'000'000;
  detector_.OnInterval(interval);
  ASSERT_EQ(spikes_.end(), 1u);
  EXPECT_EQ(At(0).kind, SpikeKind::kBlocked);
}

TEST_F(SpikeDetectorTest, CausesOfAnEarlierSpikeAreNotLeftInALaterOne) {
  OffCpuInterval crowded = MakeInterval(100'000);
  AddSegment(crowded, 1, 100'000, {Ran(501, 50'000), Ran(502, 30'000), Ran(0, 20'000)});
  detector_.OnInterval(crowded);
  detector_.OnInterval(MakeInterval(70'000));
  const Spike spike = At(1);
  EXPECT_EQ(spike.cause_count, 0);
  EXPECT_EQ(spike.unexplained_ns, 70'000);
  EXPECT_EQ(spike.causes[0].duration_ns, 0);
}

TEST_F(SpikeDetectorTest, ALossWithinTheSpikesTimeMakesItInconclusive) {
  const int64_t end = MakeInterval(0).end_mono_ns;
  detector_.OnLoss({.lost_count = 3, .begin_mono_ns = end - 300'000, .end_mono_ns = end - 200'000});
  detector_.OnLoss({.lost_count = 4, .begin_mono_ns = end - 150'000, .end_mono_ns = end - 99'999});
  detector_.OnLoss({.lost_count = 5, .begin_mono_ns = end + 1, .end_mono_ns = end + 10});
  detector_.OnInterval(MakeInterval(100'000));
  EXPECT_TRUE(At(0).inconclusive);
  EXPECT_EQ(At(0).lost_records, 4u);
  detector_.OnInterval(MakeInterval(90'000));
  EXPECT_FALSE(At(1).inconclusive);
  EXPECT_EQ(At(1).lost_records, 0u);
  detector_.OnInterval(MakeInterval(500'000));
  EXPECT_EQ(At(2).lost_records, 7u);
}

TEST_F(SpikeDetectorTest, ManyLossesAreRememberedWithoutForgettingAny) {
  const int64_t end = MakeInterval(0).end_mono_ns;
  for (int i = 0; i < 1000; ++i) detector_.OnLoss({.lost_count = 1, .begin_mono_ns = end - 100'000 + i, .end_mono_ns = end - 100'000 + i});
  detector_.OnInterval(MakeInterval(200'000));
  EXPECT_EQ(At(0).lost_records, 1000u);
  // The newest are still told apart.
  detector_.OnInterval(MakeInterval(99'011));
  EXPECT_EQ(At(1).lost_records, 11u);
}

TEST_F(SpikeDetectorTest, DetectionIsMeasuredFromTheClosingRecord) {
  detector_.OnInterval(MakeInterval(60'000));
  clock_.now_ns = 1'000'009'000;
  detector_.OnInterval(MakeInterval(60'000));
  clock_.now_ns = 999'999'000;  // a clock that disagrees by a microsecond: not negative
  detector_.OnInterval(MakeInterval(60'000));
  const DetectionLatency latency = detector_.detection();
  EXPECT_EQ(latency.histogram[BucketOf(1'500)], 1u);
  EXPECT_EQ(latency.histogram[BucketOf(9'000)], 1u);
  EXPECT_EQ(latency.histogram[0], 1u);
  EXPECT_EQ(TotalCount(latency.histogram), 3u);
  EXPECT_EQ(latency.sum_ns, 10'500);
  EXPECT_EQ(latency.max_ns, 9'000);
}

TEST_F(SpikeDetectorTest, ThresholdsAndLatencyMayBeTouchedByOtherThreadsMeanwhile) {
  std::atomic<bool> stop{false};
  uint64_t seen = 0;
  std::thread other([&] {
    do {
      detector_.SetThresholds(50'000, 1'000'000);
      seen = TotalCount(detector_.detection().histogram);
      Spike spike;
      if (spikes_.end() > 0 && spikes_.Read({.index = spikes_.end() - 1}, &spike) == SeqRead::kOk) {
        EXPECT_EQ(spike.duration_ns, 60'000);
      }
    } while (!stop.load(std::memory_order_acquire));
  });
  for (int i = 0; i < 100'000; ++i) detector_.OnInterval(MakeInterval(60'000));
  stop.store(true, std::memory_order_release);
  other.join();
  EXPECT_LE(seen, 100'000u);
  EXPECT_EQ(TotalCount(detector_.detection().histogram), 100'000u);
}

TEST_F(SpikeDetectorTest, AStallInProgressAndItsEndHaveOneIdAndTheNextSpikeAnother) {
  OffCpuInterval so_far = MakeInterval(50'700);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns - 700);
  OffCpuInterval other = MakeInterval(60'000);
  other.slot = 10;
  detector_.OnInterval(other);
  OffCpuInterval whole = MakeInterval(400'000);
  whole.out_clock_ns = 777;
  detector_.OnInterval(whole);
  ASSERT_EQ(spikes_.end(), 3u);
  EXPECT_TRUE(At(0).in_progress);
  EXPECT_EQ(At(0).id, 1u);
  EXPECT_EQ(At(0).record_clock_ns, 0) << "the error of its start is not known";
  EXPECT_NE(At(2).record_clock_ns, 0);
  EXPECT_FALSE(At(1).in_progress);
  EXPECT_EQ(At(1).id, 2u);
  EXPECT_FALSE(At(2).in_progress);
  EXPECT_EQ(At(2).id, 1u);
  EXPECT_EQ(At(2).duration_ns, 400'000);
  EXPECT_EQ(detector_.crossing_detection().sum_ns, 700) << "from the crossing";
  EXPECT_EQ(detector_.crossing_detection().max_ns, 700);
}

TEST_F(SpikeDetectorTest, AStallThatIsToldTwiceKeepsItsIdAndAnotherOneOfTheThreadHasItsOwn) {
  OffCpuInterval so_far = MakeInterval(50'001);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns);
  OffCpuInterval longer = MakeInterval(200'001);
  longer.out_clock_ns = 777;
  detector_.OnStalled(longer, clock_.now_ns);
  OffCpuInterval next = MakeInterval(50'001);
  next.out_clock_ns = 888;
  detector_.OnStalled(next, clock_.now_ns);
  ASSERT_EQ(spikes_.end(), 3u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_EQ(At(1).duration_ns, 200'001);
  EXPECT_NE(At(2).id, At(0).id);
}

TEST_F(SpikeDetectorTest, WhatWasToldInProgressIsToldAtItsEndWhateverTheThresholdHasBecome) {
  OffCpuInterval so_far = MakeInterval(50'001);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns);
  detector_.SetThresholds(10'000'000, 0);
  OffCpuInterval whole = MakeInterval(60'000);
  whole.out_clock_ns = 777;
  detector_.OnInterval(whole);
  ASSERT_EQ(spikes_.end(), 2u);
  EXPECT_EQ(At(1).id, At(0).id);
}

TEST_F(SpikeDetectorTest, AWaitAfterAWakeUpAndTheSleepBeforeItNameTheWakerAndOthersDoNot) {
  OffCpuInterval so_far = MakeInterval(50'001, HFT_SWITCH_BLOCKED_SYSCALL);
  so_far.off_cpu_ns = -1;
  so_far.out_clock_ns = 777;
  so_far.waker.state = WakerState::kKnown;
  so_far.waker.tid = 41;
  detector_.OnStalled(so_far, clock_.now_ns);
  OffCpuInterval whole = so_far;
  whole.wait_ns = 60'000;
  whole.off_cpu_ns = 1'000'001;
  detector_.OnInterval(whole);
  detector_.OnInterval(MakeInterval(60'000));
  ASSERT_EQ(spikes_.end(), 4u);
  EXPECT_TRUE(At(0).in_progress);
  EXPECT_EQ(At(0).kind, SpikeKind::kRunQueue);
  EXPECT_EQ(At(0).waker.tid, 41u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_EQ(At(1).waker.tid, 41u);
  EXPECT_EQ(At(2).kind, SpikeKind::kBlocked);
  EXPECT_EQ(At(2).waker.tid, 41u);
  EXPECT_EQ(At(3).kind, SpikeKind::kPreempted);
  EXPECT_EQ(At(3).waker.state, WakerState::kNone);
}

TEST_F(SpikeDetectorTest, AStallWhoseEndWasLostIsClosedUnexplained) {
  OffCpuInterval so_far = MakeInterval(50'001);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns);
  detector_.OnStallOver(so_far.slot, 777, so_far.end_mono_ns + 1'000'000);
  detector_.OnStallOver(so_far.slot, 777, so_far.end_mono_ns + 2'000'000);
  ASSERT_EQ(spikes_.end(), 2u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_FALSE(At(1).in_progress);
  EXPECT_TRUE(At(1).runners_truncated);
  EXPECT_EQ(At(1).duration_ns, 1'050'001);
  EXPECT_EQ(At(1).unexplained_ns, At(1).duration_ns);
}

Interruption MakeStretch(int64_t start_mono_ns, int64_t duration_ns) {
  Interruption stretch;
  stretch.thread = {.tid = 77, .tgid = 70, .start_ns = 5};
  stretch.slot = 3;
  stretch.cpu = 1;
  stretch.start_mono_ns = start_mono_ns;
  stretch.end_mono_ns = start_mono_ns + duration_ns;
  return stretch;
}

TEST_F(SpikeDetectorTest, AStretchInProgressIsToldAtItsEndWhateverTheThresholdHasBecome) {
  detector_.OnInterrupted(MakeStretch(900'000'000, 50'001), clock_.now_ns);
  detector_.SetThresholds(10'000'000, 0);
  detector_.OnInterruption(MakeStretch(900'000'000, 60'000));
  detector_.OnInterruption(MakeStretch(900'500'000, 60'000));
  ASSERT_EQ(spikes_.end(), 2u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_EQ(At(1).duration_ns, 60'000);
  detector_.OnStretchOver(1, 900'000'000, 900'060'000);
  EXPECT_EQ(spikes_.end(), 2u) << "its end was told";
}

TEST_F(SpikeDetectorTest, AStretchWhoseEndWasLostIsClosedUnexplainedOnce) {
  detector_.OnInterrupted(MakeStretch(900'000'000, 50'001), clock_.now_ns);
  detector_.OnStretchOver(1, 900'000'001, 900'070'000);
  EXPECT_EQ(spikes_.end(), 1u) << "another stretch";
  detector_.OnStretchOver(1, 900'000'000, 900'070'000);
  detector_.OnStretchOver(1, 900'000'000, 900'080'000);
  ASSERT_EQ(spikes_.end(), 2u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_FALSE(At(1).in_progress);
  EXPECT_EQ(At(1).kind, SpikeKind::kInterrupted);
  EXPECT_EQ(At(1).thread, At(0).thread);
  EXPECT_EQ(At(1).slot, 3);
  EXPECT_EQ(At(1).duration_ns, 70'000);
  EXPECT_EQ(At(1).unexplained_ns, 70'000);
}

TEST_F(SpikeDetectorTest, ALateRecordOfAnEarlierStretchLeavesTheOneThatGoesOnAlone) {
  detector_.OnInterrupted(MakeStretch(900'500'000, 60'000), clock_.now_ns);
  detector_.OnInterruption(MakeStretch(900'000'000, 100'000));
  detector_.OnInterruption(MakeStretch(900'500'000, 90'000));
  ASSERT_EQ(spikes_.end(), 3u);
  EXPECT_FALSE(At(1).in_progress);
  EXPECT_EQ(At(1).duration_ns, 100'000);
  EXPECT_NE(At(1).id, At(0).id);
  EXPECT_EQ(At(2).id, At(0).id);
  EXPECT_EQ(At(2).duration_ns, 90'000);
}

TEST_F(SpikeDetectorTest, TheHistoryKnowsWhatGoesOn) {
  OffCpuInterval so_far = MakeInterval(50'001);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns);
  detector_.OnInterrupted(MakeStretch(900'000'000, 50'001), clock_.now_ns);
  EXPECT_EQ(spikes_.going_on_count(), 2u);
  EXPECT_TRUE(spikes_.GoesOn(At(0)));
  EXPECT_TRUE(spikes_.GoesOn(At(1)));
  detector_.OnInterruption(MakeStretch(900'000'000, 60'000));
  EXPECT_FALSE(spikes_.GoesOn(At(1)));
  detector_.OnStallOver(so_far.slot, 777, so_far.end_mono_ns);
  EXPECT_FALSE(spikes_.GoesOn(At(0)));
  EXPECT_EQ(spikes_.going_on_count(), 0u);
}

TEST_F(SpikeDetectorTest, AnEndThatNoRecordToldIsInconclusiveAndKeepsWhatWasKnown) {
  OffCpuInterval so_far = MakeInterval(60'000);
  so_far.out_clock_ns = 777;
  AddSegment(so_far, 1, 60'000, {Ran(501, 60'000)});
  detector_.OnStalled(so_far, clock_.now_ns);
  detector_.OnStallOver(so_far.slot, 777, so_far.end_mono_ns + 40'000);
  EXPECT_TRUE(At(1).inconclusive);
  EXPECT_EQ(At(1).duration_ns, 100'000);
  EXPECT_EQ(At(1).unexplained_ns, 40'000);
  ASSERT_EQ(At(1).cause_count, 1);
  EXPECT_EQ(At(1).causes[0].tid, 501u);
  EXPECT_EQ(At(1).causes[0].duration_ns, 60'000);
}

TEST_F(SpikeDetectorTest, AnEndThatNoRecordToldIsNoDetection) {
  OffCpuInterval so_far = MakeInterval(50'001);
  so_far.out_clock_ns = 777;
  detector_.OnStalled(so_far, clock_.now_ns);
  detector_.OnStallOver(so_far.slot, 777, so_far.end_mono_ns);
  EXPECT_TRUE(At(1).record_missing);
  EXPECT_EQ(TotalCount(detector_.detection().histogram), 0u);
  detector_.OnInterval(MakeInterval(60'000));
  EXPECT_FALSE(At(2).record_missing);
  EXPECT_EQ(TotalCount(detector_.detection().histogram), 1u);
}

TEST_F(SpikeDetectorTest, AStretchThatNeverEndedIsClosedBeforeTheNextOneOfItsCpu) {
  detector_.OnInterrupted(MakeStretch(900'000'000, 50'001), clock_.now_ns);
  detector_.OnInterrupted(MakeStretch(900'500'000, 60'000), clock_.now_ns);
  ASSERT_EQ(spikes_.end(), 3u);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_FALSE(At(1).in_progress);
  EXPECT_EQ(At(1).duration_ns, 50'001);
  EXPECT_NE(At(2).id, At(0).id);
  EXPECT_TRUE(At(2).in_progress);
}

TEST_F(SpikeDetectorTest, AStretchOfInterruptsThatIsToldAgainKeepsItsId) {
  Interruption stretch = MakeStretch(900'000'000, 50'000);
  detector_.OnInterruption(stretch);
  EXPECT_EQ(spikes_.end(), 0u) << "not above the threshold";
  stretch.end_mono_ns += 1;
  detector_.OnInterrupted(stretch, stretch.end_mono_ns);
  stretch.end_mono_ns += 100'000;
  detector_.OnInterruption(stretch);
  stretch.start_mono_ns += 500'000;
  stretch.end_mono_ns += 500'000;
  detector_.OnInterruption(stretch);
  ASSERT_EQ(spikes_.end(), 3u);
  EXPECT_EQ(At(0).kind, SpikeKind::kInterrupted);
  EXPECT_TRUE(At(0).in_progress);
  EXPECT_EQ(At(1).id, At(0).id);
  EXPECT_NE(At(2).id, At(0).id);
}

}  // namespace
}  // namespace hftmon
