// Who has the CPU that a watched thread waits for.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

constexpr std::string_view kMoveActor = "taskset -pc {spare_cpus} {actor_tid}";
constexpr std::string_view kMoveActorBack = "taskset -pc {old_affinity} {actor_tid}";
constexpr std::string_view kPersistActor = "CPUAffinity={spare_cpus} in the unit file of the service that tid {actor_tid} is of";
constexpr std::string_view kPersistThread =
    "pthread_setaffinity_np to CPU {spare_cpus} in the program, or taskset -c {spare_cpus} where it is started";
constexpr std::string_view kMoveRisk = "it shares CPU {spare_cpus} with what runs there; its caches are cold at first";

RuleRow FifoSharesCore() {
  return {
      .id = "fifo-shares-core",
      .title = "A real-time thread takes a watched thread's CPU",
      .fact = kPreemption,
      .when = {{kActorKind, kIs, "user"}, {kReason, kIsOneOf, WordList{"real_time", "real_time_priority", "deadline"}}},
      .group_by = {kTid, kActorTid},
      .measures = {{.count_min = 3}, {.count_min = 1, .share_min = 0.001}},
      .cause =
          "{actor_comm} (tid {actor_tid}) has a real-time priority that goes before {comm} (tid {tid}): in {count} waits of that for CPU "
          "{cpus} it ran there, for {sum_ns} in all and {longest_ns} at most",
      .actions = {{.command = kMoveActor,
                   .undo = kMoveActorBack,
                   .reach = Reach::kNow,
                   .persist = kPersistActor,
                   .risk = Risk::kMedium,
                   .risk_text = kMoveRisk},
                  {.code_hint = "give {actor_comm} another CPU than {comm}, or a lower real-time priority (chrt -p)",
                   .reach = Reach::kRestart}},
      .gain = GainKind::kPartsOfWaits,
      .proof_metric = "preempted_ns_per_s",
      .expected = "0 by that thread",
  };
}

RuleRow Migrations() {
  return {
      .id = "migrations",
      .title = "A watched thread moves from CPU to CPU",
      .fact = kMigrations,
      .when = {{kBound, kIs, 0.0}},
      .group_by = {kTid},
      .measures = {{.count_min = 10, .count_per_s_min = 10}},
      .cause = "{comm} (tid {tid}) may run on CPU {old_affinity} and changed its CPU {count} times: its caches were cold each time",
      .actions = {{.command = "taskset -pc {spare_cpus} {tid}",
                   .undo = "taskset -pc {old_affinity} {tid}",
                   .reach = Reach::kNow,
                   .persist = kPersistThread,
                   .risk = Risk::kLow,
                   .risk_text = "it waits where it could have moved on: give it a CPU that nobody else uses"},
                  {.code_hint = "bind {comm} to a CPU of its own (pthread_setaffinity_np); none is spare now"}},
      .confidence = 0.8,
      .proof_metric = "migration_count_per_s",
      .expected = "0",
  };
}

// What a switch does not say, and the host does not always: see real_time_limits.h of the producer.
std::vector<CauseRow> CausesOfThrottling() {
  return {
      {{{kThrottledBy, kIs, "rt_limit"}},
       "{comm} (tid {tid}) is a real-time thread that ran until the kernel's limit for such threads (kernel.sched_rt_runtime_us) was used "
       "up, "
       "and had to leave CPU {cpus} to threads of lower rank {count} times, for {longest_ns} at most"},
      {{{kThrottledBy, kIs, "fair_server"}},
       "{comm} (tid {tid}) is a real-time thread, and the kernel's fair server, which lets waiting ordinary threads run for some time of "
       "each "
       "period (50ms of a second, if nobody changed it), took CPU {cpus} from it {count} times, for {longest_ns} at most; "
       "kernel.sched_rt_runtime_us has no part in that"},
      {{{kThrottledBy, kIs, "own_runtime"}},
       "{comm} (tid {tid}) is a SCHED_DEADLINE thread that had used up the runtime of its period, and had to leave CPU {cpus} to threads "
       "of "
       "lower rank {count} times, for {longest_ns} at most"},
  };
}

