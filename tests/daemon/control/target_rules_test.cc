// Rules: processes found by name, cgroup, unit and CPU, and lost again.
#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = RuleSelector::Kind;

class TargetRulesTest : public RegistryTest {
 protected:
  static RuleSelector Rule(Kind kind, const std::string& text) { return *MakeRuleSelector(kind, text); }
  RuleInfo OnlyRule() const { return host.registry.Rules().at(0); }
  // An exec that takes over the process's name.
  void Exec(uint32_t pid, const std::string& comm) {
    hooks.Exec(pid, pid, comm);
    host.PumpAll();
  }
};

TEST_F(TargetRulesTest, ProcessesThatExistAreFoundWhenAttachAnswers) {
  hooks.StartProcess(100, "engine");
  hooks.StartThread(100, 101);
  hooks.StartProcess(110, "engines");
  const RuleSelector rule = Rule(Kind::kName, "engine");
  const auto attached = host.registry.Attach({.selectors = {&rule, 1}});
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_THAT(attached->rules.at(0).pids, ElementsAre(100));
  EXPECT_TRUE(host.HasOwnSlot(101));
  EXPECT_FALSE(host.Target(110).has_value());
  host.Settle();
  host.CheckInvariants("found");
}

TEST_F(TargetRulesTest, ARestartedProcessIsWatchedFromItsExecOn) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine")).ok());
  for (uint32_t round = 0; round < 100; ++round) {
    const uint32_t pid = 100 + round;
    hooks.StartProcess(pid, "shell");
    hooks.Exec(pid, pid, "engine");
    EXPECT_TRUE(hooks.IsWatched(pid)) << "by the hook, before the daemon knows";
    EXPECT_TRUE(host.HasOwnSlot(pid));
    host.PumpAll();
    ASSERT_TRUE(host.Target(pid).has_value());
    hooks.EndProcess(pid);
    host.PumpAll();
    EXPECT_FALSE(host.Target(pid).has_value());
    host.clock.AdvanceNs(SlotTable::kGraceNs);
    host.registry.Maintain();
  }
  EXPECT_EQ(OnlyRule().found_count, 100u);
  EXPECT_THAT(OnlyRule().pids, IsEmpty());
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("restarted");
}

TEST_F(TargetRulesTest, AProcessThatEndedBeforeItsExecWasPumpedIsFoundAndEnded) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine")).ok());
  hooks.StartProcess(100, "shell");
  hooks.Exec(100, 100, "engine");
  hooks.StartThread(100, 101);
  hooks.EndProcess(100);
  host.Settle();
  EXPECT_EQ(OnlyRule().found_count, 1u);
  EXPECT_THAT(host.PidsIn(TargetState::kEnded), ElementsAre(100));
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("brief");
}

TEST_F(TargetRulesTest, AnotherNameAtExecIsLetGo) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine")).ok());
  hooks.StartProcess(100, "shell");
  Exec(100, "engine");
  ASSERT_TRUE(host.Target(100).has_value());
  Exec(100, "editor");
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_FALSE(hooks.IsWatched(100));
  host.Settle();
  EXPECT_EQ(host.stack.size(), 64u);
  host.CheckInvariants("left");
}

TEST_F(TargetRulesTest, ALongNameMustBeTheCommandToo) {
  const std::string longer = "matching_engine_core";
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, longer)).ok());
  hooks.StartProcess(100, "shell");
  hooks.StartProcess(110, "shell");
  host.facts.SetCommand(100, "matching_engine_test");
  host.facts.SetCommand(110, longer);
  Exec(100, longer.substr(0, kCommBytesMax));
  Exec(110, longer.substr(0, kCommBytesMax));
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_FALSE(hooks.IsWatched(100));
  EXPECT_TRUE(host.Target(110).has_value());
  host.Settle();
  host.CheckInvariants("long names");
}

TEST_F(TargetRulesTest, ARenameWithoutExecIsNoticedByTheNextLook) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine")).ok());
  hooks.StartProcess(100, "shell");
  TaskInfo task = *host.tasks.Get(100);
  task.comm = "engine";
  host.tasks.Put(task);
  host.Settle();
  EXPECT_TRUE(host.Target(100).has_value());
  task.comm = "renamed";
  host.tasks.Put(task);
  host.Settle();
  EXPECT_FALSE(host.Target(100).has_value());
  host.CheckInvariants("renamed");
}

