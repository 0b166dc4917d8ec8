#include <array>

#include "daemon/advice/fact_schema.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FieldType;
using enum FieldMerge;

// By the enumerator's number; a test holds that.
constexpr auto kFields = std::to_array<FactFieldRow>({
    {kTid, "tid", kTaskId, "", kSame, "the watched thread"},
    {kProcessId, "pid", kTaskId, "", kSame, "its process; of facts about a process that process"},
    {kComm, "comm", kText, "", kSame, "the watched thread's name"},
    {kCount, "count", kNumber, "events", kSum, "how often it happened in the window"},
    {kSumNs, "sum_ns", kDuration, "ns", kSum, "what it took from watched threads in the window"},
    {kLongestNs, "longest_ns", kDuration, "ns", kMax, "the longest single one"},
    {kCpus, "cpus", kCpuList, "", kUnite, "where it happened"},
    {kCpu, "cpu", kNumber, "", kSame, "the one CPU it is about"},
    {kHousekeepingCpus, "housekeeping_cpus", kCpuList, "", kSame,
     "online, not reserved, no watched thread bound there; absent: there is none"},
    {kNearHousekeepingCpus, "near_housekeeping_cpus", kCpuList, "", kSame, "of those the ones on the device's node, else all of them"},
    {kSpareCpus, "spare_cpus", kCpuList, "", kSame, "online, no watched thread bound or mostly there, not where it happened; absent: none"},
    {kDeviceSpareCpus, "device_spare_cpus", kCpuList, "", kSame, "of those the ones on the device's node; absent: none"},
    {kReservedCpus, "reserved_cpus", kCpuList, "", kSame, "isolated, nohz_full or audited by a CPU rule; absent: there is none"},
    {kMissingCpus, "missing_cpus", kCpuList, "", kSame, "reserved CPUs that the setting leaves out; absent: none"},
    {kOldAffinity, "old_affinity", kCpuList, "", kSame, "where it may run or arrive now: what undo restores"},
    {kOldRpsCpus, "old_rps_cpus", kCpuList, "", kSame, "rps_cpus now; empty: nothing is steered"},
    {kOldWorkqueueCpus, "old_workqueue_cpus", kCpuList, "", kSame, "workqueue/cpumask now"},
    {kIrq, "irq", kNumber, "", kSame, "the interrupt line"},
    {kHandler, "handler", kText, "", kSame, "its handlers' names"},
    {kIrqbalance, "irqbalance", kNumber, "0 or 1", kSame, "a process of that name runs"},
    {kSoftirq, "softirq", kIdentifier, "", kSame, "NET_RX, NET_TX, TIMER, RCU, BLOCK, SCHED, TASKLET, HRTIMER, IRQ_POLL, HI"},
    {kInterface, "interface", kIdentifier, "", kSame, "a network interface"},
    {kQueue, "queue", kNumber, "", kSame, "its queue"},
    {kBlockDevice, "block_device", kIdentifier, "", kSame, "as under /sys/block"},
    {kRqAffinity, "rq_affinity", kNumber, "", kSame, "of the block device now"},
    {kNohzFull, "nohz_full", kNumber, "0 or 1", kSame, "the CPU is among the kernel's nohz_full ones"},
    {kActorTid, "actor_tid", kTaskId, "", kSame, "who did it"},
    {kActorComm, "actor_comm", kText, "", kSame, "the actor's name"},
    {kActorKind, "actor_kind", kIdentifier, "", kSame, "user, kernel_thread, bound_kworker, unbound_kworker, own (hftmond's)"},
    {kMovable, "movable", kNumber, "0 or 1", kSame, "0: the kernel refuses to change its affinity (PF_NO_SETAFFINITY)"},
    {kNamesakes, "namesakes", kNumber, "0 or 1", kSame, "1: other threads of the actor's name are in the count"},
    {kVisitorGroup, "visitor_group", kIdentifier, "", kSame,
     "whom it is told with: alone, kernel_threads, unbound_kworkers, bound_kworkers, any (of a CPU that nobody reserved)"},
    {kActorCount, "actor_count", kNumber, "threads", kSum, "how many the fact is of: 1"},
    {kWorkFunction, "work_function", kIdentifier, "", kSame, "what a bound kworker ran most"},
    {kSpikeKind, "spike_kind", kIdentifier, "", kSame, "preempted, run_queue, operation, gap"},
    {kReason, "reason", kIdentifier, "", kSame, "as PreemptionReason says"},
    {kBound, "bound", kNumber, "0 or 1", kSame, "the thread may run on one CPU alone"},
    {kLockAddress, "lock_address", kAddress, "", kSame, "the futex word"},
    {kOwnerTid, "owner_tid", kTaskId, "", kSame, "who had the lock; absent: not known"},
    {kOwnerComm, "owner_comm", kText, "", kSame, "its name"},
    {kOwnerOffShare, "owner_off_share", kShare, "", kMin, "of the wait in which the last owner was off its CPU"},
    {kOwnerRunningShare, "owner_running_share", kShare, "", kMin, "of the waits that began while the owner ran"},
    {kInherited, "inherited", kNumber, "0 or 1", kSame, "the lock lent its owner the waiter's priority"},
    {kWaiterCount, "waiter_count", kNumber, "threads", kMax, "different threads that waited"},
    {kOperation, "operation", kText, "", kSame, "the program's name of it"},
    {kSyscall, "syscall", kIdentifier, "", kSame, "the call it slept in, by name"},
    {kFaultKind, "fault_kind", kIdentifier, "", kSame, "major, minor"},
    {kAnonymous, "anonymous", kNumber, "0 or 1", kSame, "the mapping is no file's: what came back was swapped out"},
    {kLockedBytes, "locked_bytes", kNumber, "bytes", kSame, "of the process, locked"},
    {kResidentBytes, "resident_bytes", kNumber, "bytes", kSame, "of the process, resident"},
    {kSwappedBytes, "swapped_bytes", kNumber, "bytes", kSame, "of the process, or of all targets together, in swap"},
    {kSameProcess, "same_process", kNumber, "0 or 1", kSame, "the sender is of the same process"},
    {kCall, "call", kIdentifier, "", kSame, "what the sender did: munmap, madvise, mprotect, mremap, other"},
    {kStall, "stall", kIdentifier, "", kSame, "compaction, reclaim, migration, collapse"},
    {kMapping, "mapping", kText, "", kSame, "its name in numa_maps, or of a range that the program named"},
    {kFromNode, "from_node", kNumber, "", kSame, "where the memory is"},
    {kToNode, "to_node", kNumber, "", kSame, "where it is wanted: home_node, or where that has no memory the nearest that has some"},
    {kHomeNode, "home_node", kNumber, "", kSame, "of the CPUs on which its threads run"},
    {kRemoteShareLow, "remote_share_low", kShare, "", kMax, "of its pages on other nodes than to_node: lower end of the 95 % interval"},
    {kHomeShare, "home_share", kShare, "", kMin, "of its threads' time on home_node's CPUs"},
    {kShared, "shared", kNumber, "0 or 1", kSame, "other processes map it too"},
    {kRoom, "room", kNumber, "0 or 1", kSame, "to_node has room for it"},
    {kPolicy, "policy", kIdentifier, "", kSame,
     "default, bind, prefer, prefer_many, interleave, weighted_interleave, local; absent: not looked at"},
    {kDistanceRatio, "distance_ratio", kReal, "ratio", kMin, "measured latency, else firmware distance, of from_node by that of to_node"},
    {kDeviceNode, "device_node", kNumber, "", kSame, "the interface's node"},
    {kThreadNode, "thread_node", kNumber, "", kSame, "the node on which the thread ran most"},
    {kDistance, "distance", kNumber, "", kSame, "of the two in the firmware's table; 10 is itself"},
    {kL3HitRatio, "l3_hit_ratio", kShare, "", kMin, "of accesses that reached the last-level cache"},
    {kInstructionsPerCycle, "instructions_per_cycle", kReal, "ratio", kMin, "of the thread while it ran"},
    {kLineAddress, "line_address", kAddress, "", kSame, "the cache line"},
    {kFalseSharing, "false_sharing", kNumber, "0 or 1", kSame, "its threads use different parts of it"},
    {kLayoutAdvice, "layout_advice", kText, "", kSame, "what mends the layout, with offsets"},
    {kSource, "source", kIdentifier, "", kSame, "busy_sibling, smi, steal"},
    {kSiblingCpu, "sibling_cpu", kNumber, "", kSame, "another CPU of the same core"},
    {kSiblingTaken, "sibling_taken", kNumber, "0 or 1", kSame, "a watched thread is bound to sibling_cpu, or hftmond's loop may run there"},
    {kBusyShare, "busy_share", kShare, "", kMax, "of the spikes' time in which the sibling ran something"},
    {kIdleState, "idle_state", kText, "", kSame, "the idle state's name"},
    {kIdleStateIndex, "idle_state_index", kNumber, "", kSame, "its number in sysfs"},
    {kIdleStateDisabled, "idle_state_disabled", kNumber, "0 or 1", kSame, "its `disable` now"},
    {kIdleLatencyNs, "idle_latency_ns", kDuration, "ns", kMax, "its exit latency as the driver tells it"},
    {kDeepIdleCount, "deep_idle_count", kNumber, "entries", kSum, "how often the CPU was in it in the window"},
    {kThrottledBy, "throttled_by", kIdentifier, "", kSame,
     "what stops a real-time thread: rt_limit, fair_server, either (not known which of them), own_runtime (of SCHED_DEADLINE)"},
    {kRtRuntimeUs, "rt_runtime_us", kNumber, "us", kSame, "kernel.sched_rt_runtime_us now"},
    {kStatInterval, "stat_interval_s", kNumber, "s", kSame, "vm.stat_interval now"},
    {kThpEnabled, "thp_enabled", kIdentifier, "", kSame, "always, madvise, never"},
    {kThpDefrag, "thp_defrag", kIdentifier, "", kSame,
     "who looks for room for a huge page at a fault: always, defer, defer+madvise, madvise, never"},
    {kNumaBalancing, "numa_balancing", kNumber, "", kSame, "kernel.numa_balancing now"},
    {kSetting, "setting", kIdentifier, "", kSame, "which setting, as the table of audit rows names it"},
    {kValue, "value", kNumber, "", kSame, "what it is, where that is a number"},
    {kValueWord, "value_word", kIdentifier, "", kSame, "what it is, where that is a word"},
    {kValueCpus, "value_cpus", kCpuList, "", kSame, "what it is, where that is a list or a mask of CPUs"},
    {kReserved, "reserved", kNumber, "0 or 1", kSame, "the CPU is reserved"},
    {kTscAvailable, "tsc_available", kNumber, "0 or 1", kSame, "tsc is in available_clocksource"},
    {kNodeCount, "node_count", kNumber, "nodes", kSame, "NUMA nodes with memory"},
});
static_assert(kFields.size() == kFactFields);

}  // namespace

std::span<const FactFieldRow> FactFieldRows() {
  return kFields;
}

const FactFieldRow& RowOf(FactField field) {
  return kFields[static_cast<size_t>(field)];
}

const FactFieldRow* FindFactField(std::string_view name) {
  for (const FactFieldRow& row : kFields) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace hftmon
