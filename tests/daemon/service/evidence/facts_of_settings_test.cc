#include "daemon/service/evidence/facts_of_settings.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "daemon/service/evidence/missing_evidence.h"
#include "daemon/service/evidence/setting_table.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using enum FactField;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kCpu2[] = "/sys/devices/system/cpu/cpu2";

class SettingFactsTest : public ::testing::Test {
 protected:
  // Of a host with CPUs 0-3, of which 2-3 are reserved.
  void SetUp() override {
    context_ = TestContext();
    context_.lost_records = true;
    context_.reserved_cpus = {2, 3};
    tree_.Write("/proc/cmdline", "quiet\n");
    tree_.Write("/proc/swaps", "Filename Type Size Used Priority\n");
    tree_.Write("/sys/devices/system/cpu/possible", "0-7\n");
    tree_.Write("/sys/devices/system/cpu/isolated", "2-3\n");
    tree_.Write("/sys/devices/system/cpu/nohz_full", "\n");
    for (const char* cpu : {"2", "3"}) Sibling(cpu, cpu);
  }
  void Sibling(const std::string& cpu, const std::string& list) {
    tree_.Write("/sys/devices/system/cpu/cpu" + cpu + "/topology/thread_siblings_list", list + "\n");
  }
  void Read(std::function<CoalescingReport()> coalescing = {}) {
    facts_.clear();
    missing_.clear();
    AddSettingFacts(context_, {.files = tree_.root(), .pids = pids_, .coalescing = std::move(coalescing)}, &facts_, &missing_);
    for (const Fact& fact : facts_) EXPECT_TRUE(CheckFact(fact).ok()) << CheckFact(fact).message();
  }
  // The only fact of that setting.
  const Fact* Find(const std::string& setting) const {
    const Fact* found = nullptr;
    for (const Fact& fact : facts_) {
      if (std::get<std::string>(fact.values.at(kSetting)) != setting) continue;
      EXPECT_EQ(found, nullptr) << "two facts of " << setting;
      found = &fact;
    }
    return found;
  }
  std::optional<FactValue> Value(const std::string& setting, FactField field) const {
    const Fact* fact = Find(setting);
    return fact == nullptr ? std::nullopt : ValueOf(*fact, field);
  }
  std::set<std::string> MissingSettings() const {
    std::set<std::string> settings;
    for (const MissingEvidence& one : missing_) settings.insert(std::get<std::string>(one.where.at(kSetting)));
    return settings;
  }

  FixtureTree tree_;
  EvidenceContext context_;
  std::set<uint32_t> pids_;
  std::vector<Fact> facts_;
  std::vector<MissingEvidence> missing_;
};

TEST_F(SettingFactsTest, EverySettingThatRulesAskForHasAReader) {
  std::set<std::string> asked;
  for (const RuleRow& row : AdviceRules()) {
    for (const Condition& condition : row.when) {
      if (condition.field == kSetting) asked.insert(std::string(std::get<std::string_view>(condition.operand)));
    }
  }
  std::set<std::string> read = {"nohz_full", "rcu_nocbs", "managed_irq", "irqbalance", "swap", "smt_sibling", "adaptive_rx"};
  for (const auto table : {HostSettingTable(), CpuSettingTable(), QueueSettingTable()}) {
    for (const SettingRow& row : table) EXPECT_TRUE(read.insert(std::string(row.name)).second) << row.name;
  }
  EXPECT_EQ(asked, read);
}

TEST_F(SettingFactsTest, AFactHasItsRoleItsFileAndNoDoubtOfRecords) {
  tree_.Write("/proc/sys/kernel/nmi_watchdog", "1\n");
  Read();
  const Fact* fact = Find("nmi_watchdog");
  ASSERT_NE(fact, nullptr);
  EXPECT_EQ(fact->kind, FactKind::kHostSetting);
  EXPECT_EQ(ValueOf(*fact, kValue), FactValue(int64_t{1}));
  EXPECT_EQ(ValueOf(*fact, kReservedCpus), FactValue(CpuList{2, 3}));
  EXPECT_EQ(ValueOf(*fact, kHousekeepingCpus), FactValue(CpuList{0, 1}));
  EXPECT_EQ(fact->evidence.sentence, "/proc/sys/kernel/nmi_watchdog is 1");
  EXPECT_EQ(fact->evidence.begin_mono_ns, kEndNs) << "read now, not in the window";
  EXPECT_FALSE(fact->quality.lost_records);
}

