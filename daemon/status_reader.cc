#include "daemon/status_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string_view>

#include "common/metric_catalogue.h"
#include "daemon/collectors/page_pool.h"
#include "daemon/counter_status.h"
#include "daemon/os/file_root.h"
#include "daemon/os/host_capabilities.h"
#include "daemon/os/open_files.h"
#include "daemon/os/process_usage.h"

namespace hftmon {
namespace {

uint64_t Load(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_relaxed);
}

template <typename T>
int64_t Kept(const SeqRing<T>& ring) {
  return static_cast<int64_t>(ring.end() - ring.begin());
}

}  // namespace

StatusReader::StatusReader(const Parts& parts) : parts_(parts), started_mono_ns_(parts.clock->NowNs()) {}

TimePair StatusReader::Now() const {
  return parts_.time->Now();
}

std::vector<Capability> StatusReader::Capabilities() const {
  std::vector<Capability> capabilities;
  for (const HostCapability& host : ReadHostCapabilities(SystemHostProbes())) {
    capabilities.push_back({host.name, host.available, host.reason, host.mend, host.required});
  }
  const bool walks = parts_.collector->access() == KernelAccess::kBtf;
  const std::string& fallback = parts_.collector->fallback_reason();
  capabilities.push_back(
      {"kernel_stacks", walks,
       walks ? "bpf_get_task_stack"
             : "raw tracepoints cannot walk another task's stack" + (fallback.empty() ? "" : "; they are used because of: " + fallback),
       walks              ? ""
       : fallback.empty() ? "boot a kernel with BTF (CONFIG_DEBUG_INFO_BTF=y) and let kernel_access choose"
                          : "mend that reason; if it is the kernel's verifier, report it with `uname -r`",
       false});
  capabilities.push_back(UserStacks());
  capabilities.push_back(Locks());
  capabilities.push_back(Memory());
  capabilities.push_back(KernelLocks());
  capabilities.push_back(Returns());
  AddHardware(&capabilities);
  AddCounters(&capabilities);
  capabilities.push_back(SharingCapability(parts_.access_events()));
  capabilities.push_back(CounterSamplingCapability(parts_.best_overflow()));
  capabilities.push_back(Network());
  capabilities.push_back(Irq());
  const bool counted = parts_.collector->reads_preempt_count();
  capabilities.push_back(
      {"waker_context", counted,
       counted
           ? "the kernel's preempt count"
           : "the kernel keeps the address of its preempt count to itself: only interrupts with an entry tracepoint are known as wakers, "
             "others are taken for the thread that they interrupted",
       counted ? "" : "a kernel built with CONFIG_KALLSYMS_ALL=y, with BTF", false});
  return capabilities;
}

Capability StatusReader::UserStacks() const {
  const std::string binary = UnwindBinaryPath();
  Capability capability{"user_stacks", true, "unwound by " + binary, "", false};
  if (!parts_.collector->has_registers()) {
    capability = {"user_stacks", false, "a thread's saved registers cannot be reached", RegistersMend(), false};
  } else if (access(binary.c_str(), X_OK) != 0) {
    capability = {"user_stacks", false, binary + " is not there", "install hftmon-unwind beside hftmond", false};
  }
  return capability;
}

Capability StatusReader::Locks() const {
  if (parts_.collector->has_registers()) return {"locks", true, "registers and futex words at a thread's switch-out", "", false};
  return {"locks", false, "a thread's saved registers cannot be reached", RegistersMend(), false};
}

Capability StatusReader::Memory() const {
  const std::string& refusal = parts_.collector->memory_programs().refusal();
  if (refusal.empty()) {
    std::string parts = "faults, TLB flushes and their senders, reclaim, compaction, moved pages, collapses";
    const auto missing = parts_.collector->memory_programs().missing();
    for (const auto& [part, reason] : missing) parts += fmt::format("; but {}: {}", part, reason);
    return {"memory", true, parts, missing.empty() ? "" : "a newer kernel has those tracepoints", false};
  }
  return {"memory", false, refusal, "a machine whose page faults have tracepoints (x86-64)", false};
}

