// Off and on, on a made-up host: while off its processes go on, and the hooks are silent.
#include "daemon/control/collection_switch.h"

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

class CollectionSwitchTest : public RegistryTest {
 protected:
  CollectionSwitchTest() {
    cpus_[0].run_queue = cpus_[0].noted_queue = 0x1000;
    cpus_[1].run_queue = cpus_[1].noted_queue = 0x2000;
    KernelView view = host.view;
    view.cpus = cpus_;
    switch_.emplace(CollectionSwitch::Parts{.view = view,
                                            .registry = &host.registry,
                                            .clock = &host.clock,
                                            .sleep_ns = [this](int64_t ns) { Sleep(ns); },
                                            .conclusive =
                                                [this](int64_t since_ns, int64_t until_ns) {
                                                  conclusive_.push_back({since_ns, until_ns});
                                                  off_when_told_.push_back(host.controls.off);
                                                }});
    hooks.StartProcess(100);
    EXPECT_TRUE(host.Attach({100}).ok());
  }
  void Sleep(int64_t ns) {
    slept_ns_ += ns;
    host.clock.AdvanceNs(ns);
    if (while_asleep_) while_asleep_();
  }
  // A thread or process that is there although no hook spoke of it.
  void PutUnseen(uint32_t tgid, uint32_t tid, uint32_t parent, int64_t start_ns) {
    host.tasks.Put({.tid = tid, .tgid = tgid, .parent_tgid = parent, .start_boottime_ns = start_ns, .comm = "unseen"});
  }
  int64_t YoungestStart() const {
    int64_t youngest_ns = 0;
    for (const TaskInfo& task : host.tasks.All()) youngest_ns = std::max(youngest_ns, task.start_boottime_ns);
    return youngest_ns;
  }
  hft_thread_slot& SlotOf(uint32_t tid) { return host.slots[hooks.PublishedSlotOf(tid)]; }

  std::vector<hft_cpu> cpus_{2};
  std::optional<CollectionSwitch> switch_;
  std::function<void()> while_asleep_;
  int64_t slept_ns_ = 0;
  std::vector<std::pair<int64_t, int64_t>> conclusive_;
  std::vector<uint32_t> off_when_told_;
};

TEST_F(CollectionSwitchTest, OffSetsTheFlagAndTakesEveryRunQueueAwayAgainAfterTheGraceTime) {
  // A program that was running notes its CPU once more.
  while_asleep_ = [this] { cpus_[1].run_queue = cpus_[1].noted_queue = 0x2000; };
  ASSERT_TRUE(switch_->TurnOff().ok());
  EXPECT_EQ(host.controls.off, 1u);
  EXPECT_EQ(cpus_[0].run_queue, 0u);
  EXPECT_EQ(cpus_[1].run_queue, 0u);
  EXPECT_EQ(cpus_[1].noted_queue, 0u) << "the log would go on as if nothing had happened";
  EXPECT_EQ(slept_ns_, CollectionSwitch::kGraceNs);
  ASSERT_TRUE(switch_->TurnOff().ok());
  EXPECT_EQ(slept_ns_, CollectionSwitch::kGraceNs) << "off when off does nothing";
  EXPECT_EQ(switch_->periods().count(), 1u);
}

TEST_F(CollectionSwitchTest, OnForgetsWaitsInProgressAndKeepsTheCounts) {
  hft_thread_slot& slot = SlotOf(100);
  slot.task = 0xabc;
  slot.out_clock_ns = 55;
  slot.out = {.cpu = 1, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 2, .syscall = 202};
  slot.voluntary_count = 17;
  ASSERT_TRUE(switch_->TurnOff().ok());
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(host.controls.off, 0u);
  EXPECT_EQ(slot.task, 0u);
  EXPECT_EQ(slot.out_clock_ns, 0u);
  EXPECT_EQ(slot.out.kind, HFT_SWITCH_UNKNOWN);
  EXPECT_EQ(slot.out.wait_migrations, 0u);
  EXPECT_EQ(slot.voluntary_count, 17u);
  EXPECT_EQ(switch_->periods().since_mono_ns(), std::nullopt);
}