RuleRow RtThrottled() {
  return {
      .id = "rt-throttled",
      .title = "The kernel takes the CPU from a watched real-time thread that ran for too long",
      .fact = kPreemption,
      .when = {{kReason, kIs, "throttled"}},
      .group_by = {kTid},
      .measures = {{.count_min = 1}},
      .cause =
          "{comm} (tid {tid}) is a real-time thread that had to leave CPU {cpus} to threads of lower rank {count} times, for {longest_ns} "
          "at "
          "most: either the kernel's limit for real-time threads (kernel.sched_rt_runtime_us) was used up, or the fair server of Linux "
          "6.12 "
          "and later let waiting ordinary threads run; which of the two it was cannot be told on this host",
      .causes = CausesOfThrottling(),
      .actions =
          {{.when = {{kThrottledBy, kIs, "rt_limit"}, {kRtRuntimeUs, kKnown}},
            .command = "sysctl -w kernel.sched_rt_runtime_us=-1",
            .undo = "sysctl -w kernel.sched_rt_runtime_us={rt_runtime_us}",
            .reach = Reach::kNow,
            .persist = "sysctl.d: kernel.sched_rt_runtime_us = -1",
            .risk = Risk::kHigh,
            .risk_text = "a real-time thread that spins takes its CPU for good: kernel threads of that CPU starve"},
           {.when = {{kThrottledBy, kIs, "own_runtime"}},
            .code_hint = "let {comm} do less in a period, or give it a longer runtime in it (chrt --deadline --sched-runtime)",
            .reach = Reach::kRestart},
           {.when = {{kThrottledBy, kIs, "fair_server"}},
            .code_hint =
                "keep ordinary threads off CPU {cpus} (isolcpus=domain, cpusets): the fair server takes nothing where none waits; or "
                "run {comm} as an ordinary thread alone there; 0 in /sys/kernel/debug/sched/fair_server/cpuN/runtime ends it for "
                "CPU N, where debugfs may be written, and a thread that spins then has its CPU for good"},
           {.code_hint =
                "let {comm} rest for 50 ms of each second, or run it as an ordinary thread alone on an isolated CPU: that mends both; "
                "kernel.sched_rt_runtime_us=-1 ends the limit alone, and 0 in /sys/kernel/debug/sched/fair_server/cpuN/runtime the fair "
                "server of CPU N alone, where debugfs may be written; a thread that spins then has its CPU for good"}},
      .gain = GainKind::kPartsOfWaits,
      .proof_metric = "throttled_count_per_s",
      .expected = "0",
  };
}

RuleRow RunQueueCrowded() {
  return {
      .id = "run-queue-crowded",
      .title = "An ordinary thread shares a watched thread's CPU",
      .fact = kPreemption,
      .when = {{kActorKind, kIs, "user"}, {kReason, kIsOneOf, WordList{"slice_end", "wake_up", "unknown"}}},
      .group_by = {kTid, kActorTid},
      .measures = {{.count_min = 2, .share_min = 0.001}},
      .cause =
          "{comm} (tid {tid}) was ready to run and had to wait: in {count} of its waits for CPU {cpus} {actor_comm} (tid {actor_tid}) ran "
          "there, for {sum_ns} in all and {longest_ns} at most",
      .actions = {{.command = kMoveActor,
                   .undo = kMoveActorBack,
                   .reach = Reach::kNow,
                   .persist = kPersistActor,
                   .risk = Risk::kLow,
                   .risk_text = kMoveRisk},
                  {.code_hint = "keep {actor_comm} off CPU {cpus} by a cpuset or isolcpus=domain, there is no spare CPU to send it to",
                   .reach = Reach::kRestart}},
      .gain = GainKind::kPartsOfWaits,
      .proof_metric = "preempted_ns_per_s",
      .expected = "0 by that thread",
  };
}

RuleRow OwnDaemonOnCore() {
  return {
      .id = "own-daemon-on-core",
      .title = "hftmond itself runs on a watched thread's CPU",
      .fact = kPreemption,
      .when = {{kActorKind, kIs, "own"}},
      .group_by = {kTid},
      .measures = {{.count_min = 2}},
      .cause =
          "hftmond, which watches {comm} (tid {tid}), ran in {count} of its waits for CPU {cpus}, for {sum_ns} in all and {longest_ns} at "
          "most",
      .actions =
          {{.when = {{kSpareCpus, kKnown}},
            .code_hint = "set cpu in hftmond's configuration to one of {spare_cpus}, and CPUAffinity= of its unit",
            .reach = Reach::kRestart,
            .persist = "unit file of hftmond: CPUAffinity={spare_cpus}",
            .risk = Risk::kLow,
            .risk_text = "watching pauses while it is started anew"},
           {.code_hint =
                "give hftmond a CPU that no watched thread uses: bind the watched threads to others than CPU {cpus}, none is spare now",
            .reach = Reach::kRestart}},
      .gain = GainKind::kPartsOfWaits,
      .confidence = 1,
      .proof_metric = "preempted_ns_per_s",
      .expected = "0 by hftmond",
  };
}

}  // namespace

std::vector<RuleRow> SchedulingRules() {
  return {FifoSharesCore(), Migrations(), RtThrottled(), RunQueueCrowded(), OwnDaemonOnCore()};
}

}  // namespace hftmon
