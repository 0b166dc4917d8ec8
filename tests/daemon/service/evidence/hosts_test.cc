// Hosts as they were recorded, audited: what their settings make of advice, compared with goldens that were reviewed by hand
// (tests/fixtures/hosts/NAME.advice).
#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/cpu_list.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/service/evidence/facts_of_settings.h"
#include "tests/daemon/os/host_fixture.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Audit {
  std::vector<Fact> facts;
  std::vector<MissingEvidence> missing;
  Judgement judgement;
};

CoalescingReport Drivers(std::vector<std::pair<std::string, bool>> adaptive) {
  std::vector<InterfaceInterrupts> interfaces;
  for (const auto& [name, on] : adaptive) {
    InterfaceInterrupts interface {
      .device = {.name = name }
    };
    interface.settings = CoalescingSettings{.rx_usecs = 3, .adaptive_rx = on};
    interfaces.push_back(std::move(interface));
  }
  CoalescingReport report;
  report.interfaces.devices = std::move(interfaces);
  return report;
}

Audit AuditOf(const FixtureTree& tree, std::set<uint32_t> pids = {}, std::function<CoalescingReport()> drivers = {}) {
  EvidenceContext context;
  context.begin_mono_ns = kBeginNs;
  context.end_mono_ns = kEndNs;
  context.online_cpus = ReadOnlineCpus(tree.root()).value_or(CpuList());
  context.reserved_cpus = ReadReservedCpus(tree.root()).value_or(CpuList());
  Audit audit;
  AddSettingFacts(context, {.files = tree.root(), .pids = std::move(pids), .coalescing = std::move(drivers)}, &audit.facts, &audit.missing);
  for (const Fact& fact : audit.facts) EXPECT_TRUE(CheckFact(fact).ok()) << CheckFact(fact).message();
  const JudgeWindow window{.begin_mono_ns = kBeginNs, .end_mono_ns = kEndNs, .missing = audit.missing};
  audit.judgement = Judge(AdviceRules(), audit.facts, window, {.audit = true});
  auto& all = audit.judgement.recommendations;
  std::sort(all.begin(), all.end(), [](const Recommendation& a, const Recommendation& b) { return a.id < b.id; });
  return audit;
}

void AddLine(const char* what, const std::string& text, std::string* golden) {
  if (!text.empty()) absl::StrAppend(golden, "  ", what, ": ", text, "\n");
}

std::string GoldenOf(const Judgement& judgement) {
  std::string golden;
  for (const Recommendation& one : judgement.recommendations) {
    absl::StrAppend(&golden, one.id, "\n");
    AddLine("cause", one.cause, &golden);
    for (const std::string& sentence : one.evidence.sentences) AddLine("seen", sentence, &golden);
    AddLine("do", one.action.command, &golden);
    AddLine("hint", one.action.code_hint, &golden);
    AddLine("withheld", one.action.withheld, &golden);
    AddLine("undo", one.action.undo, &golden);
    AddLine("lasting", one.action.persist, &golden);
  }
  for (const NotJudged& one : judgement.not_judged) {
    absl::StrAppend(&golden, "not judged: ", one.rule, "\n");
    AddLine("reason", one.reason, &golden);
    AddLine("mend", one.mend, &golden);
  }
  return golden;
}

void ExpectGolden(const std::string& name, const FixtureTree& tree, const Judgement& judgement) {
  const std::string path = "tests/fixtures/hosts/" + name + ".advice";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const std::string golden = absl::StrReplaceAll(GoldenOf(judgement), {{tree.path(), ""}});
  EXPECT_EQ(golden, text.str()) << path;
}

TEST(HostsTest, AGuestWhoseIsolatedCpusAreSetUpWellGivesNothing) {
  const HostFixture host("guest-isolated");
  const Audit audit = AuditOf(host, {}, [] { return Drivers({{"eth0", false}}); });
  EXPECT_EQ(GoldenOf(audit.judgement), "");
  EXPECT_GE(audit.facts.size(), 14u) << "silent because nothing was looked at";
}

TEST(HostsTest, AGuestThatIsSetUpBadlyIsToldEachCommand) {
  const HostFixture host("guest-misconfigured");
  ExpectGolden("guest-misconfigured", host, AuditOf(host, {4711}, [] { return Drivers({{"eth0", true}}); }).judgement);
}

TEST(HostsTest, ADesktopGivesNothing) {
  const HostFixture host("hybrid-desktop");
  const Audit audit = AuditOf(host);
  EXPECT_EQ(GoldenOf(audit.judgement), "");
  EXPECT_TRUE(std::none_of(audit.facts.begin(), audit.facts.end(), [](const Fact& fact) { return fact.kind == FactKind::kCpuSetting; }));
}

TEST(HostsTest, TheSameDesktopWithIsolatedCpusIsToldOfFrequencyIdleStatesAndSiblings) {
  const HostFixture host("hybrid-desktop");
  host.Write("/sys/devices/system/cpu/isolated", "2-4,8\n");
  host.Write("/proc/cmdline", "quiet isolcpus=domain,2-4,8 rcu_nocbs=2-99\n");
  ExpectGolden("hybrid-desktop-isolated", host, AuditOf(host).judgement);
}

