#include <functional>

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TargetAttachTest : public RegistryTest {
 protected:
  void SetUp() override {
    hooks.StartProcess(100, "engine");
    hooks.StartThread(100, 101);
    hooks.StartThread(100, 102);
  }
};

TEST_F(TargetAttachTest, EveryThreadHasASlotWhenAttachAnswers) {
  const auto attached = host.registry.Attach({.pids = std::vector<int32_t>{100}});
  ASSERT_TRUE(attached.ok()) << attached.status();
  ASSERT_EQ(attached->targets.size(), 1u);
  EXPECT_EQ(attached->targets[0].thread_count, 3);
  EXPECT_EQ(attached->targets[0].comm, "engine");
  EXPECT_EQ(attached->targets[0].options.spike_threshold_ns, 50'000);
  for (const uint32_t tid : {100u, 101u, 102u}) EXPECT_TRUE(host.HasOwnSlot(tid)) << tid;
  EXPECT_TRUE(hooks.IsWatched(100));
  host.Settle();
  host.CheckInvariants("attached");
}

TEST_F(TargetAttachTest, ThreadBornWhileAttachingIsWatched) {
  host.tasks.AfterEnumeration([this](int enumeration) {
    // 1 is the check of the process, 2 the enumeration before the bit, 3 the one after it.
    if (enumeration == 1) hooks.StartThread(100, 201);
    if (enumeration == 2) hooks.StartThread(100, 202);
    if (enumeration == 3) hooks.StartThread(100, 203);
  });
  ASSERT_TRUE(host.Attach({100}).ok());
  for (const uint32_t tid : {201u, 202u, 203u}) EXPECT_TRUE(host.HasOwnSlot(tid)) << tid;
  host.Settle();
  host.CheckInvariants("attached while forking");
  EXPECT_EQ(host.Target(100)->thread_count, 6);
}

TEST_F(TargetAttachTest, SecondSlotOfAThreadWhoseForkHookRunsLateIsTakenBack) {
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration == 1) hooks.AddToTaskList(100, 201);  // visible, its hook still to come
    if (enumeration == 3) hooks.RunForkHook(201);         // after we gave it a slot
  });
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.stack.size(), 64u - 5);
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u - 4);
  EXPECT_EQ(host.registry.counters().stray_slot_count, 1u);
  host.CheckInvariants("duel");
}

TEST_F(TargetAttachTest, SecondSlotIsTakenBackAlsoWhenTheForkEventIsLost) {
  hooks.LoseEvents(true);
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration == 1) hooks.AddToTaskList(100, 201);
    if (enumeration == 3) hooks.RunForkHook(201);
  });
  ASSERT_TRUE(host.Attach({100}).ok());
  host.registry.Resync();
  host.Settle();
  host.CheckInvariants("duel without its event");
}

TEST_F(TargetAttachTest, ThreadThatEndsWhileItIsGivenASlotLeavesNone) {
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration == 2) hooks.EndThread(102);  // enumerated, then gone before its slot and the bit
  });
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.stack.size(), 64u - 3);
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u - 2);
  EXPECT_EQ(host.registry.counters().orphan_slot_count, 1u);
  host.CheckInvariants("ended meanwhile");
}

TEST_F(TargetAttachTest, ProcessThatEndsDuringAttachIsNotFoundAndLeavesNothing) {
  for (const int when : {1, 2, 3}) {
    const uint32_t pid = 300 + static_cast<uint32_t>(when);
    hooks.StartProcess(pid);
    host.tasks.AfterEnumeration([&, when](int enumeration) {
      if (enumeration == when) hooks.EndProcess(pid);
    });
    const absl::Status status = host.Attach({static_cast<int32_t>(pid)});
    host.tasks.AfterEnumeration({});
    if (when < 3) {
      EXPECT_TRUE(absl::IsNotFound(status)) << status;
      EXPECT_THAT(status.message(), HasSubstr("ended while it was being attached"));
    }
    host.Settle();
    EXPECT_FALSE(host.Target(pid).has_value());
    EXPECT_EQ(host.stack.size(), 64u);
    host.CheckInvariants("ended during attach");
  }
}

TEST_F(TargetAttachTest, NumberTakenByAnotherProcessDuringAttachIsNotFound) {
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration != 1) return;
    hooks.EndProcess(100);
    hooks.StartProcess(100, "stranger");
  });
  EXPECT_TRUE(absl::IsNotFound(host.Attach({100})));
  host.Settle();
  host.CheckInvariants("recycled during attach");
}

