// Examples of the audit's rows; `below` is the setting as it should be, or the role that lacks.
#include "tests/daemon/advice/rule_example.h"

namespace hftmon {

using enum FactField;
using enum FactKind;

namespace {

FactValues Setting(const char* name, FactValues values) {
  values[kSetting] = name;
  values[kReservedCpus] = CpuList{2, 3};
  values[kHousekeepingCpus] = CpuList{0, 1};
  return values;
}

std::vector<RuleExample> BootExamples() {
  return {
      {"audit-nohz-full",
       "",
       kHostSetting,
       Setting("nohz_full", {{kMissingCpus, CpuList{3}}}),
       {{kMissingCpus, CpuList{}}},
       "CPU 3 is reserved",
       "",
       "",
       "nohz_full=2-3"},
      {"audit-rcu-nocbs",
       "",
       kHostSetting,
       Setting("rcu_nocbs", {{kMissingCpus, CpuList{3}}}),
       {{kMissingCpus, CpuList{}}},
       "CPU 3 is reserved",
       "",
       "",
       "rcu_nocbs=2-3"},
      {"audit-managed-irq",
       "",
       kHostSetting,
       Setting("managed_irq", {{kMissingCpus, CpuList{2, 3}}}),
       {{kMissingCpus, CpuList{}}},
       "CPU 2-3 is reserved",
       "",
       "",
       "isolcpus=managed_irq,domain,2-3"},
  };
}

std::vector<RuleExample> KernelExamples() {
  return {
      {"audit-nmi-watchdog",
       "",
       kHostSetting,
       Setting("nmi_watchdog", {{kValue, 1}}),
       {{kValue, 0}},
       "nmi_watchdog is 1",
       "sysctl -w kernel.nmi_watchdog=0",
       "sysctl -w kernel.nmi_watchdog=1",
       ""},
      {"audit-timer-migration",
       "",
       kHostSetting,
       Setting("timer_migration", {{kValue, 0}}),
       {{kValue, 1}},
       "timer_migration is 0",
       "sysctl -w kernel.timer_migration=1",
       "sysctl -w kernel.timer_migration=0",
       ""},
      {"audit-numa-balancing",
       "",
       kHostSetting,
       Setting("numa_balancing", {{kValue, 1}, {kNodeCount, 2}}),
       {{kNodeCount, 1}},
       "a host of 2 nodes",
       "sysctl -w kernel.numa_balancing=0",
       "sysctl -w kernel.numa_balancing=1",
       ""},
      {"audit-thp-always",
       "",
       kHostSetting,
       Setting("thp_enabled", {{kValueWord, "always"}}),
       {{kValueWord, "madvise"}},
       "is always",
       "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
       "echo always > /sys/kernel/mm/transparent_hugepage/enabled",
       ""},
      {"audit-ksm",
       "",
       kHostSetting,
       Setting("ksm_run", {{kValue, 1}}),
       {{kValue, 0}},
       "ksm/run is 1",
       "echo 0 > /sys/kernel/mm/ksm/run",
       "echo 1 > /sys/kernel/mm/ksm/run",
       ""},
      {"audit-swap",
       "",
       kHostSetting,
       Setting("swap", {{kValue, 1}, {kSwappedBytes, 4'096}}),
       {{kSwappedBytes, 0}},
       "4096 bytes of targets",
       "(test -e /run/hftmon.swaps || cp /proc/swaps /run/hftmon.swaps) && swapoff -a",
       kSwapOnExample,
       ""},
  };
}

std::vector<RuleExample> PlaceExamples() {
  return {
      {"audit-irqbalance",
       "",
       kHostSetting,
       Setting("irqbalance", {{kValue, 1}, {kMissingCpus, CpuList{2}}}),
       {{kMissingCpus, CpuList{}}},
       "leave CPU 2 alone",
       "systemctl stop irqbalance",
       "systemctl start irqbalance",
       ""},
      {"audit-default-irq-affinity",
       "",
       kHostSetting,
       Setting("default_smp_affinity", {{kValueCpus, CpuList{0, 1, 2, 3}}}),
       {{kValueCpus, CpuList{0, 1}}},
       "names CPU 0-3; reserved are CPU 2-3",
       "echo 3 > /proc/irq/default_smp_affinity",
       "echo f > /proc/irq/default_smp_affinity",
       "set up from then on"},
      {"audit-workqueue-cpumask",
       "",
       kHostSetting,
       Setting("workqueue_cpumask", {{kValueCpus, CpuList{0, 1, 2, 3}}}),
       {{kValueCpus, CpuList{0, 1}}},
       "names CPU 0-3",
       "echo 3 > /sys/devices/virtual/workqueue/cpumask",
       "echo f > /sys/devices/virtual/workqueue/cpumask",
       ""},
      {"audit-clocksource",
       "",
       kHostSetting,
       {{kSetting, "clocksource"}, {kValueWord, "hpet"}, {kTscAvailable, 1}},
       {{kValueWord, "tsc"}},
       "is hpet",
       "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
       "echo hpet > /sys/devices/system/clocksource/clocksource0/current_clocksource",
       ""},
      {"audit-clocksource",
       "TscUnstable",
       kHostSetting,
       {{kSetting, "clocksource"}, {kValueWord, "acpi_pm"}, {kTscAvailable, 0}},
       {{kValueWord, "kvm-clock"}},
       "is acpi_pm",
       "",
       "",
       "tsc=reliable"},
  };
}

}  // namespace

std::vector<RuleExample> HostExamples() {
  std::vector<RuleExample> all = BootExamples();
  for (auto make : {KernelExamples, PlaceExamples}) {
    for (RuleExample& example : make()) all.push_back(std::move(example));
  }
  return all;
}

std::vector<RuleExample> CpuExamples() {
  const FactValues reserved = {{kCpus, CpuList{2}}, {kReserved, 1}};
  const auto cpu = [&](const char* name, const FactValues& values) {
    return With(FactOf(kCpuSetting, Setting(name, reserved)), values).values;
  };
  return {
      {"audit-governor",
       "",
       kCpuSetting,
       cpu("scaling_governor", {{kValueWord, "powersave"}}),
       {{kValueWord, "performance"}},
       "governor of CPU 2 is powersave",
       "for cpu in 2; do echo performance > /sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor; done",
       "for cpu in 2; do echo powersave > /sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor; done",
       ""},
      {"audit-idle-states",
       "",
       kCpuSetting,
       cpu("idle_state", {{kValue, 0}, {kIdleState, "C6"}, {kIdleStateIndex, 3}, {kIdleLatencyNs, 133'000}}),
       {{kValue, 1}},
       "\"C6\" takes 133us",
       "for cpu in 2; do echo 1 > /sys/devices/system/cpu/cpu$cpu/cpuidle/state3/disable; done",
       "for cpu in 2; do echo 0 > /sys/devices/system/cpu/cpu$cpu/cpuidle/state3/disable; done",
       "cpu_dma_latency"},
      {"audit-smt",
       "",
       kCpuSetting,
       cpu("smt_sibling", {{kSiblingCpu, 6}}),
       {{kReserved, 0}},
       "CPU 6 is of the same core as CPU 2",
       "echo 0 > /sys/devices/system/cpu/cpu6/online",
       "echo 1 > /sys/devices/system/cpu/cpu6/online",
       ""},
      {"audit-rps",
       "",
       kCpuSetting,
       cpu("rps_cpus", {{kInterface, "eth0"}, {kQueue, 0}, {kValueCpus, CpuList{1, 2}}}),
       {{kValueCpus, CpuList{0, 1}}},
       "rps_cpus of eth0 rx-0 names CPU 1-2",
       "echo 3 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
       "echo 6 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
       "housekeeping"},
      {"audit-xps",
       "",
       kCpuSetting,
       cpu("xps_cpus", {{kInterface, "eth0"}, {kQueue, 1}, {kValueCpus, CpuList{2}}}),
       {{kValueCpus, CpuList{0}}},
       "xps_cpus of eth0 tx-1 names CPU 2",
       "echo 3 > /sys/class/net/eth0/queues/tx-1/xps_cpus",
       "echo 4 > /sys/class/net/eth0/queues/tx-1/xps_cpus",
       "housekeeping"},
      {"audit-coalescing",
       "",
       kCpuSetting,
       Setting("adaptive_rx", {{kInterface, "eth0"}, {kValue, 1}}),
       {{kValue, 0}},
       "eth0 coalesces adaptively",
       "ethtool -C eth0 adaptive-rx off",
       "ethtool -C eth0 adaptive-rx on",
       "rx-usecs"},
  };
}

const std::vector<RuleExample>& RuleExamples() {
  static const std::vector<RuleExample> examples = [] {
    std::vector<RuleExample> all;
    for (auto make : {InterruptExamples, SchedulingExamples, LockExamples, MemoryExamples, NumaExamples, NetworkExamples, HardwareExamples,
                      HostExamples, CpuExamples}) {
      for (RuleExample& example : make()) all.push_back(std::move(example));
    }
    return all;
  }();
  return examples;
}

}  // namespace hftmon