TEST_F(CollectionSwitchTest, AFaultThatBeganBeforeOnIsForgotten) {
  hft_thread_kernel& kernel = host.kernel[hooks.PublishedSlotOf(100)];
  hft_kernel_begin& begin = kernel.faults_begun[1];
  kernel.stalls_begun[HFT_STALL_SLEEPING_LOCK].start_ns = 56;
  begin.start_ns = 55;
  ASSERT_TRUE(switch_->TurnOff().ok());
  EXPECT_EQ(begin.start_ns, 55u);
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(begin.start_ns, 0u);
  EXPECT_EQ(kernel.stalls_begun[HFT_STALL_SLEEPING_LOCK].start_ns, 0u);
}

TEST_F(CollectionSwitchTest, AnIdleStateThatBeganBeforeOnIsForgotten) {
  host.hardware[2].idle_state = 3;
  ASSERT_TRUE(switch_->TurnOff().ok());
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(host.hardware[2].idle_state, 0u);
}

TEST_F(CollectionSwitchTest, PacketsThatArrivedBeforeOnAreNotBelieved) {
  ASSERT_TRUE(switch_->TurnOff().ok());
  EXPECT_EQ(host.network[3].since_ns, 0u);
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(host.network[3].since_ns, static_cast<uint64_t>(host.clock.NowNs()));
}

TEST_F(CollectionSwitchTest, WhatWasPutOffBeforeOnIsForgotten) {
  host.deferred[1].softirqs[3].raised_ns = 7;
  ASSERT_TRUE(switch_->TurnOff().ok());
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(host.deferred[1].softirqs[3].raised_ns, 0u);
}

TEST_F(CollectionSwitchTest, WhatIsConclusiveEndsBeforeTheProgramsGoOffAndBeginsAfterTheyWentOn) {
  const int64_t off_ns = host.clock.NowNs();
  ASSERT_TRUE(switch_->TurnOff().ok());
  EXPECT_EQ(switch_->periods().since_mono_ns(), off_ns);
  ASSERT_TRUE(switch_->TurnOn().ok());
  const int64_t on_ns = host.clock.NowNs();
  ASSERT_TRUE(switch_->TurnOff().ok());
  const std::vector<std::pair<int64_t, int64_t>> wanted = {
      {INT64_MIN, INT64_MIN}, {INT64_MIN, off_ns},  // off: first nothing, then what ended before
      {INT64_MAX, INT64_MIN}, {on_ns, INT64_MAX},   // on: nothing until they are
      {on_ns, INT64_MIN},     {on_ns, on_ns},
  };
  EXPECT_EQ(conclusive_, wanted);
  EXPECT_EQ(off_when_told_, (std::vector<uint32_t>{0, 0, 1, 0, 0, 0}));
}

TEST_F(CollectionSwitchTest, AThreadThatEndedWhileOffLosesItsSlotBeforeTheProgramsGoOn) {
  hooks.StartThread(100, 101);
  host.PumpAll();
  const uint16_t slot = hooks.PublishedSlotOf(101);
  ASSERT_TRUE(switch_->TurnOff().ok());
  host.tasks.Remove(101);
  PutUnseen(100, 101, 1, YoungestStart() + 5'000'000);  // its tid has another owner already
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_NE(hooks.PublishedSlotOf(101), slot);
  EXPECT_TRUE(host.HasOwnSlot(101)) << "the new owner was given one of its own";
  host.Settle();
  host.CheckInvariants("after on");
}

TEST_F(CollectionSwitchTest, ThreadsAndChildrenBornWhileOffAreWatchedAndOlderProcessesAreNot) {
  PutUnseen(300, 300, 100, YoungestStart());  // a child from before it was attached
  ASSERT_TRUE(switch_->TurnOff().ok());
  const int64_t start_ns = YoungestStart() + 1'000;
  PutUnseen(100, 102, 1, start_ns);
  PutUnseen(200, 200, 100, start_ns);
  PutUnseen(201, 201, 200, start_ns + 1);  // a child's child
  PutUnseen(202, 202, 1, start_ns + 2);    // nobody's
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_TRUE(host.HasOwnSlot(102));
  EXPECT_TRUE(host.Target(200).has_value());
  EXPECT_TRUE(host.Target(201).has_value());
  EXPECT_FALSE(host.Target(201)->watched_from_birth);
  EXPECT_TRUE(host.HasOwnSlot(201));
  EXPECT_FALSE(host.Target(202).has_value());
  EXPECT_FALSE(host.Target(300).has_value());
  host.Settle();
  host.CheckInvariants("after on");
}

