#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

// Events are lost until Recover().
class TargetResyncTest : public RegistryTest {
 protected:
  void SetUp() override {
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
    ASSERT_TRUE(host.Attach({100}).ok());
    hooks.LoseEvents(true);
  }
  void Recover(const std::string& what) {
    hooks.LoseEvents(false);
    host.registry.Resync();
    host.Settle();
    host.CheckInvariants(what);
  }
};

TEST_F(TargetResyncTest, LostBirthOfAThreadIsMadeGood) {
  hooks.StartThread(100, 102);
  Recover("lost FORK");
  EXPECT_EQ(host.Target(100)->thread_count, 3);
}

TEST_F(TargetResyncTest, LostEndOfAThreadGivesItsSlotBack) {
  hooks.EndThread(101);
  Recover("lost ENDED");
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  EXPECT_EQ(host.stack.size(), 63u);
}

TEST_F(TargetResyncTest, LostEndOfAProcessEndsTheTarget) {
  hooks.EndProcess(100);
  Recover("lost end");
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  EXPECT_EQ(host.stack.size(), 64u);
}

TEST_F(TargetResyncTest, LostChildAndGrandchildAreFound) {
  hooks.ForkProcess(100, 150);
  hooks.ForkProcess(150, 140);
  hooks.StartThread(140, 141);
  Recover("lost children");
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100, 140, 150));
  EXPECT_EQ(host.Target(140)->parent_pid, 150u);
  EXPECT_FALSE(host.Target(140)->watched_from_birth);
  EXPECT_EQ(host.Target(140)->thread_count, 2);
}

TEST_F(TargetResyncTest, LostChildThatEndedLeavesNoBit) {
  hooks.ForkProcess(100, 150);
  hooks.EndProcess(150);
  EXPECT_TRUE(hooks.IsWatched(150));
  Recover("lost child that ended");
}

TEST_F(TargetResyncTest, LostChildOfATargetThatWasDetachedIsLetGo) {
  hooks.ForkProcess(100, 150);
  ASSERT_TRUE(host.Detach({100}).ok());
  Recover("lost child of a detached target");
  EXPECT_TRUE(host.registry.List().empty());
  EXPECT_EQ(host.stack.size(), 64u);
}

TEST_F(TargetResyncTest, LostExecByAnotherThreadIsMadeGood) {
  hooks.Exec(100, 101, "other");
  Recover("lost EXEC");
  EXPECT_EQ(host.Target(100)->thread_count, 1);
}

TEST_F(TargetResyncTest, EventsThatComeAfterTheResyncDoNoHarm) {
  hooks.LoseEvents(false);
  hooks.StartThread(100, 102);
  hooks.ForkProcess(100, 150);
  hooks.EndThread(101);
  host.registry.Resync();  // knows it all already
  host.Settle();
  host.CheckInvariants("late events");
  EXPECT_EQ(host.Target(100)->thread_count, 2);
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100, 150));
}

TEST_F(TargetResyncTest, NothingLostMeansNothingChanges) {
  const uint16_t slot = hooks.PublishedSlotOf(100);
  Recover("nothing lost");
  EXPECT_EQ(hooks.PublishedSlotOf(100), slot);
  EXPECT_EQ(host.registry.counters().orphan_slot_count, 0u);
  EXPECT_EQ(host.registry.counters().resync_count, 1u);
}

}  // namespace
}  // namespace hftmon
