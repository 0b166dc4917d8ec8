#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class TargetLifeTest : public RegistryTest {
 protected:
  void SetUp() override {
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
  }
};

TEST_F(TargetLifeTest, ThreadsOfATargetAreCountedAsTheyComeAndGo) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.StartThread(100, 102);
  hooks.StartThread(100, 103);
  host.PumpAll();
  EXPECT_EQ(host.Target(100)->thread_count, 4);
  hooks.EndThread(102);
  host.PumpAll();
  EXPECT_EQ(host.Target(100)->thread_count, 3);
  host.Settle();
  host.CheckInvariants("threads");
}

TEST_F(TargetLifeTest, NumbersInPidNamespacesStayWithAnEndedTarget) {
  const PidLevels levels = {{.inode = 4026532001, .number = 7}};
  host.facts.SetLevels(100, levels);
  host.facts.SetLevels(150, {{.inode = 4026532001, .number = 9}});
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.ForkProcess(100, 150);
  host.PumpAll();
  EXPECT_EQ(host.Target(100)->pid_levels, levels);
  EXPECT_EQ(host.Target(150)->pid_levels.at(0).number, 9);
  host.facts.SetLevels(100, {});
  hooks.EndThread(101);
  hooks.EndThread(100);
  host.Settle();
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  for (const TargetInfo& target : host.registry.List()) {
    if (target.pid != 100) continue;
    EXPECT_EQ(target.pid_levels, levels);
  }
}

TEST_F(TargetLifeTest, ChildProcessIsATargetWithItsParentsOptions) {
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 7'000}).ok());
  hooks.ForkProcess(100, 150);
  hooks.ForkProcess(150, 160);
  host.PumpAll();
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100, 150, 160));
  EXPECT_EQ(host.Target(160)->parent_pid, 150u);
  EXPECT_TRUE(host.Target(160)->watched_from_birth);
  EXPECT_FALSE(host.Target(100)->watched_from_birth);
  EXPECT_EQ(host.Target(160)->options.spike_threshold_ns, 7'000);
  host.Settle();
  host.CheckInvariants("grandchild");
}

TEST_F(TargetLifeTest, ChildOfATargetThatDoesNotFollowIsLetGo) {
  hooks.StartProcess(110);
  ASSERT_TRUE(host.Attach({100}, {.follow_children = false}).ok());
  ASSERT_TRUE(host.Attach({110}).ok());  // the kernel's switch is one for all
  hooks.ForkProcess(100, 150);
  hooks.ForkProcess(150, 160);
  EXPECT_TRUE(hooks.IsWatched(160));
  host.PumpAll();
  EXPECT_FALSE(hooks.IsWatched(150));
  EXPECT_FALSE(hooks.IsWatched(160));
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100, 110));
  host.Settle();
  host.CheckInvariants("not followed");
}

TEST_F(TargetLifeTest, NobodyFollowsMeansTheKernelDoesNotEither) {
  ASSERT_TRUE(host.Attach({100}, {.follow_children = false}).ok());
  EXPECT_EQ(host.controls.follow_children, 0u);
  hooks.ForkProcess(100, 150);
  EXPECT_FALSE(hooks.IsWatched(150));
}

TEST_F(TargetLifeTest, ChildBeyondTheLimitOfTargetsIsRefusedAndCounted) {
  FakeHost small(65, 1);
  small.hooks.StartProcess(100);
  ASSERT_TRUE(small.Attach({100}).ok());
  small.hooks.ForkProcess(100, 150);
  small.Settle();
  EXPECT_FALSE(small.hooks.IsWatched(150));
  EXPECT_EQ(small.registry.counters().refused_child_count, 1u);
  small.CheckInvariants("limit");
}

TEST_F(TargetLifeTest, TargetEndsWithItsLastThreadNotItsLeader) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.EndThread(100);
  host.PumpAll();
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100));
  hooks.EndThread(101);
  host.clock.AdvanceNs(5);
  host.PumpAll();
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  EXPECT_EQ(host.registry.List()[0].ended_mono_ns, host.clock.NowNs());
  EXPECT_FALSE(hooks.IsWatched(100));
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("ended");
}

