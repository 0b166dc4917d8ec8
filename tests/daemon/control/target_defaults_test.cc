// Defaults and limits that change while targets are watched.
#include "daemon/control/limit_reached.h"
#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class TargetDefaultsTest : public RegistryTest {
 protected:
  void SetUp() override {
    for (const uint32_t pid : {100, 200, 300}) hooks.StartProcess(pid, "engine");
  }
  int64_t ThresholdOf(uint32_t pid) const { return host.Target(pid)->options.spike_threshold_ns; }
};

TEST_F(TargetDefaultsTest, ANewDefaultReachesThoseThatLeftItToTheDefaultAlone) {
  ASSERT_TRUE(host.Attach({100}).ok());
  ASSERT_TRUE(host.Attach({200}, {.spike_threshold_ns = 5'000}).ok());
  ASSERT_TRUE(host.Attach({300}, {.spike_threshold_ns = 80'000}).ok());
  host.registry.SetDefaults({.spike_threshold_ns = 20'000, .sampling_interval_ns = 5'000'000});
  EXPECT_EQ(ThresholdOf(100), 20'000);
  EXPECT_EQ(ThresholdOf(200), 5'000);
  EXPECT_EQ(ThresholdOf(300), 80'000);
  EXPECT_EQ(host.Target(100)->sampling_interval_ns, 5'000'000);
  EXPECT_EQ(host.registry.default_spike_threshold_ns(), 20'000);
  host.CheckInvariants("new default");
}

TEST_F(TargetDefaultsTest, WhereOneClientAskedAndAnotherLeftItToTheDefaultTheLowerHolds) {
  ASSERT_TRUE(host.Attach({100}).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 80'000}).ok());
  EXPECT_EQ(ThresholdOf(100), 50'000);
  host.registry.SetDefaults({.spike_threshold_ns = 100'000, .sampling_interval_ns = 10'000'000});
  EXPECT_EQ(ThresholdOf(100), 80'000);
  ASSERT_TRUE(host.registry.Update(100, {.spike_threshold_ns = 0}).ok());
  EXPECT_EQ(ThresholdOf(100), 100'000) << "an update replaces what was asked before";
}

TEST_F(TargetDefaultsTest, ANewDefaultReachesEachPartThatLeftItToTheDefaultAndWhatTheyBring) {
  const RuleSelector rule = *MakeRuleSelector(RuleSelector::Kind::kName, "matcher");
  const uint64_t session = *host.registry.OpenSession("client");
  ASSERT_TRUE(host.Attach({100}).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 30'000}, session).ok());
  ASSERT_TRUE(host.AttachRule(rule).ok());
  host.registry.SetDefaults({.spike_threshold_ns = 90'000, .sampling_interval_ns = 10'000'000});
  EXPECT_EQ(ThresholdOf(100), 30'000);
  host.registry.CloseSession(session);
  EXPECT_EQ(ThresholdOf(100), 90'000) << "what is left follows the default";
  hooks.StartProcess(400, "shell");
  hooks.Exec(400, 400, "matcher");
  hooks.ForkProcess(100, 150);
  host.PumpAll();
  EXPECT_EQ(ThresholdOf(400), 90'000) << "found by a rule from before";
  EXPECT_EQ(ThresholdOf(150), 90'000);
  host.registry.SetDefaults({.spike_threshold_ns = 40'000, .sampling_interval_ns = 10'000'000});
  EXPECT_EQ(ThresholdOf(400), 40'000);
  EXPECT_EQ(ThresholdOf(150), 40'000) << "a child wishes what its parent wished";
  host.CheckInvariants("new default");
}

TEST_F(TargetDefaultsTest, ALeaseThatWasLeftToTheDefaultFollowsIt) {
  const auto lease = host.registry.LeaseThresholds(0, 0);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 1'000'000}).ok());
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 50'000u);
  host.registry.SetDefaults({.spike_threshold_ns = 200'000, .sampling_interval_ns = 10'000'000});
  EXPECT_EQ(host.controls.run_queue_threshold_ns, 200'000u);
}

TEST_F(TargetDefaultsTest, ALowerLimitRefusesTheNextTargetAndLeavesThoseThatAre) {
  ASSERT_TRUE(host.Attach({100, 200}).ok());
  host.registry.SetLimits(1, 1);
  EXPECT_TRUE(host.Target(200).has_value());
  const absl::Status refused = host.Attach({300});
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("raise targets_max (now 1) in hftmond's configuration"));
  EXPECT_EQ(refused.GetPayload(kLimitPayload), absl::Cord("targets_max=1"));
  EXPECT_EQ(host.registry.counters().target_limit, 1);
  const auto held = host.registry.LeaseThresholds(10'000, 0);
  EXPECT_TRUE(absl::IsResourceExhausted(host.registry.LeaseThresholds(10'000, 0).status()));
  host.registry.SetLimits(3, 2);
  EXPECT_TRUE(host.Attach({300}).ok());
  EXPECT_TRUE(host.registry.LeaseThresholds(10'000, 0).ok());
}

}  // namespace
}  // namespace hftmon
