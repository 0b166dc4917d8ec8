// Interrupts, softirqs, ticks and kernel threads on CPUs that are to be left alone.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

constexpr std::string_view kManaged =
    "if the write is refused (EPERM, EIO) the line is managed by its driver: isolcpus=managed_irq,domain,... on the kernel command line; "
    "the file effective_affinity_list changes with the next interrupt alone; irqaffinity= holds for lines whose driver sets no affinity of "
    "its own: those are to be moved after each boot, which may also number them anew";

// irqbalance goes on where the line's file refuses.
constexpr std::string_view kUnderIrqbalance =
    "irqbalance runs and would move the line back; without it other lines stay where they are now: ban this one and start it again; the "
    "number is of this boot: after the next one look it up anew, or ban by IRQBALANCE_ARGS=--banmod=DRIVER; if the write is refused "
    "(EPERM, "
    "EIO) irqbalance runs on, and the line is managed by its driver: isolcpus=managed_irq,domain,... on the kernel command line";

RuleRow IrqOnWatchedCore() {
  return {
      .id = "irq-on-watched-core",
      .title = "A device's interrupts arrive on a CPU that is to be left alone",
      .fact = kIrqOnCpu,
      .group_by = {kIrq},
      .measures = {{.count_min = 10, .count_per_s_min = 1}, {.count_min = 1, .longest_ns_min = 1}},
      .cause = "interrupt {irq} ({handler}) arrived {count} times on CPU {cpus}",
      .actions = {{.when = {{kIrqbalance, kIs, 1.0}},
                   .command = "echo {near_housekeeping_cpus} > /proc/irq/{irq}/smp_affinity_list && systemctl stop irqbalance",
                   .undo = "echo {old_affinity} > /proc/irq/{irq}/smp_affinity_list && systemctl start irqbalance",
                   .reach = Reach::kNow,
                   .persist = "/etc/default/irqbalance: IRQBALANCE_ARGS=--banirq={irq}",
                   .risk = Risk::kMedium,
                   .risk_text = kUnderIrqbalance},
                  {.command = "echo {near_housekeeping_cpus} > /proc/irq/{irq}/smp_affinity_list",
                   .undo = "echo {old_affinity} > /proc/irq/{irq}/smp_affinity_list",
                   .reach = Reach::kNow,
                   .persist = "kernel command line: irqaffinity={near_housekeeping_cpus}",
                   .risk = Risk::kLow,
                   .risk_text = kManaged},
                  {.code_hint = "move interrupt {irq} off CPU {cpus}: free a CPU for it, there is no housekeeping CPU that it could go to",
                   .reach = Reach::kReboot}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "irq_device_count_per_s",
      .expected = "0",
      .needs = {"irq"},
  };
}

RuleRow KernelThreadOnCore() {
  return {
      .id = "kernel-thread-on-core",
      .title = "A kernel thread that could run elsewhere comes onto a CPU that is to be left alone",
      .fact = kCpuVisitor,
      .when = {{kActorKind, kIs, "kernel_thread"}, {kVisitorGroup, kIs, "alone"}},
      .group_by = {kActorTid},
      .measures = {{.count_min = 2, .count_per_s_min = 2}, {.count_min = 1, .longest_ns_min = 50'000}},
      .cause = "the kernel's thread {actor_comm} (tid {actor_tid}) ran {count} times on CPU {cpus}",
      .actions = {{.when = {{kMovable, kIs, 1.0}, {kNamesakes, kIs, 0.0}},
                   .command = "taskset -pc {housekeeping_cpus} {actor_tid}",
                   .undo = "taskset -pc {old_affinity} {actor_tid}",
                   .reach = Reach::kNow,
                   .persist = "kernel command line: isolcpus=domain,{cpus}",
                   .risk = Risk::kLow,
                   .risk_text = "its work is done on the housekeeping CPUs"},
                  {.code_hint =
                       "move {actor_comm} off CPU {cpus} (taskset -pc CPUS {actor_tid}): free a CPU for it, there is no housekeeping "
                       "CPU that it could go to"}},
      .gain = GainKind::kPartsOfWaits,
      .proof_metric = "visit_count_per_s",
      .expected = "0",
  };
}

// All that is not worth a row of its own in the answer: of a CPU that nobody reserved one advice, of reserved ones one for each kind.
RuleRow KernelThreadsShareCore() {
  return {
      .id = "kernel-threads-share-core",
      .title = "The kernel's own threads run on a CPU of a watched thread",
      .fact = kCpuVisitor,
      .when = {{kActorKind, kIsOneOf, WordList{"kernel_thread", "unbound_kworker", "bound_kworker"}},
               {kVisitorGroup, kIsOneOf, WordList{"kernel_threads", "unbound_kworkers", "bound_kworkers", "any"}}},
      .group_by = {kVisitorGroup},
      .measures = {{.count_min = 2, .count_per_s_min = 2}, {.count_min = 1, .longest_ns_min = 50'000}},
      .cause = "threads of the kernel ran {count} times on CPU {cpus}, {actor_count} of them; the evidence names those that took most",
      .actions =
          {{.when = {{kVisitorGroup, kIs, "bound_kworkers"}, {kWorkFunction, kIs, "vmstat_update"}},
            .command = "sysctl -w vm.stat_interval=120",
            .undo = "sysctl -w vm.stat_interval={stat_interval_s}",
            .code_hint = "vmstat_update runs on each CPU whose counters changed",
            .reach = Reach::kNow,
            .persist = "sysctl.d: vm.stat_interval = 120",
            .risk = Risk::kLow,
            .risk_text = "the figures of /proc/vmstat are older"},
           {.when = {{kVisitorGroup, kIs, "unbound_kworkers"}},
            .command = "echo {housekeeping_cpus:mask} > /sys/devices/virtual/workqueue/cpumask",
            .undo = "echo {old_workqueue_cpus:mask} > /sys/devices/virtual/workqueue/cpumask",
            .reach = Reach::kNow,
            .persist = "kernel command line: workqueue.unbound_cpus={housekeeping_cpus}",
            .risk = Risk::kLow,
            .risk_text = "the work of all unbound queues shares the housekeeping CPUs"},
           {.when = {{kVisitorGroup, kIs, "any"}},
            .code_hint = "CPU {cpus} is the kernel's too, as nobody reserved it: isolate it where a watched thread is to have it alone; "
                         "hftmon attach --cpus {cpus} then counts who still comes, and names the command that moves each",
            .reach = Reach::kReboot,
            .persist = "kernel command line: isolcpus=domain,managed_irq,{cpus} nohz_full={cpus} rcu_nocbs={cpus}",
            .risk = Risk::kMedium,
            .risk_text = "no other program is balanced onto isolated CPUs: the others have less"},
           {.code_hint =
                "find what gives them their work (hftmon irqs --cpus {cpus} names functions) and stop that, or do it elsewhere; of threads "
                "of "
                "one name ps -eLo tid,psr,comm lists each, and taskset -pc CPUS TID moves those that are not bound; a thread that is bound "
                "to its CPU refuses taskset with EINVAL"}},
      .gain = GainKind::kPartsOfWaits,
      .proof_metric = "kernel_visit_count_per_s",
      .expected = "0",
  };
}

RuleRow TickOnIsolated() {
  return {
      .id = "tick-on-isolated",
      .title = "The timer tick goes on on a CPU that runs one thread alone",
      .fact = kTickOnCpu,
      .group_by = {kCpu},
      .measures = {{.count_min = 10, .count_per_s_min = 10}},
      .cause = "the local timer interrupted CPU {cpu} {count} times while one thread ran there",
      .actions = {{.when = {{kNohzFull, kIs, 0.0}},
                   .code_hint = "boot with the CPU among nohz_full=, rcu_nocbs= and isolcpus=domain,managed_irq,",
                   .reach = Reach::kReboot,
                   .persist = "kernel command line: nohz_full={cpus} rcu_nocbs={cpus}",
                   .risk = Risk::kMedium,
                   .risk_text = "each system call of those CPUs costs some 100 ns more: context tracking"},
                  {.code_hint =
                       "CPU {cpu} is nohz_full and ticks: look for a second runnable thread (hftmon timeline), a POSIX CPU timer or "
                       "itimer of the program, a profiler's counters, kernel.sched_rt_runtime_us"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "local_timer_count_per_s",
      .expected = "at most 1",
      .needs = {"irq"},
  };
}

RuleRow SoftirqOnCore() {
  return {
      .id = "softirq-on-core",
      .title = "Deferred work of interrupts runs in a watched thread's time",
      .fact = kSoftirqOnCpu,
      .group_by = {kTid, kSoftirq},
      .measures = {{.count_min = 2, .share_min = 0.001}, {.count_min = 1, .longest_ns_min = 20'000}},
      .cause = "softirq {softirq} took {sum_ns} of {comm} (tid {tid}) in {count} runs",
      .actions = {{.when = {{kSoftirq, kIsOneOf, WordList{"NET_RX", "NET_TX"}}, {kIrq, kKnown}},
                   .command = "echo {near_housekeeping_cpus} > /proc/irq/{irq}/smp_affinity_list",
                   .undo = "echo {old_affinity} > /proc/irq/{irq}/smp_affinity_list",
                   .reach = Reach::kNow,
                   .persist = "kernel command line: irqaffinity={near_housekeeping_cpus}",
                   .risk = Risk::kLow,
                   .risk_text = kManaged},
                  {.when = {{kSoftirq, kIs, "NET_RX"}, {kInterface, kKnown}},
                   .command = "echo {housekeeping_cpus:mask} > /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus",
                   .undo = "echo {old_rps_cpus:mask_or_0} > /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus",
                   .reach = Reach::kNow,
                   .persist = "tmpfiles.d: w /sys/class/net/{interface}/queues/rx-{queue}/rps_cpus - - - - {housekeeping_cpus:mask}",
                   .risk = Risk::kLow,
                   .risk_text = "packets cross to another CPU: some microseconds more for those that the thread waits for"},
                  {.when = {{kSoftirq, kIs, "BLOCK"}, {kBlockDevice, kKnown}},
                   .command = "echo 0 > /sys/block/{block_device}/queue/rq_affinity",
                   .undo = "echo {rq_affinity} > /sys/block/{block_device}/queue/rq_affinity",
                   .reach = Reach::kNow,
                   .persist = "tmpfiles.d: w /sys/block/{block_device}/queue/rq_affinity - - - - 0",
                   .risk = Risk::kLow,
                   .risk_text = "requests complete where the device's interrupt arrives"},
                  {.when = {{kSoftirq, kIsOneOf, WordList{"TIMER", "HRTIMER", "RCU", "SCHED"}}},
                   .code_hint = "boot with CPU {cpus} among rcu_nocbs= and nohz_full=, and set no timers in the thread",
                   .reach = Reach::kReboot,
                   .persist = "kernel command line: rcu_nocbs={cpus} nohz_full={cpus}",
                   .risk = Risk::kMedium,
                   .risk_text = "RCU callbacks run in threads on housekeeping CPUs"},
                  {.code_hint = "move the interrupt that raises {softirq} off CPU {cpus} (hftmon irqs --affinity)"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "softirq_self_ns_per_s",
      .expected = "0",
      .needs = {"irq"},
  };
}

}  // namespace

std::vector<RuleRow> InterruptRules() {
  return {IrqOnWatchedCore(), KernelThreadOnCore(), KernelThreadsShareCore(), TickOnIsolated(), SoftirqOnCore()};
}

}  // namespace hftmon
