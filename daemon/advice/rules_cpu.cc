// The audit of single CPUs and of queues of interfaces. As in rules_host.cc every row asks for a role.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

constexpr double kDeepIdleNs = 10'000;

RuleRow CpuRow(std::string_view id, std::string_view title) {
  return {.id = id,
          .title = title,
          .fact = kCpuSetting,
          .confidence = 0.7,
          .proof_metric = "setting",
          .expected = "no such advice",
          .basis = Basis::kConfiguration};
}

RuleRow Governor() {
  RuleRow row = CpuRow("audit-governor", "Reserved CPUs change their frequency");
  row.when = {{kSetting, kIs, "scaling_governor"}, {kReserved, kIs, 1.0}, {kCpus, kKnown}, {kValueWord, kIsNot, "performance"}};
  row.group_by = {kValueWord};
  row.cause = "the governor of CPU {cpus} is {value_word}";
  row.actions = {
      {.command = "for cpu in {cpus:words}; do echo performance > /sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor; done",
       .undo = "for cpu in {cpus:words}; do echo {value_word} > /sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor; done",
       .code_hint = "set the governor performance",
       .reach = Reach::kNow,
       .persist = "kernel command line: cpufreq.default_governor=performance",
       .risk = Risk::kLow,
       .risk_text = "more power"}};
  return row;
}

RuleRow IdleStates() {
  RuleRow row = CpuRow("audit-idle-states", "Reserved CPUs may sleep deeply");
  row.when = {{kSetting, kIs, "idle_state"},           {kReserved, kIs, 1.0},    {kCpus, kKnown}, {kValue, kIs, 0.0},
              {kIdleLatencyNs, kAtLeast, kDeepIdleNs}, {kIdleStateIndex, kKnown}};
  row.group_by = {kIdleStateIndex};
  row.cause = "{idle_state} takes {idle_latency_ns} to wake from and is not disabled on CPU {cpus}";
  row.actions = {
      {.command = "for cpu in {cpus:words}; do echo 1 > /sys/devices/system/cpu/cpu$cpu/cpuidle/state{idle_state_index}/disable; done",
       .undo = "for cpu in {cpus:words}; do echo {value} > /sys/devices/system/cpu/cpu$cpu/cpuidle/state{idle_state_index}/disable; done",
       .code_hint = "or hold /dev/cpu_dma_latency open with 0 while trading",
       .reach = Reach::kNow,
       .persist = "kernel command line: processor.max_cstate=1 intel_idle.max_cstate=1",
       .risk = Risk::kMedium,
       .risk_text = "more heat, and with it less turbo for other cores"}};
  row.corroborated_by = {"c-state-exit"};
  return row;
}

RuleRow Smt() {
  RuleRow row = CpuRow("audit-smt", "A reserved CPU shares its core with one that is not");
  row.when = {{kSetting, kIs, "smt_sibling"}, {kReserved, kIs, 1.0}, {kCpus, kKnown}, {kSiblingCpu, kKnown}};
  row.group_by = {kSiblingCpu};
  row.cause = "CPU {sibling_cpu} is of the same core as CPU {cpus}, which is reserved, and anybody may run there";
  row.actions = {{.command = "echo 0 > /sys/devices/system/cpu/cpu{sibling_cpu}/online",
                  .undo = "echo 1 > /sys/devices/system/cpu/cpu{sibling_cpu}/online",
                  .reach = Reach::kNow,
                  .persist = "kernel command line: nosmt",
                  .risk = Risk::kMedium,
                  .risk_text = "what is bound to CPU {sibling_cpu} alone runs anywhere; taking it down stops all CPUs for a moment"}};
  row.corroborated_by = {"busy-sibling"};
  return row;
}

RuleRow Steering(std::string_view id, std::string_view title, std::string_view setting, std::string_view cause, ActionRow action) {
  RuleRow row = CpuRow(id, title);
  row.when = {{kSetting, kIs, setting}, {kValueCpus, kHasAny, kReservedCpus}, {kInterface, kKnown}, {kQueue, kKnown}};
  row.group_by = {kInterface, kQueue};
  row.cause = cause;
  action.code_hint = "steer that queue's packets to housekeeping CPUs alone";
  action.reach = Reach::kNow;
  action.risk_text = "packets of that queue are handled on the housekeeping CPUs";
  row.actions = {std::move(action)};
  row.corroborated_by = {"softirq-on-core"};
  return row;
}

RuleRow Coalescing() {
  RuleRow row = CpuRow("audit-coalescing", "An interface delays its interrupts as it likes");
  row.when = {{kSetting, kIs, "adaptive_rx"}, {kValue, kIs, 1.0}, {kInterface, kKnown}, {kReservedCpus, kKnown}};
  row.group_by = {kInterface};
  row.cause = "{interface} coalesces adaptively: a packet may wait for others before its interrupt comes";
  row.actions = {{.command = "ethtool -C {interface} adaptive-rx off",
                  .undo = "ethtool -C {interface} adaptive-rx on",
                  .code_hint = "set adaptive coalescing off, and rx-usecs to what the CPUs bear",
                  .reach = Reach::kNow,
                  .persist = "systemd.link: [Coalesce] UseAdaptiveRxCoalesce=no",
                  .risk = Risk::kMedium,
                  .risk_text = "more interrupts when much arrives, unless rx-usecs is set too"}};
  return row;
}

}  // namespace

std::vector<RuleRow> CpuRules() {
  return {
      Governor(),
      IdleStates(),
      Smt(),
      Steering("audit-rps", "Received packets are steered to reserved CPUs", "rps_cpus",
               "rps_cpus of {interface} rx-{queue} names CPU {value_cpus}; reserved are CPU {reserved_cpus}",
               {.command = "echo {housekeeping_cpus:mask} > /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus",
                .undo = "echo {value_cpus:mask} > /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus",
                .persist = "tmpfiles.d: w /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus - - - - {housekeeping_cpus:mask}"}),
      Steering("audit-xps", "Transmit queues complete on reserved CPUs", "xps_cpus",
               "xps_cpus of {interface} tx-{queue} names CPU {value_cpus}; reserved are CPU {reserved_cpus}",
               {.command = "echo {housekeeping_cpus:mask} > /sys/class/net/{interface}/queues/tx-{queue}/xps_cpus",
                .undo = "echo {value_cpus:mask} > /sys/class/net/{interface}/queues/tx-{queue}/xps_cpus",
                .persist = "tmpfiles.d: w /sys/class/net/{interface}/queues/tx-{queue}/xps_cpus - - - - {housekeeping_cpus:mask}"}),
      Coalescing(),
  };
}

}  // namespace hftmon