TEST_F(SettingFactsTest, BootListsAreHeldAgainstTheReservedCpus) {
  tree_.Write("/proc/cmdline", "rcu_nocbs=0-1 isolcpus=managed_irq,domain,2 rcu_nocbs=3\n");
  Read();
  EXPECT_EQ(Value("nohz_full", kMissingCpus), FactValue(CpuList{2, 3}));
  EXPECT_EQ(Value("rcu_nocbs", kMissingCpus), FactValue(CpuList{2})) << "the last one counts";
  EXPECT_EQ(Value("managed_irq", kMissingCpus), FactValue(CpuList{3}));
  tree_.Write("/sys/devices/system/cpu/nohz_full", "2-3\n");
  tree_.Write("/proc/cmdline", "isolcpus=domain,2-3\n");
  Read();
  EXPECT_EQ(Value("nohz_full", kMissingCpus), std::nullopt);
  EXPECT_EQ(Value("rcu_nocbs", kMissingCpus), std::nullopt) << "the kernel takes RCU's callbacks from nohz_full CPUs too";
  EXPECT_EQ(Value("managed_irq", kMissingCpus), FactValue(CpuList{2, 3})) << "isolated, but not from managed interrupts";
}

TEST_F(SettingFactsTest, AListThatTheKernelIgnoresIsNoneAndSaysSo) {
  tree_.Write("/proc/cmdline", "rcu_nocbs=2-9 isolcpus=managed_irq,2-x\n");
  Read();
  EXPECT_EQ(Value("rcu_nocbs", kMissingCpus), FactValue(CpuList{2, 3}));
  EXPECT_THAT(Find("rcu_nocbs")->evidence.sentence, HasSubstr("'2-9' is not a range of the 8 CPUs"));
  EXPECT_EQ(Value("managed_irq", kMissingCpus), FactValue(CpuList{2, 3}));
}

TEST_F(SettingFactsTest, AKernelThatCannotStopTicksIsNamedAndNotAdvised) {
  std::filesystem::remove(tree_.path() + "/sys/devices/system/cpu/nohz_full");
  Read();
  EXPECT_EQ(Find("nohz_full"), nullptr);
  ASSERT_THAT(MissingSettings(), ElementsAre("nohz_full"));
  EXPECT_THAT(missing_[0].reason, HasSubstr("CONFIG_NO_HZ_FULL"));
  EXPECT_THAT(missing_[0].mend, HasSubstr("boot a kernel"));
}