TEST_F(CollectionSwitchTest, ATargetThatEndedWhileOffIsEndedAndItsNumberMayBeAnothers) {
  ASSERT_TRUE(switch_->TurnOff().ok());
  host.tasks.Remove(100);
  PutUnseen(100, 100, 1, YoungestStart() + 5'000'000);
  ASSERT_TRUE(switch_->TurnOn().ok());
  EXPECT_EQ(host.PidsIn(TargetState::kEnded), std::vector<uint32_t>{100});
  EXPECT_FALSE(host.Target(100).has_value());
  host.Settle();
  host.CheckInvariants("after on");
}

TEST_F(CollectionSwitchTest, RulesFindNobodyWhileOffAndAfterwardsWhoTheyMissed) {
  ASSERT_TRUE(host.AttachRule(*MakeRuleSelector(RuleSelector::Kind::kName, "unseen")).ok());
  ASSERT_TRUE(switch_->TurnOff().ok());
  PutUnseen(202, 202, 1, YoungestStart() + 1'000);
  host.Settle();
  EXPECT_FALSE(host.Target(202).has_value());
  ASSERT_TRUE(switch_->TurnOn().ok());
  host.registry.Maintain();
  EXPECT_TRUE(host.Target(202).has_value());
  EXPECT_TRUE(host.HasOwnSlot(202));
  host.Settle();
  host.CheckInvariants("after on");
}

TEST_F(CollectionSwitchTest, VisitorsThatWaitWhenItGoesOffAreNotWatchedMeanwhile) {
  ASSERT_TRUE(host.AttachRule(*MakeRuleSelector(RuleSelector::Kind::kCpus, "2")).ok());
  constexpr uint32_t kLast = 200 + TargetRegistry::kVisitorLooksPerCall;
  for (uint32_t pid = 200; pid <= kLast; ++pid) {
    hooks.StartProcess(pid, "visitor");
    hooks.Visit(pid, 2);
  }
  host.PumpAll();
  ASSERT_TRUE(switch_->TurnOff().ok());
  host.Settle();
  EXPECT_TRUE(host.Target(kLast - 1).has_value());
  EXPECT_FALSE(host.Target(kLast).has_value());
}

TEST_F(CollectionSwitchTest, AHundredRoundsLeakNothing) {
  for (uint32_t round = 0; round < 100; ++round) {
    hooks.StartThread(100, 1'000 + round);
    ASSERT_TRUE(switch_->TurnOff().ok());
    host.tasks.Remove(1'000 + round);
    PutUnseen(100, 2'000 + round, 1, YoungestStart() + 1'000);
    ASSERT_TRUE(switch_->TurnOn().ok());
    ASSERT_TRUE(host.HasOwnSlot(2'000 + round)) << round;
    host.tasks.Remove(2'000 + round);
    host.Settle();
    host.CheckInvariants("round " + std::to_string(round));
  }
}

TEST_F(CollectionSwitchTest, WhenThreadsCannotBeListedNothingChanges) {
  host.tasks.FailWith(absl::InternalError("no list"));
  EXPECT_FALSE(switch_->TurnOff().ok());
  EXPECT_EQ(host.controls.off, 0u);
  EXPECT_EQ(cpus_[0].run_queue, 0x1000u);
  host.tasks.FailWith(absl::OkStatus());
  ASSERT_TRUE(switch_->TurnOff().ok());
  host.tasks.FailWith(absl::InternalError("no list"));
  EXPECT_FALSE(switch_->TurnOn().ok());
  EXPECT_EQ(host.controls.off, 1u) << "stale slots must not be believed";
  host.tasks.FailWith(absl::OkStatus());
  EXPECT_TRUE(switch_->TurnOn().ok());
}

}  // namespace
}  // namespace hftmon