TEST_F(TargetAttachTest, AttachingTwiceIsOneTargetWithTheUnionOfTheOptions) {
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 30'000, .blocked_threshold_ns = 0, .follow_children = false}).ok());
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 80'000, .blocked_threshold_ns = 9'000, .follow_children = true}).ok());
  ASSERT_EQ(host.registry.List().size(), 1u);
  const TargetInfo info = *host.Target(100);
  EXPECT_EQ(info.options.spike_threshold_ns, 30'000);
  EXPECT_EQ(info.options.blocked_threshold_ns, 9'000);
  EXPECT_TRUE(info.options.follow_children);
  EXPECT_EQ(info.thread_count, 3);
  host.Settle();
  EXPECT_EQ(host.stack.size(), 61u);
  host.CheckInvariants("attached twice");
}

TEST_F(TargetAttachTest, FollowedChildThatAClientAttachesIsOneTarget) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.ForkProcess(100, 150);
  ASSERT_TRUE(host.Attach({150}, {.spike_threshold_ns = 2'000}).ok());  // before its FORK event is pumped
  host.PumpAll();
  EXPECT_EQ(host.registry.List().size(), 2u);
  EXPECT_EQ(host.Target(150)->parent_pid, 0u);
  EXPECT_EQ(host.Target(150)->options.spike_threshold_ns, 2'000);
  EXPECT_EQ(host.Target(150)->thread_count, 1);
  host.Settle();
  host.CheckInvariants("child attached");
}

TEST_F(TargetAttachTest, OneBadPidAmongGoodOnesAttachesNone) {
  hooks.StartProcess(110);
  EXPECT_TRUE(absl::IsNotFound(host.Attach({100, 110, 999})));
  EXPECT_THAT(host.registry.List(), IsEmpty());
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("all or none");
}

TEST_F(TargetAttachTest, TooFewSlotsRollsBackEverythingOfTheCall) {
  hooks.StartProcess(110);
  for (uint32_t tid = 1000; tid < 1063; ++tid) hooks.StartThread(110, tid);
  const absl::Status status = host.Attach({100, 110}, {.spike_threshold_ns = 1'000});
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("of process 110"));
  EXPECT_THAT(host.registry.List(), IsEmpty());
  EXPECT_FALSE(hooks.IsWatched(100));
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  EXPECT_EQ(host.registry.FloorsSince(0).run_queue_ns, 50'000);
  host.CheckInvariants("rolled back");
}

TEST_F(TargetAttachTest, TargetsAboveTheLimitAreRefused) {
  FakeHost small(65, 2);
  for (const uint32_t pid : {10u, 20u, 30u}) small.hooks.StartProcess(pid);
  ASSERT_TRUE(small.Attach({10}).ok());
  const absl::Status status = small.Attach({20, 30});
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(status.message(), HasSubstr("1 target and 2 more are above the limit of 2: detach some"));
  EXPECT_TRUE(small.Attach({10, 20}).ok()) << "a target that is one already takes no further place";
}

TEST_F(TargetAttachTest, ErrorsNameTheThingTheCauseAndTheMend) {
  hooks.StartProcess(kOwnPid, "hftmond");
  host.tasks.Put({.tid = 12, .tgid = 12, .start_boottime_ns = 1, .kernel_thread = true, .comm = "kworker"});
  host.tasks.Put({.tid = 5000, .tgid = 5000, .start_boottime_ns = 1, .comm = "high"});
  const auto message = [this](std::vector<int32_t> pids) { return std::string(host.Attach(pids).message()); };
  EXPECT_THAT(message({999}), AllOf(HasSubstr("no process 999"), HasSubstr("pgrep NAME")));
  EXPECT_THAT(message({101}), AllOf(HasSubstr("101 is a thread of process 100"), HasSubstr("attach 100")));
  EXPECT_THAT(message({kOwnPid}), HasSubstr("is hftmond itself"));
  EXPECT_THAT(message({12}), AllOf(HasSubstr("is a kernel thread"), HasSubstr("hftmon attach --cpus")));
  EXPECT_THAT(message({5000}), HasSubstr("covers ids below 4096"));
  EXPECT_THAT(message({}), HasSubstr("at least one"));
  EXPECT_THAT(message({0}), HasSubstr("ids begin at 1"));
  EXPECT_THAT(message({-3}), HasSubstr("-3 is no process id"));
  EXPECT_THAT(message({100, 100}), HasSubstr("named twice"));
  EXPECT_THAT(message(std::vector<int32_t>(65, 100)), HasSubstr("at most 64"));
}

TEST_F(TargetAttachTest, AProcessThatOnlyProcShowsIsNamed) {
  host.facts.SetCommand(999, "hidden");
  const absl::Status status = host.Attach({999});
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), AllOf(HasSubstr("process 999 (hidden) is in hftmond's /proc"), HasSubstr("the host's number")));
}

TEST_F(TargetAttachTest, ProcessWhoseLeaderIsGoneIsWatchedThroughItsThreads) {
  hooks.EndThread(100);
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.Target(100)->thread_count, 2);
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.EndThread(101);  // the oldest thread, which stood for the process
  host.PumpAll();
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_EQ(host.registry.List().size(), 1u);
  host.Settle();
  EXPECT_TRUE(host.Target(100).has_value());
  host.CheckInvariants("without leader");
}

TEST_F(TargetAttachTest, LeaderThatEndsDuringAttachLeavesItsThreadsWatched) {
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration == 1) hooks.EndThread(100);
  });
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_TRUE(host.HasOwnSlot(101));
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 2);
  host.CheckInvariants("leader ended meanwhile");
}