TEST_F(TargetRulesTest, CgroupsAreFollowedThroughExecAndMoves) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kCgroup, "trading/")).ok());
  hooks.StartProcess(100, "shell");
  host.facts.Move(100, "/trading/engine");
  Exec(100, "engine");
  EXPECT_TRUE(host.Target(100).has_value()) << "the exec's notice is enough";
  hooks.StartProcess(110, "idle");
  host.Settle();
  EXPECT_FALSE(host.Target(110).has_value());
  host.facts.Move(110, "/trading");
  host.facts.Move(100, "/trading2");
  host.Settle();
  EXPECT_TRUE(host.Target(110).has_value());
  EXPECT_FALSE(host.Target(100).has_value());
  host.CheckInvariants("moved");
}

TEST_F(TargetRulesTest, AUnitIsAPartOfTheCgroupPath) {
  hooks.StartProcess(100, "engine");
  hooks.StartProcess(110, "engine");
  host.facts.Move(100, "/system.slice/matcher.service/worker");
  host.facts.Move(110, "/system.slice/other-matcher.service");
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kUnit, "matcher")).ok());
  EXPECT_THAT(OnlyRule().pids, ElementsAre(100));
}

TEST_F(TargetRulesTest, TheLookAtAllProcessesIsSpreadAndItsReadsAreBounded) {
  FakeHost large(300, 300);
  for (uint32_t pid = 100; pid < 400; ++pid) large.hooks.StartProcess(pid, "worker");
  ASSERT_TRUE(large.AttachRule(Rule(Kind::kCgroup, "/nowhere")).ok());
  const int reads = large.facts.reads();
  large.clock.AdvanceNs(TargetRegistry::kLookIntervalNs);
  large.registry.Maintain();
  EXPECT_LE(large.facts.reads() - reads, static_cast<int>(TargetRegistry::kLooksPerCall));
  for (int turn = 0; turn < 5; ++turn) large.registry.Maintain();
  EXPECT_EQ(large.facts.reads() - reads, 300);
}

TEST_F(TargetRulesTest, ALookThatGoesOnDoesNotJudgeByANameFromBeforeTheExec) {
  FakeHost large(300, 300);
  for (uint32_t pid = 100; pid < 400; ++pid) large.hooks.StartProcess(pid, "shell");
  ASSERT_TRUE(large.AttachRule(Rule(Kind::kName, "engine")).ok());
  large.clock.AdvanceNs(TargetRegistry::kLookIntervalNs);
  large.registry.Maintain();  // has listed them all, and looked at some
  for (const uint32_t pid : {100u, 250u, 399u}) large.hooks.Exec(pid, pid, "engine");
  large.PumpAll();
  for (int turn = 0; turn < 6; ++turn) {
    large.registry.Maintain();
    for (const uint32_t pid : {100u, 250u, 399u}) EXPECT_TRUE(large.Target(pid).has_value()) << pid << " after turn " << turn;
  }
}

TEST_F(TargetRulesTest, AVisitorOfACpuIsWatchedUntilTheRuleEnds) {
  hooks.StartProcess(100, "visitor");
  hooks.StartThread(100, 101);
  TaskInfo kernel_thread{.tid = 12, .tgid = 12, .parent_tgid = 2, .start_boottime_ns = 5, .kernel_thread = true, .comm = "kworker/2:1"};
  host.tasks.Put(kernel_thread);
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kCpus, "2-3")).ok());
  EXPECT_EQ(host.cpus[2].audited, 1);
  EXPECT_EQ(host.cpus[1].audited, 0);
  hooks.Visit(101, 1);
  hooks.Visit(12, 2);
  host.PumpAll();
  EXPECT_FALSE(host.Target(100).has_value());
  hooks.Visit(101, 3);
  host.PumpAll();
  EXPECT_THAT(OnlyRule().pids, ElementsAre(12, 100));
  EXPECT_TRUE(host.Target(12)->kernel_thread);
  EXPECT_THAT(host.Target(100)->spike_cpus, ElementsAre(2, 3));
  EXPECT_TRUE(host.HasOwnSlot(100)) << "the whole process";
  ASSERT_TRUE(host.Attach({100}).ok());
  EXPECT_THAT(host.Target(100)->spike_cpus, IsEmpty()) << "somebody wants all of it";
  ASSERT_TRUE(host.DetachRule(Rule(Kind::kCpus, "2,3")).ok());
  EXPECT_EQ(host.cpus[2].audited, 0);
  EXPECT_FALSE(host.Target(12).has_value());
  EXPECT_TRUE(host.Target(100).has_value());
  host.Settle();
  host.CheckInvariants("CPUs");
}

