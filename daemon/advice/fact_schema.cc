#include "daemon/advice/fact_schema.h"

#include <array>

namespace hftmon {
namespace {

using enum FactField;

constexpr std::string_view kHousekeepingSource = "CpuTopology, NumaNodes and the affinities of watched threads, once an answer";
constexpr std::string_view kTaskAffinity = "Cpus_allowed_list of /proc/TID/status";

constexpr auto kIrqOnCpuFields = std::to_array<FactSchemaRow>({
    {kIrq, true, "CpuInterruptTotal.devices[].irq"},
    {kCpus, true, "CPUs that are reserved or that a watched thread is bound to, with CpuInterruptTotal.devices[irq].count Δ > 0"},
    {kCount, true, "CpuInterruptTotal.devices[irq].count Δ on these CPUs"},
    {kSumNs, false, "CpuInterruptTotal.devices[irq].self_ns Δ on these CPUs"},
    {kLongestNs, false, "longest Cause kHardIrq of this number in Spikes"},
    {kHandler, false, "InterruptAffinity.handlers"},
    {kOldAffinity, false, "/proc/irq/N/smp_affinity_list, never effective_affinity_list: that changes with the next interrupt alone"},
    {kNearHousekeepingCpus, false, kHousekeepingSource},
    {kIrqbalance, false, "comm of /proc/PID"},
});
constexpr auto kSoftirqOnCpuFields = std::to_array<FactSchemaRow>({
    {kSoftirq, true, "ThreadInterruptTotal.sources Δ, by InterruptNames"},
    {kCount, true, "ThreadInterruptTotal.sources[].count Δ, modulo 2^32"},
    {kSumNs, true, "ThreadInterruptTotal.sources[].self_ns Δ"},
    {kLongestNs, false, "ThreadInterruptTotal.stretch_max_ns, or the longest Cause kSoftirq of Spikes"},
    {kCpus, false, "Cause.cpu, ScheduledThread.cpus"},
    {kInterface, false, "InterfacePollTotal.name: the only one that was polled on these CPUs"},
    {kQueue, false, "/sys/class/net/IF/queues/rx-N, where the interface has one or the line's name tells it"},
    {kIrq, false, "the line whose handler is that queue"},
    {kOldAffinity, false, "/proc/irq/N/smp_affinity_list"},
    {kNearHousekeepingCpus, false, kHousekeepingSource},
    {kHousekeepingCpus, false, kHousekeepingSource},
    {kOldRpsCpus, false, "/sys/class/net/IF/queues/rx-N/rps_cpus"},
    {kBlockDevice, false, "CoalescingSource block devices"},
    {kRqAffinity, false, "/sys/block/DEV/queue/rq_affinity"},
});
constexpr auto kTickOnCpuFields = std::to_array<FactSchemaRow>({
    {kCpu, true, "CpuInterruptTotal.cpu: a reserved one, nine tenths of whose ticks came in the time of one watched thread bound there"},
    {kCpus, true, "the same, as a list"},
    {kCount, true, "CpuInterruptTotal.sources[local_timer].count Δ"},
    {kSumNs, false, "CpuInterruptTotal.sources[local_timer].self_ns Δ"},
    {kNohzFull, true, "/sys/devices/system/cpu/nohz_full"},
});
constexpr auto kCpuVisitorFields = std::to_array<FactSchemaRow>({
    {kActorTid, true, "TargetRule.visits[].tid; the actor of a spike's Cause kThread"},
    {kActorComm, false, "the same"},
    {kActorKind, true, "flags of /proc/TID/stat (PF_KTHREAD, PF_WQ_WORKER), hftmond's own tgid"},
    {kMovable, false, "PF_NO_SETAFFINITY in the same flags"},
    {kNamesakes, false, "TargetRule.visits[].last_tid of that name, on any CPU and before: they differ"},
    {kVisitorGroup, true, "alone: of the three that come most onto reserved CPUs and that a command of their own moves; else by its kind"},
    {kActorCount, true, "1"},
    {kCpus, true, "CPUs that are reserved or that a watched thread is bound to, where it was switched in"},
    {kCount, true,
     "TargetRule.visits[].count Δ, and its switches there since the rule made it a target; run_count of causes where no rule is"},
    {kSumNs, false, "Cause.duration_ns of Spikes"},
    {kLongestNs, false, "the same, the longest"},
    {kWorkFunction, false, "CpuDeferredTotal.works with the highest duration Δ on these CPUs"},
    {kOldAffinity, false, kTaskAffinity},
    {kOldWorkqueueCpus, false, "/sys/devices/virtual/workqueue/cpumask"},
    {kStatInterval, false, "/proc/sys/vm/stat_interval"},
    {kHousekeepingCpus, false, kHousekeepingSource},
});
constexpr auto kPreemptionFields = std::to_array<FactSchemaRow>({
    {kSpikeKind, true, "Spike.kind"},
    {kReason, false,
     "PreemptionReason(Spike.preemption); where that is not of the actor by the actor's and the thread's class, absent: not known"},
    {kActorTid, true, "each Cause kThread of 50 us or more, and the longest"},
    {kActorComm, false, "Cause.comm"},
    {kActorKind, true, "as of kCpuVisitor; kernel threads on reserved CPUs are told there, not here"},
    {kCount, true, "Spikes"},
    {kSumNs, true, "Cause.duration_ns"},
    {kLongestNs, true, "the same, the longest"},
    {kCpus, true, "Spike.cpu"},
    {kOldAffinity, false, kTaskAffinity},
    {kSpareCpus, false, kHousekeepingSource},
    {kHousekeepingCpus, false, kHousekeepingSource},
    {kThrottledBy, false, "where reason is throttled: RealTimeLimits and Spike.priority"},
    {kRtRuntimeUs, false, "/proc/sys/kernel/sched_rt_runtime_us; where that is what stops it"},
});
constexpr auto kMigrationsFields = std::to_array<FactSchemaRow>({
    {kCount, true, "ThreadWindow.migration_count"},
    {kCpus, false, "ScheduledThread.cpus"},
    {kBound, true, "Cpus_allowed of /proc/TID/status"},
    {kOldAffinity, true, kTaskAffinity},
    {kSpareCpus, false, kHousekeepingSource},
});
constexpr auto kWakingFields = std::to_array<FactSchemaRow>({
    {kCpu, true, "Cause.cpu"},
    {kCpus, true, "the same, as a list"},
    {kCount, true, "Spikes with a Cause kWaking"},
    {kSumNs, true, "Cause.duration_ns"},
    {kLongestNs, true, "the same, the longest"},
    {kIdleState, true, "IdleStateSum.name of the deepest state with count Δ > 0"},
    {kIdleStateIndex, true, "IdleStateSum.index"},
    {kDeepIdleCount, true, "IdleStateSum.count Δ"},
    {kIdleLatencyNs, false, "IdleStateSum.target_latency_ns"},
    {kIdleStateDisabled, true, "/sys/devices/system/cpu/cpuN/cpuidle/stateM/disable"},
});
constexpr auto kInversionFields = std::to_array<FactSchemaRow>({
    {kLockAddress, true, "Inversion.chain[0].call"},
    {kCount, true, "Inversion"},
    {kSumNs, true, "Inversion.wait: its time"},
    {kLongestNs, true, "the same, the longest"},
    {kInherited, true, "Inversion.inherited"},
    {kOwnerTid, true, "the last of Inversion.chain"},
    {kOwnerComm, false, "the same"},
    {kOwnerOffShare, false, "Inversion.owner_off_cpu_ns by the wait; absent: the owner is not watched"},
    {kActorTid, false, "Inversion.preemptor"},
    {kActorComm, false, "the same"},
});
constexpr auto kContendedLockFields = std::to_array<FactSchemaRow>({
    {kLockAddress, true, "QueryLocks.locks[].address"},
    {kCount, true, "locks[].count"},
    {kSumNs, true, "locks[].blocked_ns"},
    {kLongestNs, true, "locks[].longest_ns"},
    {kWaiterCount, true, "locks[].waiter_tids"},
    {kOwnerTid, false, "locks[].owners: of most waits; absent: none is known, which is what condition variables look like"},
    {kOwnerComm, false, "the same"},
    {kOwnerRunningShare, false, "owners[].running_count by count"},
});
constexpr auto kHotPathSleepFields = std::to_array<FactSchemaRow>({
    {kSpikeKind, true, "Spike.kind: operation or gap"},
    {kOperation, false, "Spike.mark"},
    {kSyscall, true, "Cause.syscall of Cause kBlocked, by CallName"},
    {kOwnerTid, false, "Call.owner_tid of the wait in its time; of futex alone: absent, nobody held it"},
    {kCount, true, "Spikes"},
    {kSumNs, true, "Cause.duration_ns"},
    {kLongestNs, true, "the same, the longest"},
});
constexpr auto kFaultsFields = std::to_array<FactSchemaRow>({
    {kFaultKind, true, "ThreadFaultTotal.faults, user and kernel together"},
    {kCount, true, "FaultTotal.count Δ"},
    {kSumNs, true, "FaultTotal.duration_ns Δ"},
    {kLongestNs, false, "FaultTotal.longest_ns, or the longest fault spike"},
    {kAnonymous, false, "the mapping of the fault spikes"},
    {kLockedBytes, false, "VmLck of /proc/PID/status"},
    {kResidentBytes, false, "VmRSS of the same"},
    {kSwappedBytes, false, "VmSwap of the same"},
});
constexpr auto kShootdownsFields = std::to_array<FactSchemaRow>({
    {kCount, true, "SenderTotal.count Δ"},
    {kSumNs, false, "Cause.duration_ns of Cause kHardIrq call_function with this sender"},
    {kLongestNs, false, "the same, the longest"},
    {kActorTid, false, "SenderTotal.tid"},
    {kActorComm, false, "SenderTotal.comm"},
    {kSameProcess, true, "SenderTotal.tgid"},
    {kCall, true, "by symbol in SenderTotal.stack, else the sender's system call"},
});
constexpr auto kKernelStallFields = std::to_array<FactSchemaRow>({
    {kStall, true, "ThreadFaultTotal.{compaction,reclaim,migration}; collapses; Spike.kind"},
    {kReason, false, "ThreadFaultTotal.migration_reason_count: the most frequent"},
    {kCount, true, "count Δ"},
    {kSumNs, false, "duration_ns Δ; of collapses it is not known"},
    {kLongestNs, false, "longest_ns, or the longest spike of the kind; the same"},
    {kThpEnabled, false, "/sys/kernel/mm/transparent_hugepage/enabled, the word in brackets"},
    {kThpDefrag, false, "/sys/kernel/mm/transparent_hugepage/defrag, the word in brackets"},
});
constexpr auto kNumaBalancingFields = std::to_array<FactSchemaRow>({
    {kCount, true, "NumaOfThread.fault_count Δ plus migration_reason_count[numa_misplaced] Δ"},
    {kSumNs, false, "ThreadFaultTotal.migration.duration_ns Δ of that reason"},
    {kNumaBalancing, true, "/proc/sys/kernel/numa_balancing"},
});
constexpr auto kPlacementFields = std::to_array<FactSchemaRow>({
    {kProcessId, true, "PlacementWish.pid"},
    {kMapping, true, "MappingPlacement.name, or the program's range"},
    {kCount, true, "MappingPlacement.sampled_count less absent_count: pages that are there"},
    {kFromNode, true, "the node other than to_node with most of MappingPlacement.nodes"},
    {kToNode, true, "home_node, or where that has no memory the nearest to it that has some (NumaNodes.DistanceOf)"},
    {kHomeNode, true, "the node on which the process ran most (ThreadNodes)"},
    {kRemoteShareLow, true, "MappingPlacement.nodes: Wilson interval"},
    {kHomeShare, true, "ThreadNodes"},
    {kShared, true, "mapmax > 1 in numa_maps; where that was not read, of private anonymous memory 0, of the rest 1"},
    {kRoom, true, "NumaNode.free_bytes of to_node, at least twice what would move there from all nodes"},
    {kPolicy, false, "MappingPlacement.policy"},
    {kDistanceRatio, false, "MeasureNuma, else NumaNodes.DistanceOf"},
});
constexpr auto kDeviceDistanceFields = std::to_array<FactSchemaRow>({
    {kInterface, true, "InterfaceAddresses.InterfaceOf the local address of SocketTotal, else the one of InterfacePollTotal.name"},
    {kCount, true, "SocketTotal.copied_count Δ, at most InterfacePollTotal.work_count Δ"},
    {kDeviceNode, true, "DeviceLocality.node; a device whose node is not told makes no fact"},
    {kThreadNode, true, "ThreadNodes: nine tenths of its time"},
    {kDistance, true, "NumaNodes.DistanceOf"},
    {kOldAffinity, false, kTaskAffinity},
    {kDeviceSpareCpus, false, kHousekeepingSource},
});
constexpr auto kCounterRateFields = std::to_array<FactSchemaRow>({
    {kCount, true, "CounterRates: spans behind it"},
    {kL3HitRatio, false, "CounterRates.l3_hit_ratio"},
    {kInstructionsPerCycle, false, "CounterRates.ipc"},
});
constexpr auto kContendedLineFields = std::to_array<FactSchemaRow>({
    {kProcessId, true, "AccessSampling"},
    {kLineAddress, true, "ContendedLine.address"},
    {kCount, true, "ContendedLine: contended samples"},
    {kFalseSharing, true, "ContendedLine.sharing"},
    {kLayoutAdvice, false, "SharingAdvice.text"},
});
constexpr auto kHardwareFields = std::to_array<FactSchemaRow>({
    {kSource, true, "which of HardwareEvidence"},
    {kCpu, true, "CpuHardwareTotal.cpu"},
    {kCpus, true, "the same, as a list"},
    {kCount, true, "smi: smi_count Δ, one fact of the CPU where it is highest; steal, busy_sibling: spikes"},
    {kSumNs, false, "steal: steal_ns Δ; busy_sibling: SiblingBusy.busy_ns"},
    {kSiblingCpu, false, "SiblingBusy.cpu"},
    {kSiblingTaken, false, "affinities of watched threads; SiblingBusy.tgid of any of its actors is hftmond's own"},
    {kBusyShare, false, "SiblingBusy.busy_ns by the spikes' time"},
    {kActorTid, false, "SiblingBusy.tid"},
    {kActorComm, false, "its name"},
    {kActorKind, false, "as of kCpuVisitor"},
    {kOldAffinity, false, kTaskAffinity},
    {kHousekeepingCpus, false, kHousekeepingSource},
});
// The audit's table of settings names each with its file; only what is not as the table of rules wants it need be told.
constexpr auto kHostSettingFields = std::to_array<FactSchemaRow>({
    {kSetting, true, "the name of the row that reads it"},
    {kValue, false, "its file, a number"},
    {kValueWord, false, "its file, a word or the one in brackets"},
    {kValueCpus, false, "its file or boot argument, a list or mask"},
    {kReservedCpus, false, "/sys/devices/system/cpu/{isolated,nohz_full}, CPU rules"},
    {kMissingCpus, false, "reserved_cpus without what the setting names"},
    {kHousekeepingCpus, false, kHousekeepingSource},
    {kTscAvailable, false, "/sys/devices/system/clocksource/clocksource0/available_clocksource"},
    {kSwappedBytes, false, "VmSwap of all targets together"},
    {kNodeCount, false, "NumaNodes"},
});
constexpr auto kCpuSettingFields = std::to_array<FactSchemaRow>({
    {kSetting, true, "the name of the row that reads it"},
    {kCpus, false, "the CPU that it is about, as a list"},
    {kReserved, false, "/sys/devices/system/cpu/{isolated,nohz_full}, CPU rules"},
    {kValue, false, "its file, a number"},
    {kValueWord, false, "its file, a word"},
    {kValueCpus, false, "its file, a mask: rps_cpus, xps_cpus"},
    {kReservedCpus, false, "as of kHostSetting"},
    {kHousekeepingCpus, false, kHousekeepingSource},
    {kInterface, false, "/sys/class/net; InterfaceCoalescing.name"},
    {kQueue, false, "queues/rx-N, queues/tx-N"},
    {kSiblingCpu, false, "topology/thread_siblings_list: online, not reserved"},
    {kIdleState, false, "cpuidle/stateM/name"},
    {kIdleStateIndex, false, "cpuidle/stateM"},
    {kIdleLatencyNs, false, "cpuidle/stateM/latency"},
});

using enum FactKind;

// By the enumerator's number; a test holds that.
constexpr auto kKinds = std::to_array<FactKindRow>({
    {kIrqOnCpu, "irq_on_cpu", "a device's interrupt line on CPUs that are reserved or a watched thread's", false, false, kIrqOnCpuFields},
    {kSoftirqOnCpu, "softirq_on_cpu", "one kind of softirq in a watched thread's time", true, false, kSoftirqOnCpuFields},
    {kTickOnCpu, "tick_on_cpu", "the timer tick of a reserved CPU with one runnable thread", false, false, kTickOnCpuFields},
    {kCpuVisitor, "cpu_visitor", "a thread that is not watched on CPUs that are reserved or a watched thread's", false, false,
     kCpuVisitorFields},
    {kPreemption, "preemption", "a watched thread that waited for a CPU while one other had it", true, true, kPreemptionFields},
    {kMigrations, "migrations", "a watched thread's moves between CPUs", true, false, kMigrationsFields},
    {kWaking, "waking", "a watched thread's wake-ups on a CPU that was idle", true, true, kWakingFields},
    {kInversion, "inversion", "priority inversions of a waiter at one lock, of equal inheritance", true, true, kInversionFields},
    {kContendedLock, "contended_lock", "the waits at one lock of a process", true, true, kContendedLockFields},
    {kHotPathSleep, "hot_path_sleep", "sleeps in one call within what a program marked as its operations", true, true, kHotPathSleepFields},
    {kFaults, "faults", "a watched thread's page faults of one kind", true, false, kFaultsFields},
    {kShootdowns, "shootdowns", "TLB flushes that one sender's one call made a watched thread's CPU do", true, false, kShootdownsFields},
    {kKernelStall, "kernel_stall", "one kind of memory work that a watched thread waited for", true, false, kKernelStallFields},
    {kNumaBalancingWork, "numa_balancing", "a watched thread's faults and moves by automatic NUMA balancing", true, false,
     kNumaBalancingFields},
    {kPlacement, "placement", "a mapping, or a range that the program named, and its pages' nodes", false, false, kPlacementFields},
    {kDeviceDistance, "device_distance", "a watched thread that reads packets of an interface on another node", true, false,
     kDeviceDistanceFields},
    {kCounterRate, "counter_rate", "a watched thread's rates by hardware counters", true, false, kCounterRateFields},
    {kContendedLine, "contended_line", "a cache line that threads took from each other", false, false, kContendedLineFields},
    {kHardware, "hardware", "what hardware or hypervisor had of a watched CPU", false, false, kHardwareFields},
    {kHostSetting, "host_setting", "one setting of the host", false, false, kHostSettingFields},
    {kCpuSetting, "cpu_setting", "one setting of a CPU, or of a queue of an interface", false, false, kCpuSettingFields},
});
static_assert(kKinds.size() == kFactKinds);

bool IsOfThread(FactField field) {
  return field == kTid || field == kProcessId || field == kComm;
}

const FactSchemaRow* FindSchemaRow(FactKind kind, FactField field) {
  for (const FactSchemaRow& row : RowOf(kind).fields) {
    if (row.field == field) return &row;
  }
  return nullptr;
}

}  // namespace

std::span<const FactKindRow> FactKindRows() {
  return kKinds;
}

const FactKindRow& RowOf(FactKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

bool HasField(FactKind kind, FactField field) {
  return (RowOf(kind).has_thread && IsOfThread(field)) || FindSchemaRow(kind, field) != nullptr;
}

bool IsRequired(FactKind kind, FactField field) {
  if (RowOf(kind).has_thread && IsOfThread(field)) return true;
  const FactSchemaRow* row = FindSchemaRow(kind, field);
  return row != nullptr && row->required;
}

}  // namespace hftmon
