// The audit of the host: settings that hurt CPUs which are reserved. Every row asks for a role (reserved CPUs, targets in swap), so that a
// laptop gets no advice.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

// What rows of a setting have in common: the rest is its own.
RuleRow SettingRow(std::string_view id, std::string_view title, std::vector<Condition> when, std::string_view cause, ActionRow action) {
  return {.id = id,
          .title = title,
          .fact = kHostSetting,
          .when = std::move(when),
          .cause = cause,
          .actions = {std::move(action)},
          .confidence = 0.7,
          .proof_metric = "setting",
          .expected = "no such advice",
          .basis = Basis::kConfiguration};
}

RuleRow Corroborated(RuleRow row, std::vector<std::string_view> rules) {
  row.corroborated_by = std::move(rules);
  return row;
}

// A boot argument that leaves reserved CPUs out.
RuleRow BootRow(std::string_view id, std::string_view title, std::string_view setting, std::string_view cause, std::string_view hint,
                std::string_view persist) {
  return SettingRow(id, title, {{kSetting, kIs, setting}, {kReservedCpus, kKnown}, {kMissingCpus, kKnown}}, cause,
                    {.code_hint = hint,
                     .reach = Reach::kReboot,
                     .persist = persist,
                     .risk = Risk::kMedium,
                     .risk_text = "what stands for the other CPUs in the same argument has to stay in it"});
}

std::vector<RuleRow> BootRows() {
  return {
      Corroborated(BootRow("audit-nohz-full", "Reserved CPUs tick", "nohz_full", "CPU {missing_cpus} is reserved and not among nohz_full",
                           "add nohz_full={reserved_cpus} to the kernel command line", "kernel command line: nohz_full={reserved_cpus}"),
                   {"tick-on-isolated", "softirq-on-core"}),
      Corroborated(BootRow("audit-rcu-nocbs", "Reserved CPUs run RCU callbacks", "rcu_nocbs",
                           "CPU {missing_cpus} is reserved and not among rcu_nocbs",
                           "add rcu_nocbs={reserved_cpus} to the kernel command line", "kernel command line: rcu_nocbs={reserved_cpus}"),
                   {"softirq-on-core", "kernel-thread-on-core", "kernel-threads-share-core"}),
      Corroborated(BootRow("audit-managed-irq", "Managed interrupts may be spread over reserved CPUs", "managed_irq",
                           "CPU {missing_cpus} is reserved and not isolated from managed interrupts",
                           "isolate them with the flag managed_irq: isolcpus=managed_irq,domain,{reserved_cpus}",
                           "kernel command line: isolcpus=managed_irq,domain,{reserved_cpus}"),
                   {"irq-on-watched-core"}),
  };
}

std::vector<RuleRow> SysctlRows() {
  return {
      SettingRow("audit-nmi-watchdog", "The NMI watchdog interrupts reserved CPUs",
                 {{kSetting, kIs, "nmi_watchdog"}, {kValue, kAtLeast, 1.0}, {kReservedCpus, kKnown}},
                 "kernel.nmi_watchdog is {value}: it holds a hardware counter and an NMI on every CPU",
                 {.command = "sysctl -w kernel.nmi_watchdog=0",
                  .undo = "sysctl -w kernel.nmi_watchdog={value}",
                  .reach = Reach::kNow,
                  .persist = "sysctl.d: kernel.nmi_watchdog = 0",
                  .risk = Risk::kLow,
                  .risk_text = "a hard lockup is no longer told"}),
      SettingRow("audit-timer-migration", "Timers of reserved CPUs stay on them",
                 {{kSetting, kIs, "timer_migration"}, {kValue, kIs, 0.0}, {kReservedCpus, kKnown}},
                 "kernel.timer_migration is {value}: timers armed on reserved CPUs fire there",
                 {.command = "sysctl -w kernel.timer_migration=1",
                  .undo = "sysctl -w kernel.timer_migration={value}",
                  .reach = Reach::kNow,
                  .persist = "sysctl.d: kernel.timer_migration = 1",
                  .risk = Risk::kLow,
                  .risk_text = "timers of idle CPUs fire on others"}),
      Corroborated(
          SettingRow("audit-numa-balancing", "Automatic NUMA balancing unmaps pages to see who uses them",
                     {{kSetting, kIs, "numa_balancing"}, {kValue, kAtLeast, 1.0}, {kNodeCount, kAtLeast, 2.0}, {kReservedCpus, kKnown}},
                     "kernel.numa_balancing is {value} on a host of {node_count} nodes",
                     {.command = "sysctl -w kernel.numa_balancing=0",
                      .undo = "sysctl -w kernel.numa_balancing={value}",
                      .reach = Reach::kNow,
                      .persist = "sysctl.d: kernel.numa_balancing = 0",
                      .risk = Risk::kLow,
                      .risk_text = "memory stays where it is: place it by numactl"}),
          {"numa-balancing-faults"}),
  };
}