TEST_F(TargetRulesTest, VisitorsThatEndPushNoEndedTargetOfAClientOut) {
  FakeHost busy(65, 16);
  busy.hooks.StartProcess(10, "engine");
  ASSERT_TRUE(busy.Attach({10}).ok());
  busy.hooks.EndProcess(10);
  ASSERT_TRUE(busy.AttachRule(Rule(Kind::kCpus, "1")).ok());
  for (uint32_t pid = 100; pid < 100 + TargetRegistry::kEndedMax + 10; ++pid) {
    busy.hooks.StartProcess(pid, "visitor");
    busy.hooks.Visit(pid, 1);
    busy.PumpAll();
    busy.hooks.EndProcess(pid);
    busy.PumpAll();
    busy.clock.AdvanceNs(SlotTable::kGraceNs);
    busy.registry.Maintain();
  }
  EXPECT_THAT(busy.PidsIn(TargetState::kEnded), ::testing::Contains(10u));
}

TEST_F(TargetRulesTest, VisitorsBeyondTheBudgetOfATurnAreFoundInTheNextWithoutAnotherVisit) {
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kCpus, "2")).ok());
  constexpr size_t kMany = TargetRegistry::kVisitorLooksPerCall + 3;
  int enumerations = 0;
  for (uint32_t pid = 100; pid < 100 + kMany; ++pid) hooks.StartProcess(pid, "visitor");
  host.tasks.AfterEnumeration([&](int count) { enumerations = count; });
  for (uint32_t pid = 100; pid < 100 + kMany; ++pid) hooks.Visit(pid, 2);
  host.PumpAll();
  EXPECT_EQ(OnlyRule().pids.size(), TargetRegistry::kVisitorLooksPerCall);
  const int before = enumerations;
  hooks.Visit(100 + kMany - 1, 2);
  host.PumpAll();
  EXPECT_EQ(enumerations, before) << "who waits costs no look at all tasks";
  host.registry.Maintain();
  EXPECT_EQ(OnlyRule().pids.size(), kMany);
  EXPECT_EQ(OnlyRule().refused_count, 0u);
}

TEST_F(TargetRulesTest, VisitorsThatFindNoPlaceAmongThoseThatWaitAreCountedAsRefused) {
  constexpr uint32_t kPlaces = TargetRegistry::kVisitorLooksPerCall + TargetRegistry::kDeferredVisitorsMax;
  FakeHost busy(kPlaces + 8, kPlaces + 4);
  ASSERT_TRUE(busy.AttachRule(Rule(Kind::kCpus, "2")).ok());
  for (uint32_t pid = 100; pid < 100 + kPlaces + 2; ++pid) busy.hooks.StartProcess(pid, "visitor");
  for (uint32_t pid = 100; pid < 100 + kPlaces + 2; ++pid) busy.hooks.Visit(pid, 2);
  busy.hooks.Visit(100 + kPlaces - 1, 2);  // has its place
  busy.PumpAll();
  EXPECT_EQ(busy.registry.Rules().at(0).refused_count, 2u);
  for (size_t turn = 1; turn <= TargetRegistry::kDeferredVisitorsMax / TargetRegistry::kVisitorLooksPerCall; ++turn) {
    busy.registry.Maintain();
    EXPECT_EQ(busy.registry.Rules().at(0).pids.size(), (turn + 1) * TargetRegistry::kVisitorLooksPerCall) << "the budget holds";
  }
  EXPECT_EQ(busy.registry.Rules().at(0).pids.size(), kPlaces);
}

