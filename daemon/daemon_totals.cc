// The part of the composition root that tells what threads had of calls, faults, locks and packets, what CPUs do, and what names of it
// stand in /proc.
#include "absl/strings/str_cat.h"
#include "daemon/daemon.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/numa_balancing.h"
#include "daemon/os/proc_maps.h"
#include "daemon/os/thread_scheduling.h"

namespace hftmon {

void Daemon::BuildTotals() {
  const auto high_water = [this] { return loop_->sampler().high_water(); };
  const KernelView& view = collector_->view();
  totals_ = std::make_unique<SlotTotals>(view, high_water, earlier_sleeps_.get());
  scheduling_ = std::make_unique<SchedulingBook>(view.slots, high_water, &files_, &scheduling_queries_, clock_.get());
  call_totals_ = std::make_unique<SharedCallTotals>(view, high_water, collector_->has_registers());
  fault_totals_ = std::make_unique<SharedFaultTotals>(view, high_water, collector_->memory_programs().refusal(),
                                                      collector_->memory_programs().missing());
  kernel_lock_totals_ = std::make_unique<SharedKernelLockTotals>(view, high_water, collector_->kernel_lock_programs().refusal());
  timer_returns_ = std::make_unique<SharedTimerReturns>(
      view, [this] { return collector_->return_programs().attached(); }, collector_->return_programs().refusal());
  interrupt_totals_ = std::make_unique<SharedInterruptTotals>(view, high_water);
  BuildHardware();
  BuildDeferred();
  BuildCounters();
  SharedNetworkTotals::Parts network;
  network.view = view;
  network.high_water = high_water;
  network.collecting = [this] { return collector_->network_programs().attached(); };
  network.refusal = collector_->network_programs().refusal();
  network.missing = collector_->network_programs().missing();
  network.reasons = DropReasons::Read(config_.btf_path);
  network.files = files_;
  network.own_namespace = OwnNetworkNamespace();
  network_totals_ = std::make_unique<SharedNetworkTotals>(std::move(network));
  BuildSampling();
  BuildAccesses();
  BuildCounterSampling();
  BuildNuma();
  BuildNumaMeasuring();
}

void Daemon::BuildSampling() {
  SharedStateSampling::Parts parts;
  parts.sampler = &loop_->states();
  parts.view = collector_->view();
  parts.online_cpus = [this] { return ReadOnlineCpus(files_).value_or(std::vector<int>()); };
  parts.shared = [this] {
    const Placement placement = cpus_->placement();
    HostFacts facts = placement.facts;
    facts.loop_cpu = placement.loop_cpu;
    facts.watched_pinned_here = IsWatchedThreadPinnedToLoop();
    return WhoSharesLoopCpu(facts, placement.usable_cpus);
  };
  parts.loop_cpu = [this] { return cpus_->placement().loop_cpu; };
  sampling_ = std::make_unique<SharedStateSampling>(std::move(parts));
}

void Daemon::AddLookups(ServiceCore* core) {
  sender_stacks_ = std::make_unique<KernelStackNames>([this](int32_t stack) { return collector_->SenderStack(stack); });
  core->sender_stacks = sender_stacks_.get();
  core->mappings = [this](uint32_t pid) { return ProcMaps::Read(files_, static_cast<pid_t>(pid)); };
  core->files = [this](uint32_t pid, uint32_t tid, int32_t descriptor) {
    return files_.ReadLink(absl::StrCat("/proc/", pid, "/task/", tid, "/fd/", descriptor));
  };
  core->counters = counter_totals_.get();
  core->counter_history = &counter_history_;
  core->boost_steps = &boosts_->steps();
  for (const MissingProgram& missing : collector_->missing_programs()) {
    if (missing.name == SwitchCollector::kBoostProgram) core->boosts_unavailable = missing.reason;
  }
  core->task_priorities = [this](uint32_t pid, uint32_t tid) { return ReadThreadStat(files_, pid, tid); };
  core->timer_returns = timer_returns_.get();
  core->scheduling = scheduling_.get();
  core->thread_states = thread_states_.get();
  core->run_queue_clocks = clock_pairs_.get();
  core->boottime_offset_ns = [this] { return ReadBoottimeOffset(raw_clocks_).offset_ns; };
  core->numa = [this] { return ReadNumaBalancing(files_); };
  core->numa_of_thread = [this](uint32_t pid, uint32_t tid) { return ReadNumaOfThread(files_, pid, tid); };
}

}  // namespace hftmon
