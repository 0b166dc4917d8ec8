#include "daemon/ingest/sleep_watch.h"

#include "tests/daemon/ingest/sleep_watch_fixture.h"

namespace hftmon::sleep_watch {
namespace {

TEST_F(SleepWatchTest, ASleepIsToldWhenTwoLooksFoundItAndItsBeginningIsExact) {
  LeaveUnderWatch();
  LookAt(kOutMonoNs + 2 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  LookAt(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  const OffCpuInterval& told = sink_.told[0];
  EXPECT_EQ(told.thread, kThread);
  EXPECT_EQ(told.slot, kSlot);
  EXPECT_EQ(told.out_cpu, kCpu);
  EXPECT_EQ(told.out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(told.out_syscall, 202);
  EXPECT_EQ(told.out_clock_ns, kOutClockNs);
  EXPECT_EQ(told.end_mono_ns, kOutMonoNs + 12 * kMs);
  EXPECT_EQ(told.off_cpu_ns, 12 * kMs);
  EXPECT_EQ(told.wait_ns, 0);
  EXPECT_EQ(sink_.crossings[0], kOutMonoNs + kThresholdNs);
}

TEST_F(SleepWatchTest, WithoutAPairOfClocksItBeganWhenALookFirstFoundIt) {
  LookAt(kOutMonoNs - 8 * kMs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 10 * kMs);
}

TEST_F(SleepWatchTest, APairThatContradictsTheLooksIsBoundedByThem) {
  LookAt(kOutMonoNs - 8 * kMs);
  offsets_.Note(kCpu, kOutClockNs, kOutMonoNs - 500 * kMs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 20 * kMs);
}

TEST_F(SleepWatchTest, WhoCouldRunOnIsNotAsleep) {
  LookAt(kOutMonoNs - 8 * kMs);
  Leave(HFT_SWITCH_USER_PREEMPTION);
  LookUntil(kOutMonoNs + 100 * kMs);
  EXPECT_TRUE(sink_.told.empty());
}

TEST_F(SleepWatchTest, NothingIsLookedForWhereNobodyAsks) {
  view_.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_FALSE(Watch().wanted());
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 100 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  view_.controls->off_cpu_threshold_ns = kThresholdNs;
  EXPECT_TRUE(Watch().wanted());
}

TEST_F(SleepWatchTest, OfTargetsThatDoNotAskOnlyWhereASubscriberDoes) {
  of_all_ = false;
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  view_.slots[kSlot].wishes.probes = HFT_BLOCKED;
  LookUntil(kOutMonoNs + 22 * kMs);
  EXPECT_EQ(sink_.told.size(), 1u);
}

TEST_F(SleepWatchTest, WhereNobodyAsksAnyMoreItGoesOnUntilItsEndAndWhoAsksAnewHearsOfIt) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_TRUE(Watch().wanted());
  LookUntil(kOutMonoNs + 502 * kMs);
  EXPECT_TRUE(sink_.over_ns.empty());
  LookUntil(kOutMonoNs + 1'100 * kMs);
  EXPECT_EQ(sink_.told.size(), 2u);
  Return();
  LookAt(kOutMonoNs + 1'110 * kMs);
  LookAt(kOutMonoNs + 1'120 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  EXPECT_FALSE(Watch().wanted());
}

TEST_F(SleepWatchTest, ItsBeginningStaysWhereItWasFirst) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  offsets_.Note(kCpu, kOutClockNs, kOutMonoNs + 3 * kMs);
  LookUntil(kOutMonoNs + 1'100 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].end_mono_ns - sink_.told[1].off_cpu_ns, kOutMonoNs);
}

TEST_F(SleepWatchTest, AnOldPairOfClocksIsNotUsed) {
  LookAt(kOutMonoNs - 8 * kMs);
  offsets_.Note(kCpu, kOutClockNs - ClockOffsets::kAgeMaxNs, kOutMonoNs - ClockOffsets::kAgeMaxNs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 10 * kMs);
}

TEST_F(SleepWatchTest, TheNextSleepIsToldWhenTheRecordOfTheLastHadTimeToCome) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.slots[kSlot].out_clock_ns = kOutClockNs + 20 * kMs;
  LookAt(kOutMonoNs + 22 * kMs, /*caught_up=*/false);
  LookAt(kOutMonoNs + 32 * kMs, /*caught_up=*/false);
  EXPECT_EQ(sink_.told.size(), 1u);
  LookAt(kOutMonoNs + 42 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  LookAt(kOutMonoNs + 52 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].out_clock_ns, kOutClockNs + 20 * kMs);
}

TEST_F(SleepWatchTest, ItIsToldAgainAtEachLevelAndEachSecond) {
  levels_ = {kThresholdNs, 95 * kMs};
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 1'200 * kMs);
  ASSERT_EQ(sink_.told.size(), 3u);
  EXPECT_EQ(sink_.told[1].off_cpu_ns, 102 * kMs);
  EXPECT_EQ(sink_.crossings[1], kOutMonoNs + 95 * kMs);
  EXPECT_EQ(sink_.told[2].off_cpu_ns, 1'102 * kMs);
  EXPECT_EQ(sink_.crossings[2], 0);
}

TEST_F(SleepWatchTest, ItIsOverWhenTheThreadIsBackAndTheRecordHadTimeToCome) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  Return();
  LookAt(kOutMonoNs + 32 * kMs);
  LookAt(kOutMonoNs + 42 * kMs, /*caught_up=*/false);
  EXPECT_TRUE(sink_.over_ns.empty());
  LookAt(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns, std::vector<int64_t>{kOutMonoNs + 22 * kMs});
  LookAt(kOutMonoNs + 62 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST_F(SleepWatchTest, OfAThreadThatIsWatchedNoMoreItIsOverAndNotToldAgain) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  view_.watched_bits[kThread.tgid / 64] = 0;
  LookUntil(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  EXPECT_EQ(sink_.told.size(), 1u);
}

TEST_F(SleepWatchTest, WhileTheProgramsAreOffNothingOfItIsBelieved) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  view_.controls->off = 1;
  LookUntil(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST_F(SleepWatchTest, WhatItBlocksInIsToldIfItIsOfThisDeparture) {
  LeaveUnderWatch();
  calls_[kSlot].generation = 3;
  hft_blocked_call& call = calls_[kSlot].last;
  call = {.out_clock_ns = kOutClockNs,
          .owner_tid = 77,
          .owner_syscall = -1,
          .state = HFT_CALL_KNOWN,
          .futex_command = HFT_NO_FUTEX,
          .owner_source = HFT_OWNER_GLIBC};
  call.arguments[0] = 9;
  call.wake_at_ns = 70'000;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(sink_.told[0].call.arguments[0], 9u);
  EXPECT_EQ(sink_.told[0].call.owner_tid, 77u);
  EXPECT_EQ(sink_.told[0].call.wake_at_mono_ns, 70'000);
  call.out_clock_ns = kOutClockNs - 1;
  LookUntil(kOutMonoNs + 1'200 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].call.state, HFT_CALL_NONE);
}

TEST_F(SleepWatchTest, WhoWasWokenMeanwhileWaits) {
  LeaveUnderWatch();
  WakerTable::Entry* entry = wakers_.Note(kSlot);
  entry->tid = kThread.tid;
  entry->out_clock_ns = kOutClockNs;
  entry->waker.state = WakerState::kKnown;
  entry->waker.woken_mono_ns = kOutMonoNs + 4 * kMs;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 12 * kMs);
  EXPECT_EQ(sink_.told[0].wait_ns, 8 * kMs);
  EXPECT_EQ(sink_.told[0].waker.state, WakerState::kKnown);
}

TEST(SleepWatchBoundsTest, MoreThanItHoldsAreCountedOnceEach) {
  ManySleepers many(/*asleep=*/true);
  many.Look(6);
  EXPECT_EQ(many.sink.told.size(), SleepWatch::kOpenMax);
  EXPECT_EQ(many.watch.dropped_count(), 10u);
  EXPECT_EQ(many.watch.unfollowed_count(), 10u);
  // One of them is back, and so is one that was told: there is room again for another.
  many.view.slots[ManySleepers::kSlots].out_clock_ns = 0;
  many.view.slots[1].out_clock_ns = 0;
  many.Look(3);
  EXPECT_EQ(many.watch.unfollowed_count(), 8u);
  EXPECT_EQ(many.watch.dropped_count(), 10u);
}

TEST(SleepWatchBoundsTest, WhatWasUntoldIsForgottenWhenNobodyAsksOrItIsWatchedNoMore) {
  ManySleepers many(/*asleep=*/true);
  many.Look(4);
  ASSERT_EQ(many.watch.unfollowed_count(), 10u);
  // Nobody asks for them any more: they are untold to nobody.
  many.Look(4, /*of_all=*/false);
  EXPECT_EQ(many.watch.unfollowed_count(), 0u);
  many.Look(4);
  ASSERT_EQ(many.watch.unfollowed_count(), 10u);
  many.view.watched_bits[0] = 0;
  many.view.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_TRUE(many.watch.wanted());
  many.Look(4);
  EXPECT_EQ(many.watch.unfollowed_count(), 0u);
  EXPECT_FALSE(many.watch.wanted());
}

}  // namespace
}  // namespace hftmon::sleep_watch