TEST_F(TargetRulesTest, WhenThereIsNoRoomForATargetAVisitorCostsNoLookAtAllTasks) {
  FakeHost full(65, 1);
  full.hooks.StartProcess(100, "engine");
  full.hooks.StartProcess(101, "visitor");
  ASSERT_TRUE(full.Attach({100}).ok());
  ASSERT_TRUE(full.AttachRule(Rule(Kind::kCpus, "2")).ok());
  int enumerations = 0;
  full.tasks.AfterEnumeration([&](int count) { enumerations = count; });
  full.hooks.Visit(101, 2);
  full.PumpAll();
  EXPECT_EQ(enumerations, 0);
  EXPECT_EQ(full.registry.Rules().at(0).refused_count, 1u);
}

TEST_F(TargetRulesTest, AChildThatARuleFindsBeforeItsBirthIsToldStaysWithItsParentsClient) {
  hooks.StartProcess(100, "parent");
  ASSERT_TRUE(host.Attach({100}, {.spike_threshold_ns = 7'000, .follow_children = true}).ok());
  hooks.ForkProcess(100, 101);
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "child"), {.spike_threshold_ns = 9'000}).ok());
  ASSERT_TRUE(host.Target(101).has_value()) << "found in the look at all processes, its birth not pumped yet";
  host.PumpAll();
  EXPECT_EQ(host.Target(101)->holders.size(), 2u);
  EXPECT_EQ(host.Target(101)->parent_pid, 100u);
  EXPECT_FALSE(host.Target(101)->watched_from_birth) << "the rule's look came first";
  EXPECT_EQ(host.Target(101)->options.spike_threshold_ns, 7'000);
  ASSERT_TRUE(host.DetachRule(Rule(Kind::kName, "child")).ok());
  EXPECT_TRUE(host.Target(101).has_value()) << "its parent's client holds it";
  host.Settle();
  host.CheckInvariants("late birth");
}

TEST_F(TargetRulesTest, WhoIsOnTheCpuAndNeverLeavesItIsFoundToo) {
  hooks.StartProcess(100, "spinner");
  TaskInfo task = *host.tasks.Get(100);
  task.running_cpu = 2;
  host.tasks.Put(task);
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kCpus, "2")).ok());
  EXPECT_THAT(OnlyRule().pids, ElementsAre(100));
}

TEST_F(TargetRulesTest, TheDaemonItselfIsNeverFound) {
  hooks.StartProcess(kOwnPid, "hftmond");
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "hftmond")).ok());
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kCpus, "0-3")).ok());
  hooks.Visit(kOwnPid, 1);
  host.Settle();
  EXPECT_THAT(host.registry.List(), IsEmpty());
}

TEST_F(TargetRulesTest, RulesOfSessionsEndWithThem) {
  hooks.StartProcess(100, "engine");
  const uint64_t session = *host.registry.OpenSession("client");
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine"), {.spike_threshold_ns = 4'000}, session).ok());
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine"), {.spike_threshold_ns = 8'000}).ok());
  ASSERT_EQ(host.registry.Rules().size(), 1u);
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 4'000);
  host.registry.CloseSession(session);
  EXPECT_EQ(host.Target(100)->options.spike_threshold_ns, 8'000);
  ASSERT_TRUE(host.DetachRule(Rule(Kind::kName, "engine")).ok());
  EXPECT_FALSE(host.Target(100).has_value());
  EXPECT_EQ(host.controls.rules_active, 0u);
  host.Settle();
  host.CheckInvariants("rule ended");
}

TEST_F(TargetRulesTest, AProcessThatARuleHoldsIsDetachedWithTheRule) {
  hooks.StartProcess(100, "engine");
  ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "engine")).ok());
  const absl::Status status = host.Detach({100});
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("held by the rule name engine"));
  EXPECT_TRUE(absl::IsNotFound(host.DetachRule(Rule(Kind::kName, "other"))));
}

TEST_F(TargetRulesTest, WhatARuleFindsBeyondTheBoundIsCounted) {
  FakeHost small(65, 1);
  small.hooks.StartProcess(100, "engine");
  small.hooks.StartProcess(110, "engine");
  ASSERT_TRUE(small.AttachRule(Rule(Kind::kName, "engine")).ok());
  EXPECT_EQ(small.registry.Rules()[0].pids.size(), 1u);
  EXPECT_EQ(small.registry.Rules()[0].refused_count, 1u);
  small.hooks.StartProcess(120, "shell");
  small.hooks.Exec(120, 120, "engine");
  small.Settle();
  EXPECT_FALSE(small.hooks.IsWatched(120));
  small.CheckInvariants("at the bound");
}

