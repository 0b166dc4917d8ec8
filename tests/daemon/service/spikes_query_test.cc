#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class SpikesQueryTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(90 * kSecondNs, kNowNs, 1);
  }
  grpc::Status Detect(const v1::DetectSpikesRequest& request) {
    response_.Clear();
    return stub_->DetectSpikes(Context().get(), request, &response_);
  }
  v1::DetectSpikesResponse response_;
};

TEST_F(SpikesQueryTest, ASpikeComesWithItsWholeTimeBudget) {
  AppendSpike(99 * kSecondNs, 400'000);
  v1::DetectSpikesRequest request;
  request.set_window_ns(2 * kSecondNs);
  const grpc::Status status = Detect(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.spikes_size(), 1);
  const v1::Spike& spike = response_.spikes(0);
  EXPECT_EQ(spike.id(), 1u);
  EXPECT_EQ(spike.thread().tid(), 1001);
  EXPECT_EQ(spike.target_pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(spike.kind(), "preempted");
  EXPECT_EQ(spike.start_monotonic_ns(), 99 * kSecondNs - 400'000);
  EXPECT_EQ(spike.duration_ns(), 400'000);
  EXPECT_EQ(spike.detection_ns(), 1'500);
  ASSERT_EQ(spike.causes_size(), 1);
  EXPECT_EQ(spike.causes(0).kind(), "thread");
  EXPECT_EQ(spike.causes(0).actor().tid(), 55);
  EXPECT_EQ(spike.causes(0).actor().pid(), 50);
  EXPECT_EQ(spike.causes(0).actor().comm(), "thread55");
  EXPECT_DOUBLE_EQ(spike.causes(0).share(), 0.75);
  EXPECT_THAT(spike.causes(0).evidence(), HasSubstr("thread55"));
  EXPECT_EQ(spike.causes(0).duration_ns() + spike.unexplained_ns(), spike.duration_ns());
  EXPECT_EQ(response_.floor_ns(), 50'000);
  EXPECT_FALSE(response_.incomplete());
  EXPECT_EQ(response_.window().end_monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.window().begin_monotonic_ns(), kNowNs - 2 * kSecondNs);
}

TEST_F(SpikesQueryTest, OneThatGoesOnIsToldAsItWasLastSeenAndPushesNoOtherOut) {
  AppendSpike(97 * kSecondNs, 300'000);
  Spike spike = MakeSpike(98 * kSecondNs, 400'000);
  spike.id = 700;
  spike.in_progress = true;
  for (uint64_t i = 0; i < 2 * kSpikeRingCapacity; ++i) {
    ++spike.duration_ns;
    spikes_.Append(&spike);
  }
  AppendSpike(99 * kSecondNs, 200'000);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 3);
  EXPECT_FALSE(response_.window().truncated());
  EXPECT_EQ(response_.spikes(0).duration_ns(), 300'000);
  EXPECT_TRUE(response_.spikes(1).in_progress());
  EXPECT_EQ(response_.spikes(1).duration_ns(), spike.duration_ns);
  EXPECT_EQ(response_.spikes(2).duration_ns(), 200'000);
  spike.in_progress = false;
  spike.start_mono_ns = 99 * kSecondNs + 1;
  spikes_.Append(&spike);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 3) << "told once, where it ended";
  EXPECT_FALSE(response_.spikes(2).in_progress());
  EXPECT_EQ(response_.spikes(2).id(), 700);
}

TEST_F(SpikesQueryTest, AnEndThatWasFoundOutLateHidesNoneThatCameBefore) {
  AppendSpike(kNowNs - 5'000'000, 200'000);
  Spike late = MakeSpike(kNowNs - 40'000'000, 200'000);
  late.id = 700;
  late.detected_mono_ns = kNowNs - 4'000'000;
  late.record_missing = true;
  spikes_.Append(&late);
  v1::DetectSpikesRequest request;
  request.set_window_ns(10'000'000);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_NE(response_.spikes(0).id(), 700);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 2);
  EXPECT_EQ(response_.spikes(1).id(), 700);
  EXPECT_EQ(response_.spikes(1).detection_ns(), 0) << "no record, no detection";
}

TEST_F(SpikesQueryTest, OneThatBeganBeforeWatchingDidSaysSoAndWhyItsEndIsNotKnown) {
  Spike spike = MakeSpike(95 * kSecondNs, 400'000);
  spike.began_earlier = true;
  spike.id = 700;
  spikes_.Append(&spike);
  spike.record_missing = true;
  spike.inconclusive = true;
  spike.id = 701;
  spikes_.Append(&spike);
  spike.lost_records = 1;
  spike.id = 702;
  spikes_.Append(&spike);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 3);
  for (const v1::Spike& told : response_.spikes()) EXPECT_TRUE(told.began_before_watching());
  EXPECT_EQ(response_.spikes(0).inconclusive_reason(), "");
  EXPECT_THAT(response_.spikes(1).inconclusive_reason(), ::testing::HasSubstr("it began before watching did"));
  EXPECT_THAT(response_.spikes(2).inconclusive_reason(), ::testing::HasSubstr("records lost"));
}

TEST_F(SpikesQueryTest, SleepsThatCannotBeToldAreCountedWhereBlockedOnesAreAskedFor) {
  spikes_.NoteUnfollowed(3);
  ASSERT_TRUE(Detect({}).ok());
  EXPECT_EQ(response_.unfollowed_sleep_count(), 0u);
  v1::DetectSpikesRequest request;
  request.set_blocked_threshold_ns(3'600'000'000'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_EQ(response_.unfollowed_sleep_count(), 3u);
}

TEST_F(SpikesQueryTest, OneThatGoesOnSinceBeforeTheWindowBelongsToIt) {
  Spike stuck = MakeSpike(95 * kSecondNs, 400'000);
  stuck.id = 700;
  stuck.slot = 5;
  stuck.in_progress = true;
  spikes_.NoteWait(5, 700);
  spikes_.Append(&stuck);
  AppendSpike(96 * kSecondNs, 200'000);
  v1::DetectSpikesRequest request;
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_EQ(response_.spikes(0).id(), 700);
  EXPECT_TRUE(response_.spikes(0).in_progress());
  EXPECT_FALSE(response_.incomplete());
  // Tellings of others push it out: its absence is said.
  Spike other = stuck;
  other.id = 701;
  other.slot = 6;
  spikes_.NoteWait(6, 701);
  for (uint64_t i = 0; i < SpikeHistory::kGoingOnMax; ++i) spikes_.Append(&other);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_EQ(response_.spikes_size(), 1);
  EXPECT_TRUE(response_.incomplete());
  spikes_.NoteWait(5, 0);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(SpikesQueryTest, TheWakerIsNamedOrSaidToBeUnknownOrAbsent) {
  Spike spike = MakeSpike(98 * kSecondNs, 400'000);
  spikes_.Append(&spike);
  spike.id = 2;
  spike.waker = {.state = WakerState::kKnown, .priority = 98, .policy = 1, .cpu = 3, .tid = 55, .tgid = 50, .woken_mono_ns = 77};
  spike.waker.woken_priority = 120;
  spikes_.Append(&spike);
  spike.id = 3;
  spike.waker.context = HFT_WAKER_HARD_IRQ;
  spike.waker.source = HFT_SOURCE_DEVICE;
  spike.waker.number = 36;
  spikes_.Append(&spike);
  spike.id = 4;
  spike.waker.state = WakerState::kUnknown;
  spikes_.Append(&spike);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 4);
  EXPECT_FALSE(response_.spikes(0).has_waker());
  const v1::Waker& thread = response_.spikes(1).waker();
  EXPECT_TRUE(thread.known());
  EXPECT_EQ(thread.context(), "thread");
  EXPECT_EQ(thread.tid(), 55);
  EXPECT_EQ(thread.pid(), 50);
  EXPECT_EQ(thread.comm(), "thread55");
  EXPECT_EQ(thread.cpu(), 3);
  EXPECT_EQ(thread.interrupt(), "");
  EXPECT_EQ(thread.woken_monotonic_ns(), 77);
  EXPECT_EQ(thread.waker_class(), "real_time");
  EXPECT_EQ(thread.waker_priority(), 98);
  EXPECT_EQ(thread.woken_class(), "fair");
  const v1::Waker& interrupt = response_.spikes(2).waker();
  EXPECT_EQ(interrupt.context(), "hard_irq");
  EXPECT_EQ(interrupt.interrupt(), "irq 36");
  EXPECT_EQ(interrupt.irq(), 36);
  EXPECT_EQ(response_.spikes(3).waker().ShortDebugString(), "");
}

TEST_F(SpikesQueryTest, ASpikeAcrossAnEpochsEdgeIsInconclusiveAndOthersAreNot) {
  AppendSpike(98 * kSecondNs, 400'000);
  AppendSpike(98 * kSecondNs + 12'000'000, 3'000'000);
  AppendSpike(99 * kSecondNs, 400'000);
  time_.StepWallClock(98 * kSecondNs + 1'000'000, 98 * kSecondNs + 10'000'000, 1'500'000'000);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 3);
  EXPECT_FALSE(response_.spikes(0).inconclusive());
  EXPECT_EQ(response_.spikes(0).inconclusive_reason(), "");
  EXPECT_TRUE(response_.spikes(1).inconclusive());
  EXPECT_THAT(response_.spikes(1).inconclusive_reason(), HasSubstr("clock epoch 2: the wall clock stepped by 1.5s"));
  EXPECT_FALSE(response_.spikes(2).inconclusive());
  EXPECT_EQ(response_.spikes(2).start_error_ns(), 400);
}

TEST_F(SpikesQueryTest, LostRecordsAndAnEpochAreBothSaid) {
  Spike spike = MakeSpike(98 * kSecondNs, 400'000);
  spike.inconclusive = true;
  spike.lost_records = 3;
  spike.record_clock_ns = 0;
  spikes_.Append(&spike);
  time_.StepWallClock(98 * kSecondNs - 1, 98 * kSecondNs, kSecondNs);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_THAT(response_.spikes(0).inconclusive_reason(), HasSubstr("records lost; clock epoch 2"));
  EXPECT_FALSE(response_.spikes(0).has_start_error_ns()) << "without the run queue's clock of the record nothing is known";
}

TEST_F(SpikesQueryTest, TheEpochsOfTheWindowComeWithTheirPairs) {
  time_.StepWallClock(10 * kSecondNs, 10 * kSecondNs + 1, kSecondNs);
  time_.StepWallClock(99 * kSecondNs, 99 * kSecondNs + 1, kSecondNs);
  v1::DetectSpikesRequest request;
  request.set_window_ns(2 * kSecondNs);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.epochs_size(), 2) << "the first ended long before the window";
  EXPECT_EQ(response_.epochs(0).number(), 2u);
  EXPECT_EQ(response_.epochs(0).end_monotonic_ns(), 99 * kSecondNs + 1);
  EXPECT_EQ(response_.epochs(0).time().realtime_ns(), 1'000'000 + kSecondNs);
  EXPECT_EQ(response_.epochs(1).reason(), "wall_step");
  EXPECT_EQ(response_.epochs(1).begin_after_monotonic_ns(), 99 * kSecondNs);
  EXPECT_EQ(response_.epochs(1).step_ns(), kSecondNs);
  EXPECT_EQ(response_.epochs(1).time().realtime_ns(), 1'000'000 + 2 * kSecondNs);
  EXPECT_FALSE(response_.epochs(1).has_end_monotonic_ns());
  // A spike that began before the window and ended in it needs the epoch of its beginning.
  AppendSpike(99 * kSecondNs, 90 * kSecondNs, SpikeKind::kBlocked);
  request.set_blocked_threshold_ns(1'000'000);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_EQ(response_.epochs_size(), 3);
}

TEST_F(SpikesQueryTest, ThreadsWithoutASlotAreSaid) {
  targets_.unslotted_thread_count = 3;
  targets_.Add(77);
  ASSERT_TRUE(Detect({}).ok());
  EXPECT_EQ(response_.unslotted_thread_count(), 3u);
}

TEST_F(SpikesQueryTest, OnlySpikesThatEndedInTheWindowAreAnswered) {
  AppendSpike(95 * kSecondNs, 400'000);
  AppendSpike(99 * kSecondNs, 400'000);
  AppendSpike(kNowNs + 5, 400'000);  // after the call's arrival
  v1::DetectSpikesRequest request;
  request.set_window_ns(2 * kSecondNs);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_EQ(response_.spikes(0).id(), 2u);
  request.set_window_ns(0);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_EQ(response_.spikes_size(), 2) << "0 is all that is kept";
}

TEST_F(SpikesQueryTest, EachKindHasItsThresholdAndBlockedOnesAreLeftOutUnlessAskedFor) {
  AppendSpike(99 * kSecondNs, 100'000);
  AppendSpike(99 * kSecondNs, 200'000, SpikeKind::kRunQueue);
  AppendSpike(99 * kSecondNs, 5'000'000, SpikeKind::kBlocked);
  v1::DetectSpikesRequest request;
  request.set_threshold_ns(100'000);  // an interval that equals it does not exceed it
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 1);
  EXPECT_EQ(response_.spikes(0).kind(), "run_queue");
  targets_.SetFloors(50'000, 1'000'000);
  request.set_blocked_threshold_ns(4'000'000);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 2);
  EXPECT_EQ(response_.spikes(1).kind(), "blocked");
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(SpikesQueryTest, WithoutAThresholdEachTargetsOwnStands) {
  targets_.Add(2000, {.spike_threshold_ns = 300'000});
  const ThreadKey other{.tid = 2001, .tgid = 2000, .start_ns = 200};
  AppendSpike(99 * kSecondNs, 200'000);                                // above the default of 50 us
  AppendSpike(99 * kSecondNs, 200'000, SpikeKind::kPreempted, other);  // below its target's
  AppendSpike(99 * kSecondNs, 400'000, SpikeKind::kPreempted, other);
  ASSERT_TRUE(Detect({}).ok());
  ASSERT_EQ(response_.spikes_size(), 2);
  EXPECT_EQ(response_.spikes(0).id(), 1u);
  EXPECT_EQ(response_.spikes(1).id(), 3u);
}

TEST_F(SpikesQueryTest, PidsRestrictTheAnswerAndUnknownOnesAreNotFound) {
  targets_.Add(2000);
  AppendSpike(99 * kSecondNs, 200'000);
  v1::DetectSpikesRequest request;
  request.add_pids(2000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_EQ(response_.spikes_size(), 0);
  request.add_pids(777);
  const grpc::Status status = Detect(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("hftmon attach 777"));
}

TEST_F(SpikesQueryTest, BelowTheKernelsFloorTheAnswerIsIncomplete) {
  v1::DetectSpikesRequest request;
  request.set_threshold_ns(49'999);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete());
  EXPECT_EQ(response_.floor_ns(), 50'000);
  request.set_threshold_ns(50'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_FALSE(response_.incomplete());
  request.set_blocked_threshold_ns(1'000'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete()) << "no off-CPU threshold was in force";
}

TEST_F(SpikesQueryTest, FloorsOfBeforeTheAttachmentDoNotCount) {
  targets_.attached_mono_ns = 95 * kSecondNs;
  targets_.Add(kPid, {.spike_threshold_ns = 10'000, .blocked_threshold_ns = 20'000});
  targets_.SetFloors(10'000, 20'000);
  // The attaching itself ends a little after the time that it notes.
  targets_.SetPastFloors(95 * kSecondNs + 2'000'000, 50'000, kNoFloorNs);
  v1::DetectSpikesRequest request;
  request.set_blocked_threshold_ns(20'000);
  for (const int64_t window_ns : {int64_t{0}, 3 * kSecondNs, 10 * kSecondNs}) {
    request.set_window_ns(window_ns);
    ASSERT_TRUE(Detect(request).ok());
    EXPECT_FALSE(response_.incomplete()) << window_ns;
    EXPECT_EQ(response_.floor_ns(), 10'000) << window_ns;
    EXPECT_EQ(response_.window().truncated(), window_ns == 10 * kSecondNs);
  }
  // Below what the target itself asked for, its first moments are missing too.
  request.set_blocked_threshold_ns(19'999);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete());
  // It asked for more at first.
  targets_.SetPastFloors(97 * kSecondNs, 50'000, kNoFloorNs);
  request.set_blocked_threshold_ns(20'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete());
  request.set_window_ns(3 * kSecondNs);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(SpikesQueryTest, FloorsOfAfterItsEndDoNotCount) {
  targets_.attached_mono_ns = 95 * kSecondNs;
  targets_.Add(kPid, {.spike_threshold_ns = 10'000, .blocked_threshold_ns = 20'000});
  targets_.End(kPid, 98 * kSecondNs);
  targets_.SetFloors(50'000, kNoFloorNs);
  v1::DetectSpikesRequest request;
  request.set_blocked_threshold_ns(20'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_FALSE(response_.incomplete());
  EXPECT_EQ(response_.floor_ns(), 10'000);
  request.set_threshold_ns(9'999);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete());
  request.clear_threshold_ns();
  targets_.SetFloors(50'000, 60'000);
  targets_.SetPastFloors(97 * kSecondNs, 50'000, kNoFloorNs);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete()) << "while it lived nothing was recorded for some time";
}

TEST_F(SpikesQueryTest, ATargetThatEndedBeforeTheWindowMakesItIncompleteNoMore) {
  targets_.Add(2000, {.spike_threshold_ns = 5'000});
  v1::DetectSpikesRequest request;
  request.set_window_ns(2 * kSecondNs);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_TRUE(response_.incomplete());
  targets_.End(2000, kNowNs - 2 * kSecondNs - 1);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_FALSE(response_.incomplete());
}

TEST_F(SpikesQueryTest, MaxSpikesKeepsTheNewestAndOverwritingIsSaid) {
  for (uint64_t i = 0; i < kSpikeRingCapacity + 10; ++i) AppendSpike(99 * kSecondNs + static_cast<int64_t>(i), 200'000);
  v1::DetectSpikesRequest request;
  request.set_window_ns(5 * kSecondNs);
  request.set_max_spikes(2);
  ASSERT_TRUE(Detect(request).ok());
  ASSERT_EQ(response_.spikes_size(), 2);
  EXPECT_EQ(response_.spikes(1).id(), kSpikeRingCapacity + 10);
  request.set_max_spikes(100'000);
  ASSERT_TRUE(Detect(request).ok());
  EXPECT_EQ(response_.spikes_size(), static_cast<int>(kSpikeRingCapacity));
  EXPECT_TRUE(response_.incomplete());
  EXPECT_TRUE(response_.window().truncated());
  EXPECT_EQ(response_.window().begin_monotonic_ns(), 99 * kSecondNs + 1'510)
      << "from when the oldest that is kept was detected, nothing is missing";
}

}  // namespace
}  // namespace hftmon