TEST_F(TargetLifeTest, BitStaysUntilTheLastSwitchOfAllThreadsThatEndTogether) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.EndProcess(100);
  const LifeEvent first = *host.NextEvent();
  EXPECT_TRUE(first.process_ended);
  host.registry.Pump(first);
  EXPECT_TRUE(hooks.IsWatched(100)) << "the other thread's last switch is still to be counted";
  host.PumpAll();
  EXPECT_FALSE(hooks.IsWatched(100));
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
}

TEST_F(TargetLifeTest, EndedTargetsAreRememberedUpToTheirBoundChildrenForgottenFirst) {
  hooks.StartProcess(110);
  ASSERT_TRUE(host.Attach({100, 110}).ok());
  hooks.EndProcess(110);
  for (uint32_t i = 0; i < TargetRegistry::kEndedMax + 40; ++i) {
    hooks.ForkProcess(100, 1000 + i);
    hooks.EndProcess(1000 + i);
    host.PumpAll();
    host.clock.AdvanceNs(SlotTable::kGraceNs);
    host.registry.Maintain();
  }
  const std::vector<uint32_t> ended = host.PidsIn(TargetState::kEnded);
  EXPECT_EQ(ended.size(), TargetRegistry::kEndedMax);
  EXPECT_EQ(ended.front(), 110u);
  EXPECT_EQ(host.registry.counters().forgotten_target_count, 41u);
  host.Settle();
  host.CheckInvariants("many children");
}

TEST_F(TargetLifeTest, TargetThatExecsStaysATargetUnderItsNewName) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.Exec(100, 100, "other");
  host.PumpAll();
  EXPECT_EQ(host.Target(100)->comm, "other");
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  host.Settle();
  host.CheckInvariants("exec by the leader");
}

TEST_F(TargetLifeTest, ExecByAnotherThreadThanTheLeaderKeepsItsSlot) {
  ASSERT_TRUE(host.Attach({100}).ok());
  const uint16_t slot = hooks.PublishedSlotOf(101);
  hooks.Exec(100, 101, "other");
  host.PumpAll();
  EXPECT_EQ(hooks.PublishedSlotOf(100), slot);
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  host.Settle();
  host.CheckInvariants("exec by a thread");
  hooks.EndProcess(100);
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
}

TEST_F(TargetLifeTest, ThreadBornAndExecedBeforeItsBirthIsPumpedKeepsItsSlot) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.StartThread(100, 105);
  hooks.Exec(100, 105, "other");
  host.PumpAll();
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  host.Settle();
  host.CheckInvariants("fork and exec");
}

TEST_F(TargetLifeTest, SlotThatExecMovedIsTakenBackWhenItsTargetWasDetachedMeanwhile) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.StartThread(100, 105);
  hooks.Exec(100, 105, "other");
  ASSERT_TRUE(host.Detach({100}).ok());
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("exec and detach");
}

TEST_F(TargetLifeTest, ProcessThatGetsADeadTargetsNumberIsNoTarget) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.EndProcess(100);
  hooks.StartProcess(100, "stranger");  // before the end is pumped: the bit is still set
  EXPECT_FALSE(hooks.IsWatched(100));
  host.PumpAll();
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre());
  EXPECT_EQ(host.registry.counters().recycled_pid_count, 1u);
  host.Settle();
  host.CheckInvariants("recycled");
}

TEST_F(TargetLifeTest, ChildUnderTheNumberOfATargetThatJustEndedIsWatched) {
  hooks.StartProcess(110);
  ASSERT_TRUE(host.Attach({100, 110}).ok());
  hooks.EndProcess(110);
  hooks.ForkProcess(100, 110);
  host.registry.Pump(*host.NextEvent());  // the end of the old one: the bit is the new one's already
  EXPECT_TRUE(hooks.IsWatched(110));
  host.PumpAll();
  EXPECT_TRUE(hooks.IsWatched(110));
  EXPECT_EQ(host.Target(110)->parent_pid, 100u);
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(110));
  host.Settle();
  host.CheckInvariants("new incarnation");
}

TEST_F(TargetLifeTest, RecycledNumberAttachedBeforeItsEventIsPumpedStaysWatched) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.EndProcess(100);
  hooks.StartProcess(100, "successor");
  ASSERT_TRUE(host.Attach({100}).ok());
  host.Settle();
  EXPECT_TRUE(hooks.IsWatched(100));
  EXPECT_EQ(host.Target(100)->comm, "successor");
  host.CheckInvariants("successor");
}

