// Sessions and parts: what clients ask for together, and what is left when one of them goes.
#include "daemon/control/limit_reached.h"
#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TargetPartsTest : public RegistryTest {
 protected:
  void SetUp() override {
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
  }
  uint64_t Open(const std::string& client = "client") { return *host.registry.OpenSession(client); }
};

TEST_F(TargetPartsTest, OptionsAreTheUnionAndFollowThePartsThatEnd) {
  const uint64_t one = Open();
  const uint64_t other = Open();
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 5'000, .follow_children = false}, one).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 9'000, .blocked_threshold_ns = 7'000}, other).ok());
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 5'000);
  EXPECT_EQ(host.Target(100)->options.blocked_threshold_ns, 7'000);
  EXPECT_TRUE(host.Target(100)->options.follow_children);
  host.registry.CloseSession(one);
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 9'000);
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 9'000u);
  host.registry.CloseSession(other);
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 50'000u);
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("both ended");
}

TEST_F(TargetPartsTest, AttachingTwiceInOneSessionIsOnePart) {
  const uint64_t session = Open();
  ASSERT_TRUE(host.Attach({100}, {}, session).ok());
  ASSERT_TRUE(host.Attach({100}, {}, session).ok());
  EXPECT_EQ(host.Target(100)->holders.size(), 1u);
  EXPECT_EQ(host.registry.Detach({.pids = std::vector<int32_t>{100}, .session_id = session})->pids, std::vector<int32_t>{100});
}

TEST_F(TargetPartsTest, DetachEndsTheCallersPartOnly) {
  const uint64_t session = Open("dashboard");
  ASSERT_TRUE(host.Attach({100}, {}, session).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  const auto detached = host.registry.Detach({.pids = std::vector<int32_t>{100}});
  ASSERT_TRUE(detached.ok());
  EXPECT_THAT(detached->pids, IsEmpty());
  EXPECT_THAT(detached->still_held, ElementsAre(100));
  ASSERT_EQ(host.Target(100)->holders.size(), 1u);
  EXPECT_EQ(host.Target(100)->holders[0].client, "dashboard");
  const absl::Status again = host.Detach({100});
  EXPECT_TRUE(absl::IsFailedPrecondition(again));
  EXPECT_THAT(again.message(), HasSubstr("held by other clients alone"));
  EXPECT_THAT(host.registry.Detach({.pids = std::vector<int32_t>{100}, .force = true})->pids, ElementsAre(100));
}

TEST_F(TargetPartsTest, WhatPersistsOutlivesEverySession) {
  const uint64_t session = Open();
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 2'000}, session).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  host.registry.CloseSession(session);
  ASSERT_TRUE(host.Target(100).has_value());
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 50'000);
}

TEST_F(TargetPartsTest, ChildrenInheritThePartsThatWantThemAndLoseThemWithTheirSession) {
  const uint64_t follows = Open();
  const uint64_t leaves = Open();
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 3'000}, follows).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 1'000, .follow_children = false}, leaves).ok());
  hooks.ForkProcess(100, 150);
  host.PumpAll();
  ASSERT_TRUE(host.Target(150).has_value());
  EXPECT_EQ(host.Target(150)->options.spike_threshold_ns, 3'000);
  EXPECT_TRUE(host.Target(150)->holders[0].inherited);
  host.registry.CloseSession(follows);
  EXPECT_FALSE(host.Target(150).has_value());
  EXPECT_TRUE(host.Target(100).has_value());
  host.Settle();
  host.CheckInvariants("the follower left");
}

TEST_F(TargetPartsTest, ABirthThatIsPumpedAfterItsSessionEndedIsNotFollowed) {
  const uint64_t session = Open();
  ASSERT_TRUE(host.Attach({100}, {}, session).ok());
  hooks.ForkProcess(100, 150);
  hooks.EndProcess(100);
  host.registry.CloseSession(session);
  host.PumpAll();
  EXPECT_FALSE(host.Target(150).has_value());
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("late birth");
}

TEST_F(TargetPartsTest, AClosedSessionIsRefused) {
  const uint64_t session = Open();
  host.registry.CloseSession(session);
  EXPECT_TRUE(absl::IsFailedPrecondition(host.Attach({100}, {}, session)));
  EXPECT_TRUE(absl::IsFailedPrecondition(host.Detach({100}, session)));
  EXPECT_FALSE(host.Target(100).has_value());
}

