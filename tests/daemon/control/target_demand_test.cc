#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

const TargetOptions kWaker{.waker = true};
const TargetOptions kMemory{.probe_groups = {"memory"}};
const TargetOptions kNetwork{.probe_groups = {"network"}};

class TargetDemandTest : public RegistryTest {
 protected:
  void SetUp() override {
    host.attach_demanded = [this](const ProgramDemand& wanted) {
      ++attach_count_;
      attached_ = wanted;
      return refusal_;
    };
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
    hooks.StartProcess(200, "feed");
  }
  uint32_t WishOf(uint32_t tid) { return host.slots[hooks.PublishedSlotOf(tid)].wishes.waker; }

  int attach_count_ = 0;
  ProgramDemand attached_;  // by the last of these
  absl::Status refusal_;
};

TEST_F(TargetDemandTest, TheProgramIsAttachedBeforeTheFirstWhoAsksAndWantedUntilTheLastLeaves) {
  ASSERT_TRUE(host.Attach({200}).ok());
  EXPECT_EQ(attach_count_, 0);
  EXPECT_FALSE(host.demand.wakers);
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  EXPECT_EQ(attach_count_, 1);
  EXPECT_TRUE(host.demand.wakers);
  EXPECT_EQ(WishOf(100), 1u);
  EXPECT_EQ(WishOf(101), 1u);
  EXPECT_EQ(WishOf(200), 0u) << "who does not ask is not asked about";
  hooks.StartThread(100, 102);
  host.PumpAll();
  EXPECT_EQ(WishOf(102), 1u);
  ASSERT_TRUE(host.Detach({100}).ok());
  EXPECT_FALSE(host.demand.wakers);
}

TEST_F(TargetDemandTest, ARefusalLeavesEverythingAsItWas) {
  refusal_ = absl::FailedPreconditionError("quiet");
  EXPECT_EQ(host.Attach({100}, kWaker), refusal_);
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_FALSE(host.demand.wakers);
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.registry.Update(100, {.waker = true}).status(), refusal_);
  EXPECT_FALSE(host.Target(100)->options.waker);
  EXPECT_EQ(WishOf(100), 0u);
  host.CheckInvariants("refused");
}

TEST_F(TargetDemandTest, OneClientsWishIsTheTargets) {
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_TRUE(host.Target(100)->options.waker);
  ASSERT_TRUE(host.registry.Update(100, {.waker = false}).ok());
  EXPECT_FALSE(host.demand.wakers);
  EXPECT_EQ(WishOf(101), 0u);
}

TEST_F(TargetDemandTest, APausedTargetWantsNothingAndAsksAgainWhenItIsResumed) {
  ASSERT_TRUE(host.Attach({100}, kWaker).ok());
  ASSERT_TRUE(host.registry.Update(100, {.state = TargetState::kPaused}).ok());
  EXPECT_FALSE(host.demand.wakers);
  EXPECT_EQ(attach_count_, 1);
  ASSERT_TRUE(host.registry.Update(100, {.state = TargetState::kRunning}).ok());
  EXPECT_TRUE(host.demand.wakers);
  EXPECT_EQ(attach_count_, 2);
  EXPECT_EQ(WishOf(101), 1u);
}

TEST_F(TargetDemandTest, ARuleThatAsksHasTheProgramBeforeItsFirstProcess) {
  const RuleSelector rule{.kind = RuleSelector::Kind::kName, .text = "matcher"};
  refusal_ = absl::FailedPreconditionError("quiet");
  EXPECT_EQ(host.AttachRule(rule, kWaker), refusal_);
  EXPECT_FALSE(host.demand.wakers);
  refusal_ = absl::OkStatus();
  ASSERT_TRUE(host.AttachRule(rule, kWaker).ok());
  EXPECT_TRUE(host.demand.wakers);
  ASSERT_TRUE(host.registry.Detach({.all = true}).ok());
  EXPECT_FALSE(host.demand.wakers);
}

TEST_F(TargetDemandTest, TheMemoryGroupIsAskedForByItself) {
  ASSERT_TRUE(host.Attach({100}, kMemory).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.memory = true}));
  EXPECT_EQ(host.demand, (ProgramDemand{.memory = true}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, HFT_MEMORY);
  host.kernel[hooks.PublishedSlotOf(101)].generation = 5;
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{}}).ok());
  EXPECT_EQ(host.demand, ProgramDemand());
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, 0u);
  ASSERT_TRUE(host.registry.Update(100, {.waker = true, .probe_groups = std::vector<std::string>{"memory"}}).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.wakers = true, .memory = true}));
  EXPECT_EQ(host.kernel[hooks.PublishedSlotOf(101)].generation, 0u) << "who asks again begins anew";
}

