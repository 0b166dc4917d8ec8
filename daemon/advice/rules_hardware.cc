// Idle states, siblings, firmware, hypervisor, caches.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

RuleRow BusySibling() {
  return {
      .id = "busy-sibling",
      .title = "Another thread runs on the same core",
      .fact = kHardware,
      .when = {{kSource, kIs, "busy_sibling"}, {kBusyShare, kAtLeast, 0.2}, {kSiblingCpu, kKnown}},
      .group_by = {kCpu, kSiblingCpu},
      .measures = {{.count_min = 2}},
      .cause = "CPU {sibling_cpu}, of the same core as CPU {cpu}, was busy for {busy_share} of the time of {count} spikes",
      .actions = {{.when = {{kActorKind, kIs, "own"}},
                   .code_hint = "hftmond runs there: set cpu in its configuration and CPUAffinity= of its unit to a CPU of a core that no "
                                "watched thread uses",
                   .reach = Reach::kRestart,
                   .risk = Risk::kLow,
                   .risk_text = "watching pauses while it is started anew"},
                  {.when = {{kSiblingTaken, kIs, 0.0}, {kActorTid, kKnown}, {kActorKind, kIs, "user"}},
                   .command = "taskset -pc {housekeeping_cpus} {actor_tid}",
                   .undo = "taskset -pc {old_affinity} {actor_tid}",
                   .reach = Reach::kNow,
                   .persist = "unit file: CPUAffinity={housekeeping_cpus}",
                   .risk = Risk::kMedium,
                   .risk_text = "{actor_comm} shares the housekeeping CPUs"},
                  {.when = {{kSiblingTaken, kIs, 0.0}},
                   .command = "echo 0 > /sys/devices/system/cpu/cpu{sibling_cpu}/online",
                   .undo = "echo 1 > /sys/devices/system/cpu/cpu{sibling_cpu}/online",
                   .reach = Reach::kNow,
                   .persist = "kernel command line: nosmt",
                   .risk = Risk::kMedium,
                   .risk_text = "what is bound to CPU {sibling_cpu} alone runs anywhere; taking it down stops all CPUs for a moment"},
                  {.code_hint =
                       "bind one of the two to a core whose CPUs nobody else uses: what runs on CPU {sibling_cpu} may have been put "
                       "there on purpose"}},
      .gain = GainKind::kShareOfSpikeTime,
      .confidence = 0.7,
      .proof_metric = "sibling_busy_share",
      .expected = "below 5 %",
      .needs = {"hardware"},
  };
}

RuleRow CStateExit() {
  return {
      .id = "c-state-exit",
      .title = "A watched thread's CPU wakes slowly from a deep idle state",
      .fact = kWaking,
      .when = {{kDeepIdleCount, kAtLeast, 1.0}, {kIdleStateDisabled, kIs, 0.0}},
      .group_by = {kTid, kCpu},
      .measures = {{.count_min = 1, .longest_ns_min = 20'000}},
      .cause = "waking CPU {cpu} took up to {longest_ns} of {comm} (tid {tid}); it was in {idle_state} {deep_idle_count} times",
      .actions = {{.command = "echo 1 > /sys/devices/system/cpu/cpu{cpu}/cpuidle/state{idle_state_index}/disable",
                   .undo = "echo {idle_state_disabled} > /sys/devices/system/cpu/cpu{cpu}/cpuidle/state{idle_state_index}/disable",
                   .code_hint = "or hold /dev/cpu_dma_latency open with 0 while trading",
                   .reach = Reach::kNow,
                   .persist = "tmpfiles.d: w /sys/devices/system/cpu/cpu{cpu}/cpuidle/state{idle_state_index}/disable - - - - 1",
                   .risk = Risk::kMedium,
                   .risk_text = "more heat, and with it less turbo for other cores"},
                  {.code_hint = "hold /dev/cpu_dma_latency open with 0 while trading, or boot with processor.max_cstate=1"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "waking_longest_ns",
      .expected = "below 20000",
      .needs = {"hardware"},
  };
}

RuleRow Smi() {
  return {
      .id = "smi",
      .title = "The firmware stops CPUs (system management interrupts)",
      .fact = kHardware,
      .when = {{kSource, kIs, "smi"}},
      .measures = {{.count_min = 1}},
      .cause = "{count} SMIs on CPU {cpus}: all CPUs stand still meanwhile, and no program sees it",
      .actions = {{.code_hint =
                       "in the firmware's set-up: latency or performance profile, no USB legacy support, no patrol scrub and no polling "
                       "of power by the BMC; ask the vendor for an SMI-free one",
                   .reach = Reach::kFirmware,
                   .risk = Risk::kMedium,
                   .risk_text = "errors of memory may be told later"}},
      .confidence = 1,
      .proof_metric = "smi_count_per_s",
      .expected = "0",
      .needs = {"hardware"},
  };
}

RuleRow Steal() {
  return {
      .id = "steal",
      .title = "The hypervisor takes CPU time from a watched CPU",
      .fact = kHardware,
      .when = {{kSource, kIs, "steal"}},
      .group_by = {kCpu},
      .measures = {{.count_min = 1, .share_min = 0.001}},
      .cause = "the hypervisor had {sum_ns} of CPU {cpu}'s time",
      .actions = {{.code_hint = "on the hypervisor: a dedicated core for this virtual CPU (vcpupin), no overcommitment; or real hardware",
                   .reach = Reach::kFirmware,
                   .risk = Risk::kLow,
                   .risk_text = "the host's cores are fewer for others"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "steal_ns_per_s",
      .expected = "below 1000000",
      .needs = {"hardware"},
  };
}

RuleRow CacheHitLow() {
  return {
      .id = "cache-hit-low",
      .title = "A watched thread's data does not stay in the cache",
      .fact = kCounterRate,
      .when = {{kL3HitRatio, kBelow, 0.9}, {kInstructionsPerCycle, kBelow, 1.0}},
      .group_by = {kTid},
      .measures = {{.count_min = 100}},
      .cause =
          "{comm} (tid {tid}) found {l3_hit_ratio} of what it looked for in the last-level cache there, and did {instructions_per_cycle} "
          "instructions a cycle",
      .actions = {{.code_hint =
                       "smaller working set: pack what is used together, arrays in place of lists, prefetch the next one; keep others "
                       "out of the cache by resctrl (CAT)",
                   .reach = Reach::kCode}},
      .confidence = 0.7,
      .proof_metric = "l3_hit_ratio",
      .expected = "at least 0.9",
  };
}

RuleRow FalseSharing() {
  return {
      .id = "false-sharing",
      .title = "Threads take a cache line from each other and use different parts of it",
      .fact = kContendedLine,
      .when = {{kFalseSharing, kIs, 1.0}},
      .group_by = {kProcessId, kLineAddress},
      .measures = {{.count_min = 10}},
      .cause = "{count} samples of process {pid} waited for the line at {line_address}, which another core had written elsewhere in",
      .actions = {{.when = {{kLayoutAdvice, kKnown}}, .code_hint = "{layout_advice}", .reach = Reach::kCode},
                  {.code_hint = "give each thread's part a line of its own: alignas(64)", .reach = Reach::kCode}},
      .proof_metric = "contended_sample_count",
      .expected = "0 at that line",
  };
}

}  // namespace

std::vector<RuleRow> HardwareRules() {
  return {BusySibling(), CStateExit(), Smi(), Steal(), CacheHitLow(), FalseSharing()};
}

}  // namespace hftmon