Capability StatusReader::KernelLocks() const {
  const std::string& refusal = parts_.collector->kernel_lock_programs().refusal();
  if (refusal.empty()) return {"kernel_locks", true, "contention_begin, contention_end", "", false};
  return {"kernel_locks", false, refusal, "Linux 5.19 or newer", false};
}

Capability StatusReader::Returns() const {
  const std::string& refusal = parts_.collector->return_programs().refusal();
  if (refusal.empty()) return {"returns", true, "sys_exit", "", false};
  return {"returns", false, refusal, "a kernel with CONFIG_FTRACE_SYSCALLS, on x86-64", false};
}

void StatusReader::AddHardware(std::vector<Capability>* capabilities) const {
  for (const HardwareSource& source : parts_.hardware->Sources()) {
    capabilities->push_back({"hardware_" + source.name, source.available, source.reason, source.mend, false});
  }
}

// `capabilities` has the host's already.
void StatusReader::AddCounters(std::vector<Capability>* capabilities) const {
  capabilities->push_back(CountersCapability(parts_.collector->counter_refusal()));
  for (const Capability& host : *capabilities) {
    if (host.name != "hardware_pmu") continue;
    Capability cache{"cache", host.available, host.reason, host.mend, false};
    if (host.available) cache.reason = "the processor's counters, read by each CPU at its threads' switches and ticks";
    capabilities->push_back(std::move(cache));
    break;
  }
}

Capability StatusReader::Network() const {
  const NetworkPrograms& programs = parts_.collector->network_programs();
  if (programs.missing().empty()) {
    return {"network", true,
            "napi_poll, kfree_skb, netif_receive_skb, sk_data_ready, sock_recv_length, skb_copy_datagram_iovec, tcp_retransmit_skb", "",
            false};
  }
  std::string missing;
  for (const std::string& part : programs.missing()) missing += (missing.empty() ? "without: " : "; ") + part;
  return {"network", programs.refusal().empty(), missing, "Linux 6.3 or newer", false};
}

Capability StatusReader::Irq() const {
  const DeferredPrograms& programs = parts_.collector->deferred_programs();
  if (programs.missing().empty()) {
    return {"irq", true,
            "softirq_raise, softirq_entry, softirq_exit, workqueue_queue_work, workqueue_execute_start, workqueue_execute_end, "
            "tasklet_entry, tasklet_exit, "
            "irq_handler_entry, irq_handler_exit, sched_switch",
            "", false};
  }
  std::string missing;
  for (const std::string& part : programs.missing()) missing += (missing.empty() ? "without: " : "; ") + part;
  return {"irq", programs.refusal().empty(), missing, "a kernel with these tracepoints: all are in Linux 6.12", false};
}

std::string StatusReader::RegistersMend() const {
  if (!parts_.collector->fallback_reason().empty()) return "what kernel_stacks names: raw tracepoints cannot reach them";
  return "Linux 5.15 or newer with BTF, on x86-64";
}

LoopStatus StatusReader::Loop() const {
  const LoopStats& stats = parts_.loop->stats();
  const DetectionLatency detection = parts_.detector->detection();
  LoopStatus loop;
  loop.mode = parts_.loop->policy().name;
  const Placement placement = parts_.cpus->placement();
  loop.cpu = placement.loop_cpu;
  loop.cpu_reason = placement.reason;
  loop.move_count = parts_.cpus->move_count();
  loop.iteration_count = stats.iteration_count.Get();
  loop.record_count = stats.record_count.Get();
  loop.gap_count = stats.gap_count.Get();
  loop.gap_max_ns = stats.gap_max_ns.Get();
  loop.gap_threshold_ns = parts_.loop->gap_threshold_ns();
  loop.detection_histogram.assign(detection.histogram.begin(), detection.histogram.end());
  loop.detection_max_ns = detection.max_ns;
  loop.detection_sum_ns = detection.sum_ns;
  const DetectionLatency crossing = parts_.detector->crossing_detection();
  loop.crossing_histogram.assign(crossing.histogram.begin(), crossing.histogram.end());
  loop.crossing_max_ns = crossing.max_ns;
  loop.crossing_sum_ns = crossing.sum_ns;
  loop.scheduling = parts_.loop_thread->scheduling();
  const LoopLateness& lateness = parts_.loop->lateness();
  const auto late = lateness.histogram();
  loop.lateness_histogram.assign(late.begin(), late.end());
  loop.lateness_max_ns = lateness.max_ns();
  loop.lateness_sum_ns = lateness.sum_ns();
  return loop;
}

