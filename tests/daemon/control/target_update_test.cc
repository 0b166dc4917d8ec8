#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TargetUpdateTest : public RegistryTest {
 protected:
  void SetUp() override {
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
    ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 5'000}).ok());
  }
  absl::Status SetState(TargetState state) { return host.registry.Update(100, {.state = state}).status(); }
};

TEST_F(TargetUpdateTest, PausedTargetKeepsItsSlotsAndLosesItsBit) {
  const uint16_t slot = hooks.PublishedSlotOf(101);
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  EXPECT_FALSE(hooks.IsWatched(100));
  EXPECT_EQ(hooks.PublishedSlotOf(101), slot);
  EXPECT_EQ(host.Target(100)->state, TargetState::kPaused);
  EXPECT_EQ(host.Target(100)->thread_count, 2);
  host.Settle();
  host.CheckInvariants("paused");
}

TEST_F(TargetUpdateTest, PausedTargetHasNoSayInTheThresholds) {
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 5'000u);
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 50'000u);
  ASSERT_TRUE(SetState(TargetState::kRunning).ok());
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 5'000u);
}

TEST_F(TargetUpdateTest, ProbeGroupsAreExactlyThoseThatAnUpdateNames) {
  const uint16_t slot = hooks.PublishedSlotOf(101);
  EXPECT_EQ(host.slots[slot].wishes.probes, 0u);
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = {{"locks"}}}).ok());
  EXPECT_EQ(host.slots[slot].wishes.probes, HFT_CALLS);
  EXPECT_THAT(host.Target(100)->options.probe_groups, ElementsAre("sched", "locks"));
  ASSERT_TRUE(host.registry.Update(100, {.spike_threshold_ns = 7'000}).ok());
  EXPECT_EQ(host.slots[slot].wishes.probes, HFT_CALLS) << "an update that does not name them leaves them";
  const absl::Status wrong = host.registry.Update(100, {.probe_groups = {{"loks"}}}).status();
  EXPECT_EQ(wrong.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{}}).ok());
  EXPECT_EQ(host.slots[slot].wishes.probes, 0u);
  EXPECT_THAT(host.Target(100)->options.probe_groups, ElementsAre("sched"));
  EXPECT_EQ(hooks.PublishedSlotOf(101), slot);
}

TEST_F(TargetUpdateTest, ResumeStartsFromTheCountsOfThatMomentInNewSlots) {
  const uint16_t before = hooks.PublishedSlotOf(101);
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  hooks.StartThread(100, 102);
  TaskInfo task = *host.tasks.Get(101);
  task.voluntary_count = 1'000'000;  // counted while paused
  host.tasks.Put(task);
  ASSERT_TRUE(SetState(TargetState::kRunning).ok());
  const uint16_t after = hooks.PublishedSlotOf(101);
  EXPECT_NE(after, before);
  EXPECT_EQ(host.slots[after].base_voluntary_count, 1'000'000u);
  EXPECT_EQ(host.slots[after].voluntary_count, 1'000'000u);
  EXPECT_TRUE(host.HasOwnSlot(102));
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 3);
  host.CheckInvariants("resumed");
}

TEST_F(TargetUpdateTest, LastSwitchCountedInTheSlotBeforeThePauseFreesTheNewOneToo) {
  const uint16_t before = hooks.PublishedSlotOf(101);
  const ThreadKey thread{.tid = 101, .tgid = 100, .start_ns = host.tasks.Get(101)->start_boottime_ns};
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  ASSERT_TRUE(SetState(TargetState::kRunning).ok());
  host.tasks.Remove(101);
  host.registry.Pump({.kind = LifeKind::kEnded, .thread = thread, .slot = before});
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  EXPECT_EQ(host.stack.size(), 63u);
  host.CheckInvariants("ended in the old slot");
}

TEST_F(TargetUpdateTest, ThreadThatEndsWhilePausedGivesItsSlotBack) {
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  hooks.EndThread(101);
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  EXPECT_EQ(host.stack.size(), 63u);
  host.CheckInvariants("ended while paused");
}

TEST_F(TargetUpdateTest, TargetThatEndsWhilePausedIsNoticed) {
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  hooks.EndProcess(100);
  host.Settle();
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  EXPECT_EQ(host.stack.size(), 64u);
}

TEST_F(TargetUpdateTest, ResumeOfAProcessThatHasEndedIsNotFound) {
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  hooks.EndProcess(100);
  hooks.StartProcess(100, "stranger");
  EXPECT_TRUE(absl::IsNotFound(SetState(TargetState::kRunning)));
  EXPECT_FALSE(hooks.IsWatched(100));
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  host.Settle();
  host.CheckInvariants("resumed too late");
}

TEST_F(TargetUpdateTest, AttachOfAPausedTargetResumesIt) {
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.Target(100)->state, TargetState::kRunning);
  host.Settle();
  host.CheckInvariants("resumed by attach");
}

TEST_F(TargetUpdateTest, ResumeWithoutFreeSlotsLeavesItPaused) {
  ASSERT_TRUE(SetState(TargetState::kPaused).ok());
  while (host.stack.Pop().ok()) {
  }
  EXPECT_TRUE(absl::IsResourceExhausted(SetState(TargetState::kRunning)));
  EXPECT_EQ(host.Target(100)->state, TargetState::kPaused);
  EXPECT_FALSE(hooks.IsWatched(100));
  host.Settle();  // its old slots are free now
  ASSERT_TRUE(SetState(TargetState::kRunning).ok());
  EXPECT_EQ(host.Target(100)->thread_count, 2);
}

TEST_F(TargetUpdateTest, OnlyFieldsThatAreSetChange) {
  const TargetInfo info = *host.registry.Update(100, {.blocked_threshold_ns = 70'000, .sampling_interval_ns = 2'000'000});
  EXPECT_EQ(info.options.spike_threshold_ns, 5'000);
  EXPECT_EQ(info.options.blocked_threshold_ns, 70'000);
  EXPECT_EQ(info.sampling_interval_ns, 2'000'000);
  EXPECT_EQ(host.observed.sampling_interval_ns, 2'000'000);
  EXPECT_EQ(host.observed.blocked_threshold_ns, 70'000);
  EXPECT_EQ(host.registry.Update(100, {.spike_threshold_ns = 0})->options.spike_threshold_ns, 50'000);
  host.CheckInvariants("updated");
}

TEST_F(TargetUpdateTest, ShortestSamplingIntervalServesAllTargets) {
  hooks.StartProcess(110);
  ASSERT_TRUE(host.Attach({110}, {.sampling_interval_ns = 1'000'000}).ok());
  EXPECT_EQ(host.Target(100)->sampling_interval_ns, 1'000'000);
  EXPECT_EQ(host.Target(100)->options.sampling_interval_ns, 10'000'000);
}

TEST_F(TargetUpdateTest, EndedTargetCannotBeUpdated) {
  hooks.EndProcess(100);
  host.PumpAll();
  const absl::Status status = SetState(TargetState::kRunning);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("process 100 has ended"));
  EXPECT_TRUE(absl::IsNotFound(host.registry.Update(555, {}).status()));
}

}  // namespace
}  // namespace hftmon