TEST(HostsTest, SiblingsThatAreReservedTooOrOfflineAreNoMatter) {
  const HostFixture host("two-nodes-smt");
  host.Write("/sys/devices/system/cpu/online", "0-23\n");
  host.Write("/sys/devices/system/cpu/isolated", "2,3,15\n");
  host.Write("/sys/devices/system/cpu/nohz_full", "2,3,15\n");
  host.Write("/proc/cmdline", "nohz_full=2,3,15 isolcpus=managed_irq,domain,2,3,15\n");
  host.Write("/proc/sys/kernel/numa_balancing", "1\n");
  ExpectGolden("two-nodes-smt-isolated", host, AuditOf(host).judgement);
  host.Write("/sys/devices/system/cpu/online", "0-13,15-23\n");
  host.Write("/proc/sys/kernel/numa_balancing", "0\n");
  EXPECT_EQ(GoldenOf(AuditOf(host).judgement), "");
}

TEST(HostsTest, AKernelWithoutTheSwitchesIsNotTakenForOneThatHasThemOn) {
  const HostFixture host("old-kernel-cpus");
  host.Write("/sys/devices/system/cpu/isolated", "8-15\n");
  ExpectGolden("old-kernel-isolated", host, AuditOf(host).judgement);
}

TEST(HostsTest, SwapIsAdviceOnlyWhereATargetIsInIt) {
  const HostFixture host("swapped-desktop");
  EXPECT_EQ(GoldenOf(AuditOf(host).judgement), "");
  ExpectGolden("swapped-desktop", host, AuditOf(host, {26231}).judgement);
}

TEST(HostsTest, AGuestOfTwoCpusGivesNothing) {
  const HostFixture host("two-cpu-guest");
  const Audit audit = AuditOf(host);
  EXPECT_EQ(GoldenOf(audit.judgement), "");
  EXPECT_THAT(audit.missing, IsEmpty());
  EXPECT_THAT(audit.facts, SizeIs(12));
}

TEST(HostsTest, ATimeThatIsReadFromADeviceIsAdviceForEverybody) {
  const HostFixture host("two-cpu-guest");
  host.Write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  const Judgement judgement = AuditOf(host).judgement;
  ASSERT_THAT(judgement.recommendations, SizeIs(1));
  EXPECT_EQ(judgement.recommendations[0].rule, "audit-clocksource");
}

// Where a host's files stand in for the host itself: the command as given, on the copy.
void RunOn(const FixtureTree& tree, const std::string& command) {
  std::string script = absl::StrReplaceAll(command, {{" /sys/", absl::StrCat(" ", tree.path(), "/sys/")},
                                                     {" /proc/", absl::StrCat(" ", tree.path(), "/proc/")},
                                                     {"sysctl -w kernel.", absl::StrCat("cd ", tree.path(), "/proc/sys/kernel; set_to ")}});
  script = "set_to() { echo \"${1#*=}\" > \"${1%%=*}\"; }; set -e; " + script;
  ASSERT_EQ(::system(script.c_str()), 0) << script;  // NOLINT: of the test's own files
}

// Files that the kernel shows in another form than it takes them.
void ActAsKernel(const FixtureTree& tree) {
  const std::string thp = "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::string word(Trim(tree.root().ReadFile(thp).value_or("")));
  if (word.find('[') == std::string::npos) tree.Write(thp, absl::StrReplaceAll("always madvise never", {{word, "[" + word + "]"}}));
  CpuList online = ReadOnlineCpus(tree.root()).value_or(CpuList());
  for (int cpu = 0; cpu < 8; ++cpu) {
    const auto state = tree.root().ReadFile(absl::StrCat("/sys/devices/system/cpu/cpu", cpu, "/online"));
    if (!state.ok()) continue;
    std::erase(online, cpu);
    if (Trim(*state) == "1") online.push_back(cpu);
  }
  std::sort(online.begin(), online.end());
  tree.Write("/sys/devices/system/cpu/online", FormatCpuList(online) + "\n");
}

TEST(HostsTest, FollowingEachCommandEndsItsAdviceAndTheUndoBringsItBack) {
  const HostFixture host("guest-misconfigured");
  const Judgement before = AuditOf(host).judgement;
  std::vector<Action> done;
  for (const Recommendation& one : before.recommendations) {
    const std::string& command = one.action.command;
    if (command.starts_with("echo ") || command.starts_with("for ") || command.starts_with("sysctl ")) done.push_back(one.action);
  }
  ASSERT_THAT(done, SizeIs(12));
  for (const Action& action : done) RunOn(host, action.command);
  ActAsKernel(host);
  std::vector<std::string> left;
  for (const Recommendation& one : AuditOf(host).judgement.recommendations) left.push_back(one.rule);
  EXPECT_THAT(left, ElementsAre("audit-irqbalance", "audit-managed-irq", "audit-nohz-full", "audit-rcu-nocbs"));
  std::reverse(done.begin(), done.end());
  for (const Action& action : done) RunOn(host, action.undo);
  ActAsKernel(host);
  EXPECT_EQ(GoldenOf(AuditOf(host).judgement), GoldenOf(before));
}

}  // namespace
}  // namespace hftmon