std::vector<DropCounter> StatusReader::Drops(const std::vector<ProbeStatus>& probes) const {
  const LoopStats& stats = parts_.loop->stats();
  const hft_controls& controls = *parts_.collector->view().controls;
  uint64_t recursion_misses = 0;
  for (const ProbeStatus& probe : probes) recursion_misses += probe.recursion_misses;
  const TargetRegistry::Counters targets = parts_.registry->counters();
  const StackCollector::Counters stacks = parts_.stacks->counters();
  const CounterLosses counters = CounterLossesOf(parts_.collector->view().cpu_counters);
  const std::map<std::string_view, uint64_t> counts = {
      {"ring_lost_records", stats.lost_count.Get()},
      {"stuck_cells_skipped", stats.stuck_count.Get()},
      {"recursion_misses", recursion_misses},
      {"unslotted_switches", Load(controls.unslotted_switches)},
      {"foreign_switches", Load(controls.foreign_switches)},
      {"unseen_switch_ins", Load(controls.unseen_switch_ins)},
      {"discarded_intervals", stats.discarded_count.Get() + parts_.totals->DiscardedCount()},
      {"life_queue_dropped", parts_.life_events->dropped_count()},
      {"window_store_dropped", parts_.windows->dropped_count()},
      {"refused_children", targets.refused_child_count},
      {"forgotten_targets", targets.forgotten_target_count},
      {"slots_exhausted", Load(controls.slots_exhausted)},
      {"unbinned_durations", Load(controls.unbinned_durations)},
      {"pid_too_large", Load(controls.pid_too_large)},
      {"migration_segments_dropped", stats.migration_segments_dropped_count.Get()},
      {"wakers_unknown", stats.waker_unknown_count.Get()},
      {"stalls_not_followed", parts_.loop->stalls().dropped_count() + parts_.loop->held_ups().dropped_count()},
      {"stacks_lost", stacks.lost_count},
      {"stacks_unavailable", stacks.unavailable_count},
      {"unwind_failures", parts_.unwinder->failure_count()},
      {"counter_spans_lost", parts_.counters->lost_count()},
      {"counter_readings_failed", counters.failed_reading_count},
      {"counter_values_discarded", counters.discarded_value_count},
      {"subscriber_dropped", parts_.subscriber_dropped ? parts_.subscriber_dropped() : 0},
      {"connections_refused", parts_.connections_refused ? parts_.connections_refused() : 0},
  };
  std::vector<DropCounter> drops;
  for (const DropRow& row : DropRows()) {
    const auto count = counts.find(row.name);
    drops.push_back({std::string(row.name), count == counts.end() ? 0 : count->second, std::string(row.help), row.data_loss});
  }
  return drops;
}