TEST_F(TargetAttachTest, ChildThatChangedWhileAFailedAttachHadItsBitClearedIsLookedAtAgain) {
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.ForkProcess(100, 150);
  hooks.StartThread(150, 151);
  host.tasks.AfterEnumeration([this](int enumeration) {
    if (enumeration == 2) host.tasks.FailWith(absl::InternalError("iterator"));
  });
  ASSERT_FALSE(host.Attach({150}).ok());
  host.tasks.AfterEnumeration({});
  host.tasks.FailWith(absl::OkStatus());
  hooks.EndThread(151);  // nobody sees it
  host.Settle();
  EXPECT_EQ(host.Target(150)->thread_count, 1);
  host.CheckInvariants("child after a failed attach");
}

TEST_F(TargetAttachTest, ThousandRoundsOfEveryBadInputLeaveEverythingAsItWas) {
  hooks.StartProcess(kOwnPid, "hftmond");
  hooks.StartProcess(120);
  for (uint32_t tid = 1000; tid < 1063; ++tid) hooks.StartThread(120, tid);
  host.tasks.Put({.tid = 12, .tgid = 12, .start_boottime_ns = 1, .kernel_thread = true, .comm = "kworker"});
  host.tasks.Put({.tid = 5000, .tgid = 5000, .start_boottime_ns = 1, .comm = "high"});
  ASSERT_TRUE(host.Attach({100}).ok());
  host.Settle();
  const auto ends_during_attach = [this] {
    hooks.StartProcess(300);
    host.tasks.AfterEnumeration([this](int enumeration) {
      if (enumeration == 2) hooks.EndProcess(300);
    });
    const absl::Status status = host.Attach({300});
    host.tasks.AfterEnumeration({});
    return status;
  };
  const auto source_fails = [this] {
    host.tasks.FailWith(absl::InternalError("iterator"));
    const absl::Status status = host.Attach({120});
    host.tasks.FailWith(absl::OkStatus());
    return status;
  };
  const std::vector<std::function<absl::Status()>> bad_inputs = {
      [this] { return host.Attach({}); },
      [this] { return host.Attach({0}); },
      [this] { return host.Attach({-1}); },
      [this] { return host.Attach({999}); },
      [this] { return host.Attach({101}); },
      [this] { return host.Attach({12}); },
      [this] { return host.Attach({5000}); },
      [this] { return host.Attach({kOwnPid}); },
      [this] {
        return host.Attach({100, 100});
      },
      [this] { return host.Attach(std::vector<int32_t>(65, 1)); },
      [this] { return host.Attach({120}); },  // too few slots
      [this] { return host.Attach({100}, {.spike_threshold_ns = -1}); },
      [this] { return host.Attach({100}, {.blocked_threshold_ns = INT64_MAX}); },
      [this] { return host.Attach({100}, {.sampling_interval_ns = 1}); },
      [this] { return host.Attach({100}, {.probe_groups = {"numa"}}); },
      [this] { return host.Attach({100}, {.counter_interval_ns = 5'000}); },
      [this] { return host.Attach({100}, {.numa = true}); },
      [this] { return host.Detach({999}); },
      [this] { return host.Detach({}); },
      [this] {
        return host.Detach({100, 100});
      },
      [this] { return host.registry.Detach({.pids = std::vector<int32_t>{100}, .all = true}).status(); },
      [this] { return host.registry.Update(999, {}).status(); },
      [this] { return host.registry.Update(100, {.spike_threshold_ns = 5}).status(); },
      [this] { return host.registry.LeaseThresholds(-1, 0).status(); },
      ends_during_attach,
      source_fails,
  };
  for (int round = 0; round < 1000; ++round) {
    for (size_t i = 0; i < bad_inputs.size(); ++i) {
      ASSERT_FALSE(bad_inputs[i]().ok()) << "input " << i << " was accepted in round " << round;
    }
    host.PumpAll();
    host.clock.AdvanceNs(SlotTable::kGraceNs);
    host.registry.Maintain();
    ASSERT_EQ(host.stack.size(), 61u) << "after round " << round;
  }
  host.Settle();
  host.CheckInvariants("after 1000 rounds");
  EXPECT_THAT(host.PidsIn(TargetState::kRunning), ElementsAre(100));
  EXPECT_EQ(host.registry.counters().retiring_slot_count, 0);
}

TEST_F(TargetAttachTest, ThousandRoundsOfAttachAndDetachLeaveEverythingAsItWas) {
  for (int round = 0; round < 1000; ++round) {
    ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 5'000}).ok());
    hooks.StartThread(100, 200);
    ASSERT_TRUE(host.Detach({100}).ok());
    EXPECT_FALSE(hooks.IsWatched(100));
    hooks.EndThread(200);
    host.PumpAll();
    host.clock.AdvanceNs(SlotTable::kGraceNs);
    host.registry.Maintain();
    ASSERT_EQ(host.stack.size(), 64u) << "after round " << round;
  }
  host.Settle();
  host.CheckInvariants("after 1000 rounds");
}

}  // namespace
}  // namespace hftmon