TEST_F(TargetDemandTest, TheReturnsGroupIsAskedForByItself) {
  ASSERT_TRUE(host.Attach({100}, {.probe_groups = {"returns"}}).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.returns = true}));
  EXPECT_EQ(host.demand, (ProgramDemand{.returns = true}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, HFT_RETURNS);
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{}}).ok());
  EXPECT_EQ(host.demand, ProgramDemand());
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, 0u);
}

TEST_F(TargetDemandTest, WhoAsksForKernelLocksBesidesKeepsTheSumsOfItsFaults) {
  ASSERT_TRUE(host.Attach({100}, kMemory).ok());
  hft_thread_kernel& kernel = host.kernel[hooks.PublishedSlotOf(101)];
  kernel.generation = 5;
  kernel.faults_begun[0].start_ns = 7;
  kernel.stalls_begun[HFT_STALL_SPINNING_LOCK].start_ns = 8;
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{"memory", "kernel_locks"}}).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.memory = true, .kernel_locks = true}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, HFT_MEMORY | HFT_KERNEL_LOCKS);
  EXPECT_EQ(kernel.generation, 5u);
  EXPECT_EQ(kernel.faults_begun[0].start_ns, 7u) << "a fault that goes on is still one";
  EXPECT_EQ(kernel.stalls_begun[HFT_STALL_SPINNING_LOCK].start_ns, 0u) << "begun when it was asked for before";
}

TEST_F(TargetDemandTest, TheHardwareGroupIsAskedForByItselfAndLeavesSlotsAlone) {
  ASSERT_TRUE(host.Attach({100}, {.probe_groups = {"hardware"}}).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.hardware = true}));
  EXPECT_EQ(host.demand, (ProgramDemand{.hardware = true}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, 0u) << "its programs are of CPUs";
  ASSERT_TRUE(host.Attach({200}, kMemory).ok());
  EXPECT_EQ(host.demand, (ProgramDemand{.memory = true, .hardware = true}));
  ASSERT_TRUE(host.Detach({100}).ok());
  EXPECT_EQ(host.demand, (ProgramDemand{.memory = true}));
}

TEST_F(TargetDemandTest, TheNetworkGroupIsAskedForByItselfAndItsSumsBeginAnewWithTheAsking) {
  ASSERT_TRUE(host.Attach({100}, kNetwork).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.network = true}));
  EXPECT_EQ(host.demand, (ProgramDemand{.network = true}));
  const uint16_t slot = hooks.PublishedSlotOf(101);
  EXPECT_EQ(host.slots[slot].wishes.probes, HFT_NETWORK);
  host.socket_paths[1] = {.sock = 64, .slot = slot, .generation = 5};
  host.socket_paths[2] = {.sock = 128, .slot = slot + 9u, .generation = 5};
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{}}).ok());
  EXPECT_EQ(host.demand, ProgramDemand());
  EXPECT_EQ(host.socket_paths[1].generation, 5u);
  ASSERT_TRUE(host.registry.Update(100, {.probe_groups = std::vector<std::string>{"network", "memory"}}).ok());
  EXPECT_EQ(attached_, (ProgramDemand{.memory = true, .network = true}));
  EXPECT_EQ(host.socket_paths[1].generation, 0u);
  EXPECT_EQ(host.socket_paths[2].generation, 5u) << "another thread's";
}

