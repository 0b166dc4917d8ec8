// Who slept before it was watched is noted, and nobody else.
#include "daemon/ingest/earlier_sleeps.h"

#include <gtest/gtest.h>

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

constexpr uint32_t kPid = 100;
constexpr uint32_t kSleeper = 101;

class EarlierSleepsTest : public ::testing::Test {
 protected:
  EarlierSleepsTest() {
    host_.hooks.StartProcess(kPid);
    host_.hooks.StartThread(kPid, kSleeper);
    host_.PumpAll();
  }
  void FallAsleep(uint32_t tid, int64_t found_ns) {
    TaskInfo task = *host_.tasks.Get(tid);
    task.asleep = true;
    task.sleep = {.found_mono_ns = found_ns, .cpu = 1, .syscall = 0, .call = HFT_CALL_KNOWN, .arguments = {8, 0, 0}};
    host_.tasks.Put(task);
  }
  int64_t FoundNs(uint32_t tid) const {
    const uint16_t slot = host_.hooks.PublishedSlotOf(tid);
    return host_.earlier_sleeps.FoundNs(slot, host_.slots[slot].generation);
  }

  FakeHost host_{65};
};

TEST_F(EarlierSleepsTest, AThreadThatSleepsWhenItIsAttachedIsNotedWithItsCallAndNoOther) {
  FallAsleep(kSleeper, 7'000);
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 7'000);
  EXPECT_EQ(FoundNs(kPid), 0);
  const uint16_t slot = host_.hooks.PublishedSlotOf(kSleeper);
  EarlierSleep sleep;
  ASSERT_TRUE(host_.earlier_sleeps.Read(slot, host_.slots[slot].generation, &sleep));
  EXPECT_EQ(sleep.cpu, 1);
  EXPECT_EQ(sleep.syscall, 0);
  EXPECT_EQ(sleep.call, HFT_CALL_KNOWN);
  EXPECT_EQ(sleep.arguments[0], 8u);
  EXPECT_FALSE(host_.earlier_sleeps.Read(slot, host_.slots[slot].generation + 1, &sleep));
}

TEST_F(EarlierSleepsTest, WhatWasSeenBeforeTheProcessWasWatchedCountsForNothing) {
  FallAsleep(kSleeper, 7'000);
  // Awake by the second look at the tasks, which is after its slot was published.
  host_.tasks.AfterEnumeration([this](int) {
    TaskInfo task = *host_.tasks.Get(kSleeper);
    task.asleep = false;
    host_.tasks.Put(task);
  });
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 0);
}

TEST_F(EarlierSleepsTest, WhoWasSeenOnACpuMeanwhileDidNotSleepAllTheTime) {
  FallAsleep(kSleeper, 7'000);
  host_.tasks.AfterEnumeration([this](int) {
    const uint16_t slot = host_.hooks.PublishedSlotOf(kSleeper);
    if (slot != HFT_NO_SLOT) host_.slots[slot].task = 0x1000;
  });
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 0);
}

TEST_F(EarlierSleepsTest, AfterATimeOffWhoSleepsThenIsNotedAndWhoDoesNotIsForgotten) {
  FallAsleep(kSleeper, 7'000);
  FallAsleep(kPid, 8'000);
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  ASSERT_TRUE(host_.registry.BeginOff().ok());
  TaskInfo leader = *host_.tasks.Get(kPid);
  leader.asleep = false;
  host_.tasks.Put(leader);
  FallAsleep(kSleeper, 9'000);
  ASSERT_TRUE(host_.registry.ForgetBeforeOn().ok());
  EXPECT_EQ(FoundNs(kSleeper), 0);
  host_.registry.CatchUpAfterOn();
  EXPECT_EQ(FoundNs(kSleeper), 9'000);
  EXPECT_EQ(FoundNs(kPid), 0);
}

TEST_F(EarlierSleepsTest, NothingIsNotedWhileTheProgramsAreOffOrTheTargetIsPaused) {
  FallAsleep(kSleeper, 7'000);
  host_.controls.off = 1;
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 0);
  host_.controls.off = 0;
  ASSERT_TRUE(host_.registry.Update(kPid, {.state = TargetState::kPaused}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 0);
  FallAsleep(kSleeper, 9'000);
  ASSERT_TRUE(host_.registry.Update(kPid, {.state = TargetState::kRunning}).ok());
  EXPECT_EQ(FoundNs(kSleeper), 9'000);
}

TEST_F(EarlierSleepsTest, AThreadThatIsFoundLateIsNotedToo) {
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  host_.hooks.LoseEvents(true);
  constexpr uint32_t kLate = 102;
  host_.hooks.AddToTaskList(kPid, kLate);
  FallAsleep(kLate, 9'500);
  host_.hooks.LoseEvents(false);
  host_.registry.Resync();
  host_.Settle();
  ASSERT_NE(host_.hooks.PublishedSlotOf(kLate), HFT_NO_SLOT);
  EXPECT_EQ(FoundNs(kLate), 9'500);
}

TEST_F(EarlierSleepsTest, ASleepThatGoesOnIsFoundOnce) {
  FallAsleep(kSleeper, 7'000);
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  FallAsleep(kSleeper, 9'000);
  host_.Settle();
  EXPECT_EQ(FoundNs(kSleeper), 7'000);
}

TEST_F(EarlierSleepsTest, WhoIsFoundAwakeLaterWithoutHavingBeenSeenOnACpuIsForgotten) {
  FallAsleep(kSleeper, 7'000);
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  TaskInfo task = *host_.tasks.Get(kSleeper);
  task.asleep = false;
  host_.tasks.Put(task);
  host_.clock.AdvanceNs(ProcessWatcher::kSleeperCheckNs);
  host_.registry.Maintain();
  EXPECT_EQ(FoundNs(kSleeper), 0);
}

TEST_F(EarlierSleepsTest, AnAttachmentDuringWhichTheProgramsGoOnIsSetRightByTheirCatchingUp) {
  FallAsleep(kSleeper, 7'000);
  ASSERT_TRUE(host_.registry.BeginOff().ok());
  host_.controls.off = 1;
  ASSERT_TRUE(host_.registry.ForgetBeforeOn().ok());
  host_.tasks.AfterEnumeration([this](int) { host_.controls.off = 0; });
  ASSERT_TRUE(host_.Attach({kPid}).ok());
  host_.tasks.AfterEnumeration({});
  TaskInfo task = *host_.tasks.Get(kSleeper);
  task.asleep = false;
  host_.tasks.Put(task);
  host_.registry.CatchUpAfterOn();
  EXPECT_EQ(FoundNs(kSleeper), 0);
}

}  // namespace
}  // namespace hftmon