std::vector<Bound> StatusReader::Bounds() const {
  const TargetRegistry::Counters counters = parts_.registry->counters();
  const StackCollector::Counters stacks = parts_.stacks->counters();
  const OpenFiles files = ReadOpenFiles();
  std::vector<Bound> bounds = {
      {"targets", counters.target_count, counters.target_limit},
      {"stacks_kept", stacks.kept_size, static_cast<int64_t>(StackCollector::kKeptMax)},
      {"stack_cache", stacks.cache_size, static_cast<int64_t>(StackCollector::kCacheMax)},
      {"threads", counters.slot_count + counters.retiring_slot_count, counters.slot_limit},
      {"histogram_pages", static_cast<int64_t>(PagePool(parts_.collector->view().histogram_pool).in_use_count()), PagePool::kPages},
      {"rules", counters.rule_count, counters.rule_limit},
      {"sessions", counters.session_count, counters.session_limit},
      {"target_holders", counters.holder_count, counters.holder_limit},
      {"ended_targets", counters.ended_target_count, static_cast<int64_t>(TargetRegistry::kEndedMax)},
      {"threshold_leases", counters.lease_count, counters.lease_limit},
      {"spike_history", Kept(parts_.spikes->ended()), static_cast<int64_t>(parts_.spikes->ended().capacity())},
      {"spikes_going_on", Kept(parts_.spikes->ring(SpikeRing::kGoingOn)),
       static_cast<int64_t>(parts_.spikes->ring(SpikeRing::kGoingOn).capacity())},
      {"spikes_held_up", Kept(parts_.spikes->ring(SpikeRing::kHeldUp)),
       static_cast<int64_t>(parts_.spikes->ring(SpikeRing::kHeldUp).capacity())},
      {"switch_history", Kept(*parts_.switch_events), static_cast<int64_t>(parts_.switch_events->capacity())},
      {"process_names", static_cast<int64_t>(parts_.names->size()), static_cast<int64_t>(ProcessNames::kNamesMax)},
      {"namespace_numbers", static_cast<int64_t>(parts_.names->numbers_size()), static_cast<int64_t>(NamespaceNumberBook::kThreadsMax)},
      {"counter_history", static_cast<int64_t>(parts_.counter_history->bytes()), static_cast<int64_t>(parts_.counter_history->bytes_max())},
      CounterThreadsBound(parts_.collector->view()),
      {"access_samplings", static_cast<int64_t>(parts_.accesses->run_count()), static_cast<int64_t>(HostAccessSampling::kRunsMax)},
      parts_.counter_sampling->bound(),
      {"open_files", files.used, files.limit},
  };
  if (!parts_.service_bounds) return bounds;
  for (Bound& bound : parts_.service_bounds()) bounds.push_back(std::move(bound));
  return bounds;
}

DaemonStatus StatusReader::Status() const {
  DaemonStatus status;
  status.pid = getpid();
  status.uptime_ns = parts_.clock->NowNs() - started_mono_ns_;
  status.version = HFTMON_VERSION;
  if (absl::StatusOr<ProcessUsage> usage = ReadProcessUsage(FileRoot()); usage.ok()) {
    status.rss_bytes = usage->rss_bytes;
    status.cpu_time_ns = usage->cpu_time_ns;
    status.thread_count = usage->thread_count;
  }
  status.bpf_map_bytes = parts_.collector->MapBytes() + parts_.tasks->MapBytes();
  status.lost_records = lost_records();
  for (const ProbeFigures& probe : parts_.collector->Probes()) {
    status.probes.push_back({probe.name, probe.attach_point, probe.run_count, probe.mean_ns, probe.recursion_misses,
                             probe.instruction_count, probe.detached, ""});
  }
  for (const MissingProgram& missing : parts_.collector->missing_programs()) {
    ProbeStatus probe;
    probe.name = missing.name;
    probe.attach_point = missing.attach_point;
    probe.left_out_reason = missing.reason;
    status.probes.push_back(std::move(probe));
  }
  status.drops = Drops(status.probes);
  status.bounds = Bounds();
  status.loop = Loop();
  status.operation = parts_.operation->Describe();
  status.config = parts_.config->status();
  const TscClock::State clock = parts_.clock->state();
  status.clock.source = clock.source;
  status.clock.reason = clock.reason;
  status.clock.tsc_hz = clock.tsc_hz;
  status.clock.error_ns = clock.error_ns;
  parts_.time->FillStatus(&status.clock);
  return status;
}

}  // namespace hftmon