TEST_F(TargetPartsTest, SessionsAndPartsAreBounded) {
  std::vector<uint64_t> sessions;
  for (size_t i = 0; i < HoldingLimits{}.sessions_max; ++i) sessions.push_back(Open());
  EXPECT_TRUE(absl::IsResourceExhausted(host.registry.OpenSession("one more").status()));
  for (size_t i = 0; i < HoldingLimits{}.target_holders_max; ++i) ASSERT_TRUE(host.Attach({100}, {}, sessions[i]).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(host.Attach({100}, {}, sessions[HoldingLimits{}.target_holders_max])));
  EXPECT_TRUE(host.Attach({100}, {}, sessions[0]).ok()) << "a part that is there takes no further place";
  for (const uint64_t session : sessions) host.registry.CloseSession(session);
  EXPECT_EQ(host.registry.counters().session_count, 0);
  EXPECT_FALSE(host.Target(100).has_value());
}

TEST_F(TargetPartsTest, ALimitThatRefusesNamesItsSettingAndTheUseOfEachIsKnown) {
  host.registry.SetHoldingLimits({.sessions_max = 3, .rules_max = 1, .target_holders_max = 2});
  const uint64_t sessions[] = {Open(), Open(), Open()};
  EXPECT_EQ(host.registry.OpenSession("more").status().GetPayload(kLimitPayload), absl::Cord("sessions_max=3"));
  ASSERT_TRUE(host.Attach({100}, {}, sessions[0]).ok());
  ASSERT_TRUE(host.Attach({100}, {}, sessions[1]).ok());
  EXPECT_EQ(host.Attach({100}, {}, sessions[2]).GetPayload(kLimitPayload), absl::Cord("target_holders_max=2"));
  const RuleSelector rule = *MakeRuleSelector(RuleSelector::Kind::kName, "nobody");
  ASSERT_TRUE(host.AttachRule(rule, {}, sessions[0]).ok());
  ASSERT_TRUE(host.AttachRule(rule, {}, sessions[1]).ok());
  EXPECT_EQ(host.AttachRule(rule, {}, sessions[2]).GetPayload(kLimitPayload), absl::Cord("target_holders_max=2"));
  const absl::Status refused = host.AttachRule(*MakeRuleSelector(RuleSelector::Kind::kCgroup, "/trading"));
  EXPECT_EQ(refused.GetPayload(kLimitPayload), absl::Cord("rules_max=1"));
  EXPECT_EQ(host.registry.Rules().size(), 1u) << "a rule that is refused is not there";
  const TargetRegistry::Counters counters = host.registry.counters();
  EXPECT_EQ(counters.session_count, 3);
  EXPECT_EQ(counters.session_limit, 3);
  EXPECT_EQ(counters.rule_count, 1);
  EXPECT_EQ(counters.rule_limit, 1);
  EXPECT_EQ(counters.holder_count, 2);
  EXPECT_EQ(counters.holder_limit, 2);
}

TEST_F(TargetPartsTest, AHolderOfARuleThatFindsNoRoomInATargetIsRefusedBeforeAnythingIsDone) {
  host.registry.SetHoldingLimits({.target_holders_max = 2});
  const RuleSelector rule = *MakeRuleSelector(RuleSelector::Kind::kName, host.Attach({100}).ok() ? host.Target(100)->comm : "");
  const uint64_t session = Open();
  ASSERT_TRUE(host.AttachRule(rule, {}, session).ok());
  EXPECT_EQ(host.registry.Rules().at(0).pids.size(), 1u);
  EXPECT_TRUE(absl::IsResourceExhausted(host.AttachRule(rule)));
  EXPECT_EQ(host.registry.Rules().at(0).holders.size(), 1u);
  EXPECT_EQ(host.Target(100)->holders.size(), 2u);
}

TEST_F(TargetPartsTest, UpdateSetsTheOptionInEveryPart) {
  const uint64_t session = Open();
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 5'000}, session).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 9'000}).ok());
  ASSERT_TRUE(host.registry.Update(100, {.spike_threshold_ns = 70'000}).ok());
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 70'000);
  host.registry.CloseSession(session);
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 70'000);
}

TEST_F(TargetPartsTest, ThousandSessionsLeaveEverythingAsItWas) {
  for (int round = 0; round < 1000; ++round) {
    const uint64_t session = Open();
    ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 5'000}, session).ok());
    host.registry.CloseSession(session);
    host.PumpAll();
    host.clock.AdvanceNs(SlotTable::kGraceNs);
    host.registry.Maintain();
    ASSERT_EQ(host.stack.size(), 64u) << "after round " << round;
  }
  host.Settle();
  host.CheckInvariants("after 1000 sessions");
}

}  // namespace
}  // namespace hftmon
