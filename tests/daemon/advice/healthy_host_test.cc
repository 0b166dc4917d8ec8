// A healthy host gives no advice, measured or audited: facts are there, and none of them says that something is wrong.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/recommend.h"
#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;

void ExpectNothing(const std::vector<Fact>& facts) {
  const Judgement judgement = Judge(AdviceRules(), facts, ExampleWindow(), {.audit = true, .confidence_min = 0});
  EXPECT_EQ(judgement.facts_refused, 0u) << judgement.first_refusal;
  EXPECT_TRUE(judgement.not_judged.empty());
  for (const Recommendation& given : judgement.recommendations) ADD_FAILURE() << given.id << ": " << given.cause;
}

// What every window has of a thread that is well: a little of everything.
std::vector<Fact> HealthyCpus() {
  const CpuList core = {2};
  const CpuList housekeeping = {0, 1};
  return {
      FactOf(kIrqOnCpu, {{kIrq, 24},
                         {kCpus, core},
                         {kCount, 1},
                         {kSumNs, 2'000},
                         {kOldAffinity, CpuList{0, 1, 2}},
                         {kNearHousekeepingCpus, housekeeping}}),
      FactOf(kSoftirqOnCpu, {{kSoftirq, "RCU"}, {kCount, 40}, {kSumNs, 80'000}, {kLongestNs, 6'000}, {kCpus, core}}),
      FactOf(kTickOnCpu, {{kCpu, 2}, {kCpus, core}, {kCount, 10}, {kNohzFull, 1}}),
      FactOf(kCpuVisitor, {{kActorTid, 22},
                           {kActorComm, "migration/2"},
                           {kActorKind, "kernel_thread"},
                           {kVisitorGroup, "kernel_threads"},
                           {kActorCount, 1},
                           {kMovable, 0},
                           {kCpus, core},
                           {kCount, 3},
                           {kLongestNs, 4'000}}),
      FactOf(kCpuVisitor, {{kActorTid, 900},
                           {kActorComm, "sshd"},
                           {kActorKind, "user"},
                           {kVisitorGroup, "any"},
                           {kActorCount, 1},
                           {kCpus, core},
                           {kCount, 500}}),
      FactOf(kPreemption, {{kCpus, CpuList{2}},
                           {kSpikeKind, "preempted"},
                           {kReason, "stop"},
                           {kActorTid, 22},
                           {kActorKind, "kernel_thread"},
                           {kCount, 50},
                           {kSumNs, 90'000'000},
                           {kLongestNs, 9'000'000}}),
      FactOf(kPreemption, {{kCpus, CpuList{2}},
                           {kSpikeKind, "preempted"},
                           {kReason, "real_time"},
                           {kActorTid, 800},
                           {kActorKind, "user"},
                           {kCount, 2},
                           {kSumNs, 100'000},
                           {kLongestNs, 60'000}}),
      FactOf(kPreemption, {{kCpus, CpuList{2}},
                           {kSpikeKind, "run_queue"},
                           {kReason, "slice_end"},
                           {kActorTid, 801},
                           {kActorKind, "user"},
                           {kCount, 50},
                           {kSumNs, 5'000'000},
                           {kLongestNs, 400'000}}),
      FactOf(kPreemption, {{kCpus, CpuList{2}},
                           {kSpikeKind, "run_queue"},
                           {kReason, "wake_up"},
                           {kActorTid, 802},
                           {kActorKind, "own"},
                           {kCount, 1},
                           {kSumNs, 20'000},
                           {kLongestNs, 20'000}}),
      FactOf(kMigrations, {{kCount, 5}, {kBound, 0}, {kOldAffinity, CpuList{0, 1, 2, 3}}}),
      FactOf(kMigrations, {{kCount, 5'000}, {kBound, 1}, {kOldAffinity, CpuList{2}}}),
      FactOf(kWaking, {{kCpu, 2},
                       {kCpus, core},
                       {kCount, 9},
                       {kSumNs, 90'000},
                       {kLongestNs, 12'000},
                       {kIdleState, "C1"},
                       {kIdleStateIndex, 1},
                       {kDeepIdleCount, 900},
                       {kIdleStateDisabled, 0}}),
  };
}

std::vector<Fact> HealthyThreads() {
  const CpuList core = {2};
  return {
      // With a PI mutex inversions are seen too; and where the holder simply ran, it is none of that rule.
      FactOf(kInversion, {{kLockAddress, 64},
                          {kCount, 8},
                          {kSumNs, 1'600'000},
                          {kLongestNs, 200'000},
                          {kInherited, 1},
                          {kOwnerTid, 5},
                          {kOwnerOffShare, 0.9},
                          {kActorTid, 6}}),
      FactOf(kInversion, {{kLockAddress, 64},
                          {kCount, 9},
                          {kSumNs, 1'600'000},
                          {kLongestNs, 200'000},
                          {kInherited, 0},
                          {kOwnerTid, 5},
                          {kOwnerOffShare, 0.2},
                          {kActorTid, 6}}),
      // Idle waits at condition variables.
      FactOf(kContendedLock, {{kLockAddress, 128}, {kCount, 800}, {kSumNs, 8'000'000'000}, {kLongestNs, 1'000'000'000}, {kWaiterCount, 4}}),
      FactOf(kContendedLock, {{kLockAddress, 192},
                              {kCount, 12},
                              {kSumNs, 300'000},
                              {kLongestNs, 60'000},
                              {kWaiterCount, 2},
                              {kOwnerTid, 5},
                              {kOwnerRunningShare, 1.0}}),
      FactOf(kHotPathSleep, {{kSpikeKind, "operation"}, {kSyscall, "epoll_wait"}, {kCount, 2}, {kSumNs, 100'000}, {kLongestNs, 60'000}}),
      FactOf(kHotPathSleep, {{kSpikeKind, "gap"}, {kSyscall, "futex"}, {kCount, 90}, {kSumNs, 100'000}, {kLongestNs, 60'000}}),
      FactOf(kFaults, {{kFaultKind, "minor"}, {kCount, 900}, {kSumNs, 900'000}, {kLockedBytes, 0}, {kResidentBytes, 4'096}}),
      FactOf(kFaults, {{kFaultKind, "major"}, {kCount, 0}, {kSumNs, 0}, {kLockedBytes, 0}, {kResidentBytes, 4'096}}),
      FactOf(kShootdowns, {{kCount, 20}, {kSameProcess, 1}, {kCall, "munmap"}}),
      FactOf(kShootdowns, {{kCount, 5'000}, {kSameProcess, 0}, {kCall, "other"}}),
      FactOf(kKernelStall, {{kStall, "migration"}, {kCount, 4}, {kSumNs, 40'000}, {kLongestNs, 20'000}, {kThpEnabled, "always"}}),
      FactOf(kNumaBalancingWork, {{kCount, 300}, {FactField::kNumaBalancing, 1}}),
      FactOf(kPlacement, {{kProcessId, 4711},
                          {kMapping, "libc.so.6"},
                          {kCount, 512},
                          {kFromNode, 1},
                          {kToNode, 0},
                          {kRemoteShareLow, 0.9},
                          {kHomeShare, 1.0},
                          {kHomeNode, 0},
                          {kShared, 1},
                          {kRoom, 1}}),
      FactOf(kPlacement, {{kProcessId, 4711},
                          {kMapping, "[heap]"},
                          {kCount, 4'096},
                          {kFromNode, 1},
                          {kToNode, 0},
                          {kRemoteShareLow, 0.02},
                          {kHomeShare, 1.0},
                          {kHomeNode, 0},
                          {kShared, 0},
                          {kRoom, 1}}),
      FactOf(kDeviceDistance, {{kInterface, "eth0"}, {kCount, 90'000}, {kDeviceNode, 0}, {kThreadNode, 0}, {kDistance, 10}}),
      FactOf(kCounterRate, {{kCount, 9'000}, {kL3HitRatio, 0.5}, {kInstructionsPerCycle, 2.5}}),
      FactOf(kContendedLine, {{kProcessId, 4711}, {kLineAddress, 64}, {kCount, 500}, {kFalseSharing, 0}}),
      FactOf(kHardware, {{kSource, "busy_sibling"}, {kCpu, 2}, {kCpus, core}, {kCount, 30}, {kSiblingCpu, 6}, {kBusyShare, 0.1}}),
      FactOf(kHardware, {{kSource, "smi"}, {kCpu, 2}, {kCpus, core}, {kCount, 0}}),
      FactOf(kHardware, {{kSource, "steal"}, {kCpu, 2}, {kCpus, core}, {kCount, 2}, {kSumNs, 900'000}}),
  };
}

Fact Host(const char* setting, FactValues values) {
  values[kSetting] = setting;
  return FactOf(kHostSetting, values);
}

Fact Cpu(const char* setting, FactValues values) {
  values[kSetting] = setting;
  return FactOf(kCpuSetting, values);
}

// Settings as distributions ship them.
std::vector<Fact> LaptopSettings() {
  const CpuList all = {0, 1, 2, 3};
  return {
      Host("nohz_full", {}),
      Host("rcu_nocbs", {}),
      Host("managed_irq", {}),
      Host("nmi_watchdog", {{kValue, 1}}),
      Host("timer_migration", {{kValue, 1}}),
      Host("numa_balancing", {{kValue, 1}, {kNodeCount, 2}}),
      Host("zone_reclaim_mode", {{kValue, 1}}),
      Host("swappiness", {{kValue, 60}}),
      Host("thp_enabled", {{kValueWord, "always"}}),
      Host("ksm_run", {{kValue, 1}}),
      Host("swap", {{kValue, 1}, {kSwappedBytes, 0}}),
      Host("irqbalance", {{kValue, 1}}),
      Host("default_smp_affinity", {{kValueCpus, all}}),
      Host("workqueue_cpumask", {{kValueCpus, all}}),
      Host("clocksource", {{kValueWord, "tsc"}, {kTscAvailable, 1}}),
      Cpu("scaling_governor", {{kCpus, CpuList{2}}, {kReserved, 0}, {kValueWord, "powersave"}}),
      Cpu("idle_state", {{kCpus, CpuList{2}}, {kReserved, 0}, {kValue, 0}, {kIdleStateIndex, 4}, {kIdleLatencyNs, 200'000}}),
      Cpu("smt_sibling", {{kCpus, CpuList{2}}, {kReserved, 0}, {kSiblingCpu, 3}}),
      Cpu("rps_cpus", {{kInterface, "eth0"}, {kQueue, 0}, {kValueCpus, all}}),
      Cpu("xps_cpus", {{kInterface, "eth0"}, {kQueue, 0}, {kValueCpus, all}}),
      Cpu("adaptive_rx", {{kInterface, "eth0"}, {kValue, 1}}),
  };
}

// As somebody set them who knows: CPUs 2-3 are reserved.
std::vector<Fact> IsolatedSettings() {
  const FactValues roles = {{kReservedCpus, CpuList{2, 3}}, {kHousekeepingCpus, CpuList{0, 1}}};
  std::vector<Fact> facts = {
      Host("nohz_full", {{kMissingCpus, CpuList{}}}),
      Host("rcu_nocbs", {{kMissingCpus, CpuList{}}}),
      Host("managed_irq", {{kMissingCpus, CpuList{}}}),
      Host("nmi_watchdog", {{kValue, 0}}),
      Host("timer_migration", {{kValue, 1}}),
      Host("numa_balancing", {{kValue, 0}, {kNodeCount, 2}}),
      Host("numa_balancing", {{kValue, 1}, {kNodeCount, 1}}),
      Host("thp_enabled", {{kValueWord, "madvise"}}),
      Host("ksm_run", {{kValue, 0}}),
      Host("swap", {{kValue, 1}, {kSwappedBytes, 0}}),
      Host("irqbalance", {{kValue, 1}, {kMissingCpus, CpuList{}}}),
      Host("default_smp_affinity", {{kValueCpus, CpuList{0, 1}}}),
      Host("workqueue_cpumask", {{kValueCpus, CpuList{0, 1}}}),
      Host("clocksource", {{kValueWord, "kvm-clock"}, {kTscAvailable, 1}}),
      Cpu("scaling_governor", {{kCpus, CpuList{2}}, {kReserved, 1}, {kValueWord, "performance"}}),
      Cpu("scaling_governor", {{kCpus, CpuList{0}}, {kReserved, 0}, {kValueWord, "powersave"}}),
      Cpu("idle_state", {{kCpus, CpuList{2}}, {kReserved, 1}, {kValue, 1}, {kIdleStateIndex, 4}, {kIdleLatencyNs, 200'000}}),
      Cpu("idle_state", {{kCpus, CpuList{2}}, {kReserved, 1}, {kValue, 0}, {kIdleStateIndex, 1}, {kIdleLatencyNs, 2'000}}),
      Cpu("rps_cpus", {{kInterface, "eth0"}, {kQueue, 0}, {kValueCpus, CpuList{}}}),
      Cpu("xps_cpus", {{kInterface, "eth0"}, {kQueue, 0}, {kValueCpus, CpuList{0, 1}}}),
      Cpu("adaptive_rx", {{kInterface, "eth0"}, {kValue, 0}}),
  };
  for (Fact& fact : facts) fact = With(std::move(fact), roles);
  return facts;
}

TEST(HealthyHostTest, AHealthyWindowGivesNothing) {
  std::vector<Fact> facts = HealthyCpus();
  for (Fact& fact : HealthyThreads()) facts.push_back(std::move(fact));
  ExpectNothing(facts);
}

TEST(HealthyHostTest, ALaptopGivesNothing) {
  ExpectNothing(LaptopSettings());
}

TEST(HealthyHostTest, AHostThatIsSetUpWellGivesNothing) {
  ExpectNothing(IsolatedSettings());
}

// The other way round: the same settings on a host with reserved CPUs do speak, so that silence above is worth something.
TEST(HealthyHostTest, ALaptopsSettingsOnReservedCpusSpeak) {
  const FactValues roles = {{kReservedCpus, CpuList{2, 3}}, {kHousekeepingCpus, CpuList{0, 1}}};
  std::vector<Fact> facts = LaptopSettings();
  for (Fact& fact : facts) {
    fact = With(std::move(fact), roles);
    if (fact.values.contains(kReserved)) fact.values[kReserved] = 1;
  }
  const Judgement judgement = Judge(AdviceRules(), facts, ExampleWindow(), {.audit = true});
  EXPECT_EQ(judgement.recommendations.size(), 12u);
}

}  // namespace
}  // namespace hftmon
