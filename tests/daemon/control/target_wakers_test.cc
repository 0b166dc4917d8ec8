#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

constexpr TargetOptions kWaker{.waker = true};

class TargetWakersTest : public RegistryTest {
 protected:
  void SetUp() override {
    host.attach_wakers = [this] {
      ++attach_count_;
      return refusal_;
    };
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
    hooks.StartProcess(200, "feed");
  }
  uint32_t WishOf(uint32_t tid) { return host.slots[hooks.PublishedSlotOf(tid)].wishes.waker; }

  int attach_count_ = 0;
  absl::Status refusal_;
};

TEST_F(TargetWakersTest, TheProgramIsAttachedBeforeTheFirstWhoAsksAndWantedUntilTheLastLeaves) {
  ASSERT_TRUE(host.Attach({200}).ok());
  EXPECT_EQ(attach_count_, 0);
  EXPECT_FALSE(host.wakers_wanted);
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  EXPECT_EQ(attach_count_, 1);
  EXPECT_TRUE(host.wakers_wanted);
  EXPECT_EQ(WishOf(100), 1u);
  EXPECT_EQ(WishOf(101), 1u);
  EXPECT_EQ(WishOf(200), 0u) << "who does not ask is not asked about";
  hooks.StartThread(100, 102);
  host.PumpAll();
  EXPECT_EQ(WishOf(102), 1u);
  ASSERT_TRUE(host.Detach({100}).ok());
  EXPECT_FALSE(host.wakers_wanted);
}

TEST_F(TargetWakersTest, ARefusalLeavesEverythingAsItWas) {
  refusal_ = absl::FailedPreconditionError("quiet");
  EXPECT_EQ(host.Attach({100}, kWaker), refusal_);
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_FALSE(host.wakers_wanted);
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.registry.Update(100, {.waker = true}).status(), refusal_);
  EXPECT_FALSE(host.Target(100)->options.waker);
  EXPECT_EQ(WishOf(100), 0u);
  host.CheckInvariants("refused");
}

TEST_F(TargetWakersTest, OneClientsWishIsTheTargets) {
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_TRUE(host.Target(100)->options.waker);
  ASSERT_TRUE(host.registry.Update(100, {.waker = false}).ok());
  EXPECT_FALSE(host.wakers_wanted);
  EXPECT_EQ(WishOf(101), 0u);
}

TEST_F(TargetWakersTest, APausedTargetWantsNothingAndAsksAgainWhenItIsResumed) {
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  ASSERT_TRUE(host.registry.Update(100, {.state = TargetState::kPaused}).ok());
  EXPECT_FALSE(host.wakers_wanted);
  EXPECT_EQ(attach_count_, 1);
  ASSERT_TRUE(host.registry.Update(100, {.state = TargetState::kRunning}).ok());
  EXPECT_TRUE(host.wakers_wanted);
  EXPECT_EQ(attach_count_, 2);
  EXPECT_EQ(WishOf(101), 1u);
}

TEST_F(TargetWakersTest, ARuleThatAsksHasTheProgramBeforeItsFirstProcess) {
  const RuleSelector rule{.kind = RuleSelector::Kind::kName, .text = "matcher"};
  refusal_ = absl::FailedPreconditionError("quiet");
  EXPECT_EQ(host.AttachRule(rule, kWaker), refusal_);
  EXPECT_FALSE(host.wakers_wanted);
  refusal_ = absl::OkStatus();
  ASSERT_TRUE(host.AttachRule(rule, kWaker).ok());
  EXPECT_TRUE(host.wakers_wanted);
  ASSERT_TRUE(host.registry.Detach({.all = true}).ok());
  EXPECT_FALSE(host.wakers_wanted);
}

TEST_F(TargetWakersTest, AnEndedTargetWantsNothing) {
  ASSERT_TRUE(host.Attach({200}, kWaker).ok());
  hooks.EndThread(200);
  host.Settle();
  EXPECT_FALSE(host.wakers_wanted);
}

}  // namespace
}  // namespace hftmon