TEST_F(TargetDemandTest, CountersAreTheUnionOverAllTargetsAndWhatIsBeyondTheirNumberIsRefusedWithWhoHasThem) {
  ASSERT_TRUE(host.Attach({100}, {.counter_events = {"a", "b", "c", "d", "e"}, .counter_interval_ns = 9'000}).ok());
  EXPECT_EQ(attached_.counters, (CounterWish{.events = {"a", "b", "c", "d", "e"}, .interval_ns = 9'000}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, HFT_COUNTING);
  const absl::Status refused = host.Attach({200}, {.counter_events = {"e", "f", "g", "h", "i"}});
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("process 100 (a,b,c,d,e)"));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(200)].tid, 0u);
  ASSERT_TRUE(host.Attach({200}, {.cache = true, .counter_events = {"e", "f", "g", "h"}, .counter_interval_ns = 2'000}).ok());
  EXPECT_EQ(host.demand.counters, (CounterWish{.events = {"a", "b", "c", "d", "e", "f", "g", "h"}, .cache = true, .interval_ns = 2'000}));
  ASSERT_TRUE(host.Detach({200}).ok());
  EXPECT_EQ(host.demand.counters, (CounterWish{.events = {"a", "b", "c", "d", "e"}, .interval_ns = 9'000}));
  ASSERT_TRUE(host.Detach({100}).ok());
  EXPECT_FALSE(host.demand.any());
}

TEST_F(TargetDemandTest, AnUpdateOfCountersAsksForThemInThePlaceOfWhatTheTargetAskedFor) {
  ASSERT_TRUE(host.Attach({100}, {.counter_events = {"a", "b", "c", "d", "e"}, .counter_interval_ns = 9'000}).ok());
  ASSERT_TRUE(host.Attach({200}, {.counter_events = {"x"}, .counter_interval_ns = 8'000}).ok());
  std::vector<std::string> before;
  host.attach_demanded = [&](const ProgramDemand& wanted) {
    before = host.demand.counters.events;
    attached_ = wanted;
    return refusal_;
  };
  ASSERT_TRUE(host.registry.Update(100, {.counter_events = {{"f", "g", "h", "i", "j", "k", "l"}}}).ok());
  EXPECT_THAT(before, ::testing::ElementsAre("x")) << "what it asked for until then is not wanted beside";
  EXPECT_EQ(attached_.counters, (CounterWish{.events = {"f", "g", "h", "i", "j", "k", "l"}, .interval_ns = 9'000}));
  EXPECT_EQ(host.demand.counters, (CounterWish{.events = {"f", "g", "h", "i", "j", "k", "l", "x"}, .interval_ns = 8'000}));
  EXPECT_EQ(host.Target(100)->holders.front().options.counter_events.size(), 7u);
  ASSERT_TRUE(host.registry.Update(100, {.cache = true, .counter_interval_ns = 2'000}).ok());
  EXPECT_TRUE(host.demand.counters.cache);
  EXPECT_EQ(host.demand.counters.interval_ns, 2'000);
  EXPECT_EQ(host.demand.counters.events.size(), 8u) << "events that the update does not name are as they were";
  ASSERT_TRUE(host.registry.Update(100, {.cache = false, .counter_events = std::vector<std::string>{}}).ok());
  EXPECT_EQ(host.demand.counters, (CounterWish{.events = {"x"}, .interval_ns = 8'000}));
  EXPECT_EQ(host.slots[hooks.PublishedSlotOf(101)].wishes.probes, 0u);
  EXPECT_EQ(host.Target(100)->options.counter_interval_ns, 0);
  host.CheckInvariants("updated");
}

TEST_F(TargetDemandTest, AnUpdateOfCountersThatIsRefusedChangesNothing) {
  ASSERT_TRUE(host.Attach({100}, {.counter_events = {"a", "b"}}).ok());
  ASSERT_TRUE(host.Attach({200}, {.counter_events = {"x", "y"}}).ok());
  const ProgramDemand before = host.demand;
  const auto update = [this](const TargetUpdate& wish) { return host.registry.Update(100, wish).status(); };
  const absl::Status many = update({.spike_threshold_ns = 7'000, .counter_events = {{"1", "2", "3", "4", "5", "6", "7"}}});
  EXPECT_TRUE(absl::IsResourceExhausted(many)) << many;
  EXPECT_THAT(std::string(many.message()), ::testing::HasSubstr("process 200 (x,y)"));
  EXPECT_TRUE(absl::IsInvalidArgument(update({.counter_interval_ns = 3})));
  EXPECT_TRUE(absl::IsInvalidArgument(update({.counter_events = {{""}}})));
  const absl::Status nothing = update({.counter_events = std::vector<std::string>{}, .counter_interval_ns = 5'000});
  EXPECT_TRUE(absl::IsInvalidArgument(nothing)) << nothing;
  refusal_ = absl::NotFoundError("no such event");
  EXPECT_EQ(update({.spike_threshold_ns = 7'000, .counter_events = {{"z"}}}), refusal_);
  EXPECT_EQ(host.demand, before);
  EXPECT_EQ(host.Target(100)->options.counter_events, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 50'000);
  host.CheckInvariants("refused");
}

TEST_F(TargetDemandTest, AnEndedTargetWantsNothing) {
  ASSERT_TRUE(host.Attach({200}, kWaker).ok());
  hooks.EndThread(200);
  host.Settle();
  EXPECT_FALSE(host.demand.wakers);
}

}  // namespace
}  // namespace hftmon