std::vector<RuleRow> MemoryRows() {
  return {
      Corroborated(SettingRow("audit-thp-always", "Huge pages are made for everybody, whenever",
                              {{kSetting, kIs, "thp_enabled"}, {kValueWord, kIs, "always"}, {kReservedCpus, kKnown}},
                              "transparent_hugepage/enabled is {value_word}: faults may compact memory, khugepaged moves what threads use",
                              {.command = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
                               .undo = "echo {value_word} > /sys/kernel/mm/transparent_hugepage/enabled",
                               .reach = Reach::kNow,
                               .persist = "kernel command line: transparent_hugepage=madvise",
                               .risk = Risk::kMedium,
                               .risk_text = "programs that do not ask for huge pages miss the TLB more often"}),
                   {"thp-or-compaction-stall"}),
      Corroborated(SettingRow("audit-ksm", "The kernel looks for equal pages to merge",
                              {{kSetting, kIs, "ksm_run"}, {kValue, kIs, 1.0}, {kReservedCpus, kKnown}},
                              "ksm/run is {value}: merged pages fault when they are written, and ksmd wakes up",
                              {.command = "echo 0 > /sys/kernel/mm/ksm/run",
                               .undo = "echo {value} > /sys/kernel/mm/ksm/run",
                               .reach = Reach::kNow,
                               .persist = "tmpfiles.d: w /sys/kernel/mm/ksm/run - - - - 0",
                               .risk = Risk::kLow,
                               .risk_text = "virtual machines take more memory"}),
                   {"kernel-thread-on-core", "kernel-threads-share-core"}),
      Corroborated(
          SettingRow("audit-swap", "A target's memory is in swap",
                     {{kSetting, kIs, "swap"}, {kValue, kAtLeast, 1.0}, {kSwappedBytes, kAtLeast, 1.0}},
                     "{swapped_bytes} bytes of targets are in swap: each page of them is a major fault when it is used next",
                     {.command = kSwapOff,
                      .undo = kSwapOn,
                      .reach = Reach::kNow,
                      .persist = kNoSwapAtBoot,
                      .risk = Risk::kHigh,
                      .risk_text = "it reads all of swap back, which takes long, and kills processes if there is no room: look at free -b "
                                   "first"}),
          {"swap-in", "major-faults-no-mlock"}),
  };
}

std::vector<RuleRow> PlacementRows() {
  return {
      Corroborated(SettingRow("audit-irqbalance", "irqbalance may move interrupts to reserved CPUs",
                              {{kSetting, kIs, "irqbalance"}, {kValue, kIs, 1.0}, {kReservedCpus, kKnown}, {kMissingCpus, kKnown}},
                              "irqbalance runs and is not told to leave CPU {missing_cpus} alone",
                              {.command = "systemctl stop irqbalance",
                               .undo = "systemctl start irqbalance",
                               .reach = Reach::kNow,
                               .persist = "/etc/default/irqbalance: IRQBALANCE_BANNED_CPULIST={reserved_cpus}",
                               .risk = Risk::kLow,
                               .risk_text = "interrupts stay where they are now"}),
                   {"irq-on-watched-core"}),
      Corroborated(SettingRow("audit-default-irq-affinity", "New interrupts may arrive on reserved CPUs",
                              {{kSetting, kIs, "default_smp_affinity"}, {kValueCpus, kHasAny, kReservedCpus}},
                              "default_smp_affinity names CPU {value_cpus}; reserved are CPU {reserved_cpus}",
                              {.command = "echo {housekeeping_cpus:mask} > /proc/irq/default_smp_affinity",
                               .undo = "echo {value_cpus:mask} > /proc/irq/default_smp_affinity",
                               .code_hint = "it holds for lines that are set up from then on",
                               .reach = Reach::kNow,
                               .persist = "kernel command line: irqaffinity={housekeeping_cpus}",
                               .risk = Risk::kLow,
                               .risk_text = "new lines share the housekeeping CPUs"}),
                   {"irq-on-watched-core"}),
      Corroborated(SettingRow("audit-workqueue-cpumask", "Unbound kernel work may run on reserved CPUs",
                              {{kSetting, kIs, "workqueue_cpumask"}, {kValueCpus, kHasAny, kReservedCpus}},
                              "workqueue/cpumask names CPU {value_cpus}; reserved are CPU {reserved_cpus}",
                              {.command = "echo {housekeeping_cpus:mask} > /sys/devices/virtual/workqueue/cpumask",
                               .undo = "echo {value_cpus:mask} > /sys/devices/virtual/workqueue/cpumask",
                               .code_hint = "send unbound work to housekeeping CPUs",
                               .reach = Reach::kNow,
                               .persist = "kernel command line: workqueue.unbound_cpus={housekeeping_cpus}",
                               .risk = Risk::kLow,
                               .risk_text = "the work of all unbound queues shares the housekeeping CPUs"}),
                   {"kernel-thread-on-core", "kernel-threads-share-core"}),
  };
}

RuleRow Clocksource() {
  RuleRow row =
      SettingRow("audit-clocksource", "Reading the time is a slow read of a device",
                 // Those that are read without a system call (tsc, kvm-clock, hyperv_clocksource_*, arch_sys_counter) are none.
                 {{kSetting, kIs, "clocksource"}, {kValueWord, kIsOneOf, WordList{"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"}}},
                 "the clock source is {value_word}: clock_gettime is a system call of about a microsecond, of every program",
                 {.when = {{kTscAvailable, kIs, 1.0}},
                  .command = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
                  .undo = "echo {value_word} > /sys/devices/system/clocksource/clocksource0/current_clocksource",
                  .reach = Reach::kNow,
                  .persist = "kernel command line: clocksource=tsc tsc=reliable",
                  .risk = Risk::kMedium,
                  .risk_text = "the kernel may have left the TSC because it was unstable: dmesg says so"});
  row.actions.push_back(
      {.code_hint = "the kernel found the TSC unstable (dmesg says why): firmware update, or tsc=reliable where it is known to be good",
       .reach = Reach::kReboot,
       .persist = "kernel command line: tsc=reliable",
       .risk = Risk::kMedium,
       .risk_text = "a TSC that is not stable makes time wrong"});
  row.confidence = 0.9;
  return row;
}

}  // namespace

std::vector<RuleRow> HostRules() {
  std::vector<RuleRow> all = {Clocksource()};
  for (auto make : {BootRows, SysctlRows, MemoryRows, PlacementRows}) {
    for (RuleRow& row : make()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace hftmon