TEST_F(SettingFactsTest, WithoutReservedCpusNothingThatNobodyAsksForIsMissing) {
  context_.reserved_cpus = {};
  tree_.Write("/sys/devices/system/cpu/isolated", "\n");
  std::filesystem::remove(tree_.path() + "/proc/cmdline");
  tree_.Write("/proc/sys/kernel/nmi_watchdog", "on\n");
  tree_.MakeDirectory("/proc/5/environ");
  tree_.Write("/proc/5/comm", "irqbalance\n");
  Read();
  EXPECT_THAT(MissingSettings(), IsEmpty());
  tree_.MakeDirectory("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  Read();
  EXPECT_THAT(MissingSettings(), ElementsAre("clocksource")) << "which everybody asks for";
}

TEST_F(SettingFactsTest, FilesThatCannotBeReadAreToldOnceWithTheirPath) {
  tree_.Write("/proc/sys/kernel/timer_migration", "yes\n");
  for (const char* queue : {"rx-0", "rx-1"}) tree_.Write(std::string("/sys/class/net/eth0/queues/") + queue + "/rps_cpus", "zz\n");
  Read();
  EXPECT_THAT(MissingSettings(), ElementsAre("rps_cpus", "timer_migration"));
  ASSERT_EQ(missing_.size(), 2u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("/proc/sys/kernel/timer_migration: 'yes' is no number"));
}

TEST_F(SettingFactsTest, ACpusStatesHaveTheirNameAndLatency) {
  tree_.Write(std::string(kCpu2) + "/cpuidle/state1/disable", "0\n");
  tree_.Write(std::string(kCpu2) + "/cpuidle/state1/name", "C6\n");
  tree_.Write(std::string(kCpu2) + "/cpuidle/state1/latency", "133\n");
  tree_.Write("/sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "0\n");
  Read();
  const Fact* fact = Find("idle_state");
  ASSERT_NE(fact, nullptr) << "of a reserved CPU alone";
  EXPECT_EQ(ValueOf(*fact, kIdleState), FactValue(std::string("C6")));
  EXPECT_EQ(ValueOf(*fact, kIdleStateIndex), FactValue(int64_t{1}));
  EXPECT_EQ(ValueOf(*fact, kIdleLatencyNs), FactValue(int64_t{133'000}));
  EXPECT_EQ(ValueOf(*fact, kCpus), FactValue(CpuList{2}));
  EXPECT_EQ(ValueOf(*fact, kReserved), FactValue(int64_t{1}));
}

TEST_F(SettingFactsTest, OfSiblingsThoseThatAnybodyMayRunOnAreTold) {
  Sibling("2", "2,3,1");
  Sibling("3", "3,7");
  Read();
  EXPECT_EQ(Value("smt_sibling", kSiblingCpu), FactValue(int64_t{1})) << "CPU 3 is reserved, CPU 7 is offline";
}

TEST_F(SettingFactsTest, QueuesHaveTheirInterfaceAndNumberWhateverItsName) {
  tree_.Write("/sys/class/net/$(reboot)/queues/rx-4/rps_cpus", "4\n");
  Read();
  EXPECT_EQ(Value("rps_cpus", kInterface), FactValue(std::string("$(reboot)")));
  EXPECT_EQ(Value("rps_cpus", kQueue), FactValue(int64_t{4}));
  const Judgement judgement = Judge(AdviceRules(), facts_, {.begin_mono_ns = kBeginNs, .end_mono_ns = kEndNs}, {.audit = true});
  for (const Recommendation& one : judgement.recommendations) EXPECT_THAT(one.action.command, Not(HasSubstr("reboot")));
}

TEST_F(SettingFactsTest, IrqbalanceLeavesAloneWhatItWasToldOrWhatIsIsolated) {
  Read();
  EXPECT_EQ(Value("irqbalance", kValue), FactValue(int64_t{0}));
  tree_.Write("/proc/600/comm", "irqbalance\n");
  tree_.Write("/proc/600/environ", "LANG=C");
  Read();
  EXPECT_EQ(Value("irqbalance", kValue), FactValue(int64_t{1}));
  EXPECT_EQ(Value("irqbalance", kMissingCpus), std::nullopt) << "by itself it leaves isolated CPUs alone";
  tree_.Write("/proc/600/environ", "IRQBALANCE_BANNED_CPULIST=3");
  Read();
  EXPECT_EQ(Value("irqbalance", kMissingCpus), FactValue(CpuList{2}));
  tree_.Write("/proc/600/environ", "IRQBALANCE_BANNED_CPULIST=3,x");
  Read();
  EXPECT_EQ(Find("irqbalance"), nullptr);
  EXPECT_THAT(MissingSettings(), Contains("irqbalance"));
}

TEST_F(SettingFactsTest, MemoryInSwapIsThatOfTargets) {
  tree_.Write("/proc/swaps", "Filename Type Size Used Priority\n/swap file 1024 8 -2\n");
  tree_.Write("/proc/10/status", "VmSwap:\t4 kB\n");
  tree_.Write("/proc/11/status", "VmSwap:\t8 kB\n");
  tree_.Write("/proc/12/status", "VmSwap:\t16 kB\n");
  pids_ = {10, 11, 13};
  Read();
  EXPECT_EQ(Value("swap", kValue), FactValue(int64_t{1}));
  EXPECT_EQ(Value("swap", kSwappedBytes), FactValue(int64_t{12 * 1024}));
}

TEST_F(SettingFactsTest, DriversAreAskedOnlyWhereThatIsWished) {
  const auto drivers = [] {
    std::vector<InterfaceInterrupts> interfaces(3);
    interfaces[0].device.name = "eth0";
    interfaces[0].settings = CoalescingSettings{.rx_usecs = 8, .adaptive_rx = true};
    interfaces[1].device.name = "lo";
    interfaces[1].settings = absl::UnimplementedError("none");
    interfaces[2].device.name = "eth1";
    interfaces[2].settings = absl::PermissionDeniedError("eth1: EPERM");
    CoalescingReport report;
    report.interfaces.devices = std::move(interfaces);
    return report;
  };
  Read(drivers);
  EXPECT_EQ(Value("adaptive_rx", kInterface), FactValue(std::string("eth0")));
  EXPECT_EQ(Value("adaptive_rx", kValue), FactValue(int64_t{1}));
  EXPECT_THAT(MissingSettings(), ElementsAre("adaptive_rx"));
  EXPECT_THAT(missing_[0].reason, HasSubstr("eth1: EPERM"));
  Read();
  EXPECT_EQ(Find("adaptive_rx"), nullptr);
  context_.reserved_cpus = {};
  Read([]() -> CoalescingReport {
    ADD_FAILURE() << "no rule asks for it without reserved CPUs";
    return {};
  });
}

TEST_F(SettingFactsTest, WhereNothingIsWatchedMeasuredRulesHaveOneReasonAndSettingsKeepTheirs) {
  std::vector<MissingEvidence> missing = {{.kind = FactKind::kWaking, .where = {}, .reason = "another", .mend = ""},
                                          {.kind = FactKind::kHostSetting, .where = {}, .reason = "its own", .mend = ""}};
  TellThatNoProcessIsWatched(false, false, &missing);
  ASSERT_EQ(missing.size(), kFactKinds - 1) << "but for settings each kind, and the one that was there";
  EXPECT_EQ(missing[0].reason, "its own");
  for (size_t i = 1; i < missing.size(); ++i) {
    EXPECT_EQ(missing[i].reason, "no process is watched");
    EXPECT_THAT(missing[i].mend, HasSubstr("hftmon recommend --audit"));
  }
}

TEST_F(SettingFactsTest, AnAuditWithoutATargetTellsTheSameWithoutAMendAsItIsWhole) {
  std::vector<MissingEvidence> missing;
  TellThatNoProcessIsWatched(true, false, &missing);
  ASSERT_EQ(missing.size(), kFactKinds - 2);
  for (const MissingEvidence& one : missing) {
    EXPECT_THAT(one.reason, HasSubstr("no process is watched, and they judge what is measured of one"));
    EXPECT_EQ(one.mend, "");
  }
}

TEST_F(SettingFactsTest, WhereARuleWatchesCpusThoseAreJudgedWithoutAProcess) {
  std::vector<MissingEvidence> missing = {{.kind = FactKind::kCpuVisitor, .where = {}, .reason = "no rule watches CPU 3", .mend = ""}};
  TellThatNoProcessIsWatched(false, true, &missing);
  EXPECT_EQ(missing.at(0).reason, "no rule watches CPU 3");
  const auto told = [&missing](FactKind kind) {
    return std::any_of(missing.begin() + 1, missing.end(), [kind](const MissingEvidence& one) { return one.kind == kind; });
  };
  EXPECT_TRUE(told(FactKind::kContendedLock));
  EXPECT_FALSE(told(FactKind::kIrqOnCpu));
  EXPECT_FALSE(told(FactKind::kCpuVisitor));
}

TEST_F(SettingFactsTest, SettingsOfTheHostAreReadAsTheyAre) {
  tree_.Write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  tree_.Write("/sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm \n");
  tree_.Write("/proc/irq/default_smp_affinity", "f\n");
  Read();
  EXPECT_EQ(Value("clocksource", kValueWord), FactValue(std::string("hpet")));
  EXPECT_EQ(Value("clocksource", kTscAvailable), FactValue(int64_t{0}));
  EXPECT_EQ(Value("default_smp_affinity", kValueCpus), FactValue(CpuList{0, 1, 2, 3}));
  EXPECT_THAT(MissingSettings(), IsEmpty()) << "a setting that the kernel does not have is nothing that is missing";
}

}  // namespace
}  // namespace hftmon