TEST_F(TargetLifeTest, ChildBornWhileItsParentIsDetachedIsLetGo) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.ForkProcess(100, 150);
  hooks.StartThread(150, 151);
  ASSERT_TRUE(host.Detach({100}).ok());
  host.Settle();
  EXPECT_TRUE(host.registry.List().empty());
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("orphaned child");
}

TEST_F(TargetLifeTest, ThreadsWithoutASlotAreCountedAndGetOneWhenThereIsRoom) {
  FakeHost small(4);
  small.hooks.StartProcess(100);
  ASSERT_TRUE(small.Attach({100}).ok());
  for (const uint32_t tid : {101u, 102u, 103u, 104u}) small.hooks.StartThread(100, tid);
  small.PumpAll();
  EXPECT_EQ(small.Target(100)->unslotted_thread_count, 2u);
  EXPECT_EQ(small.Target(100)->thread_count, 3);
  small.Settle();
  small.CheckInvariants("full");
  small.hooks.EndThread(101);
  small.hooks.EndThread(102);
  small.Settle();
  EXPECT_EQ(small.Target(100)->unslotted_thread_count, 0u);
  EXPECT_EQ(small.Target(100)->thread_count, 3);
  small.CheckInvariants("room again");
  // That some were not watched is remembered, beyond the target's end.
  EXPECT_EQ(small.Target(100)->unslotted_peak_count, 2u);
  EXPECT_GT(small.Target(100)->unslotted_mono_ns, 0);
  const int64_t until_ns = small.Target(100)->unslotted_mono_ns;
  for (const uint32_t tid : {103u, 104u, 100u}) small.hooks.EndThread(tid);
  small.Settle();
  const std::vector<TargetInfo> targets = small.registry.List();
  ASSERT_EQ(targets.size(), 1u);
  ASSERT_EQ(targets[0].state, TargetState::kEnded);
  EXPECT_EQ(targets[0].unslotted_peak_count, 2u);
  EXPECT_EQ(targets[0].unslotted_mono_ns, until_ns);
}

TEST_F(TargetLifeTest, ProcessWhoseLastThreadHasNoSlotEndsToo) {
  FakeHost small(3);
  small.hooks.StartProcess(100);
  small.hooks.StartThread(100, 101);
  ASSERT_TRUE(small.Attach({100}).ok());
  small.hooks.StartThread(100, 102);  // no slot
  small.hooks.ForkProcess(100, 150);  // none either
  small.PumpAll();
  small.hooks.EndThread(100);
  small.hooks.EndThread(101);
  small.hooks.EndThread(102);
  small.hooks.EndThread(150);
  small.Settle();
  EXPECT_THAT(small.PidsIn(TargetState::kEnded), UnorderedElementsAre(100, 150));
  small.CheckInvariants("ended without events");
}

TEST_F(TargetLifeTest, DetachedTargetVanishesEvenWhenItHasEnded) {
  hooks.StartProcess(110);
  ASSERT_TRUE(host.Attach({100, 110}).ok());
  hooks.EndProcess(110);
  host.PumpAll();
  EXPECT_THAT(host.registry.Detach({.pids = std::vector<int32_t>{110}})->pids, ElementsAre(110));
  EXPECT_EQ(host.registry.List().size(), 1u);
  EXPECT_THAT(host.registry.Detach({.all = true})->pids, ElementsAre(100));
  EXPECT_TRUE(host.registry.List().empty());
  EXPECT_TRUE(host.registry.Detach({.all = true})->pids.empty());
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("detached");
}

TEST_F(TargetLifeTest, DetachingOneUnknownProcessDetachesNone) {
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_TRUE(absl::IsNotFound(host.Detach({100, 555})));
  EXPECT_TRUE(host.Target(100).has_value());
}

TEST_F(TargetLifeTest, ReattachWithinTheGraceTimeGivesNewSlots) {
  ASSERT_TRUE(host.Attach({100}).ok());
  const uint16_t before = hooks.PublishedSlotOf(100);
  ASSERT_TRUE(host.Detach({100}).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_NE(hooks.PublishedSlotOf(100), before);
  host.Settle();
  EXPECT_TRUE(host.HasOwnSlot(100));
  host.CheckInvariants("reattached");
}

}  // namespace
}  // namespace hftmon