TEST_F(TargetRulesTest, RulesAreBounded) {
  for (size_t i = 0; i < HoldingLimits{}.rules_max; ++i) ASSERT_TRUE(host.AttachRule(Rule(Kind::kName, "p" + std::to_string(i))).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(host.AttachRule(Rule(Kind::kName, "more"))));
  EXPECT_TRUE(host.AttachRule(Rule(Kind::kName, "p1")).ok());
  EXPECT_EQ(host.controls.rule_name_count, HFT_RULE_NAMES_MAX);
  ASSERT_TRUE(host.DetachAll().ok());
  EXPECT_EQ(host.controls.rule_name_count, 0u);
}

TEST_F(TargetRulesTest, WhatNoProcessCanEverBeIsRefused) {
  const auto message = [](Kind kind, const std::string& text) { return std::string(MakeRuleSelector(kind, text).status().message()); };
  for (const char* path : {"//trading", "/trading//engine", "/trading//"})
    EXPECT_THAT(message(Kind::kCgroup, path), HasSubstr("empty part"));
  for (const char* path : {"/trading/../other", "/./trading", "trading/.", "/trading/..", "/../trading/.."}) {
    EXPECT_THAT(message(Kind::kCgroup, path), HasSubstr("/proc/PID/cgroup")) << path;
  }
  EXPECT_THAT(message(Kind::kCgroup, "/" + std::string(256, 'x')), HasSubstr("at most 255"));
  for (const char* unit : {"my matcher", "matcher*", "m\xc3\xa4tcher"})
    EXPECT_THAT(message(Kind::kUnit, unit), HasSubstr("letters, digits")) << unit;
  EXPECT_THAT(message(Kind::kUnit, std::string(250, 'x')), HasSubstr("with its suffix it has 258 bytes"));
  EXPECT_THAT(message(Kind::kUnit, "matcher.timer"), HasSubstr("name the service"));
  EXPECT_THAT(message(Kind::kUnit, "matcher@"), HasSubstr("matcher@1.service"));
  EXPECT_THAT(message(Kind::kUnit, ".service"), HasSubstr("before its suffix is empty"));
}

TEST_F(TargetRulesTest, WhatCanBeIsTaken) {
  const auto text = [](Kind kind, const std::string& given) { return MakeRuleSelector(kind, given).value_or(RuleSelector{}).text; };
  EXPECT_EQ(text(Kind::kCgroup, "trading/"), "/trading");
  // As the kernel shows what lies outside of the daemon's cgroup namespace.
  EXPECT_EQ(text(Kind::kCgroup, "/../../trading/..a"), "/../../trading/..a");
  EXPECT_EQ(text(Kind::kUnit, "user@1000"), "user@1000.service");
  EXPECT_EQ(text(Kind::kUnit, "dev-disk\\x2duuid.swap"), "dev-disk\\x2duuid.swap");
  EXPECT_EQ(text(Kind::kUnit, std::string(247, 'x')).size(), 255u);
  // argv[0] decides where the kernel's 15 bytes do not.
  EXPECT_EQ(text(Kind::kName, "market_data_engine"), "market_data_engine");
}

TEST_F(TargetRulesTest, ABadSelectorIsRefusedWithItsMend) {
  const auto message = [](Kind kind, const std::string& text) { return std::string(MakeRuleSelector(kind, text).status().message()); };
  EXPECT_THAT(message(Kind::kName, ""), HasSubstr("empty"));
  EXPECT_THAT(message(Kind::kName, "/usr/bin/engine"), HasSubstr("last part"));
  EXPECT_THAT(message(Kind::kName, std::string(256, 'x')), HasSubstr("at most 255"));
  EXPECT_THAT(message(Kind::kCgroup, "///"), HasSubstr("below it"));
  EXPECT_THAT(message(Kind::kUnit, "a/b"), HasSubstr("cgroup"));
  EXPECT_THAT(message(Kind::kCpus, " "), HasSubstr("no CPU"));
  EXPECT_FALSE(MakeRuleSelector(Kind::kCpus, "x").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(host.AttachRule(Rule(Kind::kCpus, "4"))));
  EXPECT_THAT(host.registry.Rules(), IsEmpty());
}

}  // namespace
}  // namespace hftmon
