#include "daemon/control/target_registry.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "daemon/control/limit_reached.h"

namespace hftmon {
namespace {

absl::Status CheckPidList(std::span<const int32_t> pids, size_t limit) {
  if (pids.empty()) return absl::InvalidArgumentError("no process is named: give at least one process id");
  if (pids.size() > limit) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d process ids in one call, at most %d are accepted: split the call", pids.size(), limit));
  }
  std::set<int32_t> seen;
  for (const int32_t pid : pids) {
    if (pid < 1) return absl::InvalidArgumentError(absl::StrFormat("%d is no process id: ids begin at 1", pid));
    if (!seen.insert(pid).second) {
      return absl::InvalidArgumentError(absl::StrFormat("process %d is named twice: name each process once", pid));
    }
  }
  return absl::OkStatus();
}

uint32_t StackFlags(const TargetOptions& options) {
  return (options.kernel_stacks ? HFT_STACK_KERNEL : 0) | (options.user_stacks ? HFT_STACK_USER : 0);
}

absl::Status NotATarget(int32_t pid) {
  return absl::NotFoundError(
      absl::StrFormat("process %d is no target: \"hftmon targets\" lists them, \"hftmon attach %d\" adds it", pid, pid));
}

}  // namespace

TargetRegistry::TargetRegistry(const KernelView& view, TaskSource* tasks, SlotStack* stack, const MonotonicClock* clock,
                               const Config& config, ThresholdObserver observer)
    : clock_(clock),
      controls_(view.controls),
      thresholds_(ThresholdArbiter::Create(view.controls, clock, config.defaults, std::move(observer))),
      config_(config),
      watcher_(view, tasks, stack) {
  ApplySettings();
}

TargetRegistry::~TargetRegistry() {
  thresholds_->Close();
}

absl::StatusOr<std::vector<TargetInfo>> TargetRegistry::Attach(std::span<const int32_t> pids, const TargetOptions& options) {
  if (absl::Status status = CheckPidList(pids, kPidsMax); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (absl::Status status = ValidateTargetOptions(options, config_.defaults); !status.ok()) return status;
  const int64_t now_ns = clock_->NowNs();
  absl::StatusOr<std::vector<ProcessInfo>> processes = FindProcesses(pids);
  if (!processes.ok()) return processes.status();
  for (const ProcessInfo& process : *processes) {
    // A target under the same number that is another process: its end was not noticed yet.
    const auto target = targets_.find(process.tgid);
    if (target != targets_.end() && !IsCurrent(process)) End(target, now_ns);
  }
  if (absl::Status status = CheckRoom(*processes); !status.ok()) return status;
  if (options.follow_children) {
    // Before the first bit, or a child born in between would be missed. ApplySettings corrects it when the attach fails.
    std::atomic_ref<__u32>(controls_->follow_children).store(1, std::memory_order_relaxed);
  }
  absl::Status status = StartWatching(*processes, now_ns);
  if (status.ok()) {
    const TargetOptions resolved = ResolveTargetOptions(options, config_.defaults);
    for (const ProcessInfo& process : *processes) {
      Enlist(process, resolved, now_ns);
      Target& target = targets_.at(process.tgid);
      target.spike_threshold.Add(options.spike_threshold_ns);
      target.sampling_interval.Add(options.sampling_interval_ns);
    }
  }
  ApplySettings();
  if (!status.ok()) return status;
  std::vector<TargetInfo> attached;
  for (const int32_t pid : pids) attached.push_back(Describe(targets_.at(static_cast<uint32_t>(pid))));
  return attached;
}

absl::StatusOr<std::vector<ProcessInfo>> TargetRegistry::FindProcesses(std::span<const int32_t> pids) const {
  std::vector<ProcessInfo> processes;
  for (const int32_t pid : pids) {
    absl::StatusOr<ProcessInfo> process = FindProcess(pid);
    if (!process.ok()) return process.status();
    processes.push_back(*std::move(process));
  }
  return processes;
}

absl::StatusOr<ProcessInfo> TargetRegistry::FindProcess(int32_t pid) const {
  const uint32_t tgid = static_cast<uint32_t>(pid);
  if (tgid == config_.own_pid) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "process %d is hftmond itself, which cannot watch itself without feeding on its own events: see its cost with \"hftmon status\"",
        pid));
  }
  absl::StatusOr<ProcessInfo> process = watcher_.Find(tgid);
  if (!process.ok()) return process.status();
  if (process->kernel_thread) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%d (%s) is a kernel thread: only processes can be watched; as an actor in spikes it is seen anyway", pid, process->comm));
  }
  if (!watcher_.Covers(tgid)) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "process %d is above the thread table, which covers ids below %d (kernel.pid_max when hftmond started): restart hftmond", pid,
        watcher_.slots().tid_limit()));
  }
  return process;
}

bool TargetRegistry::IsCurrent(const ProcessInfo& process) const {
  const auto target = targets_.find(process.tgid);
  if (target == targets_.end()) return false;
  const TargetInfo& info = target->second.info;
  // Another start is the same process still when its leader is gone and an older thread stands for it.
  return info.start_boottime_ns == process.start_boottime_ns || watcher_.IsAlive(ProcessOf(info));
}

absl::Status TargetRegistry::CheckRoom(const std::vector<ProcessInfo>& processes) const {
  const auto added = std::count_if(processes.begin(), processes.end(), [this](const ProcessInfo& process) { return !IsCurrent(process); });
  if (targets_.size() + static_cast<size_t>(added) <= config_.targets_max) return absl::OkStatus();
  return LimitReached(
      absl::StrFormat("%d targets and %d more are above the limit of %d: detach some", targets_.size(), added, config_.targets_max),
      "targets_max", config_.targets_max);
}

absl::Status TargetRegistry::StartWatching(const std::vector<ProcessInfo>& processes, int64_t now_ns) {
  std::vector<uint32_t> started;
  for (const ProcessInfo& process : processes) {
    const auto target = targets_.find(process.tgid);
    if (target != targets_.end() && target->second.info.state == TargetState::kRunning) continue;
    // A paused target's old slots end here; it gets new ones. What they counted before the pause may not be in a window yet: the sampler
    // reads them at its next edge.
    const int64_t grace_ns = std::max(SlotTable::kGraceNs, 2 * thresholds_->settings().sampling_interval_ns);
    watcher_.slots().RetireProcess(process.tgid, now_ns, grace_ns);
    absl::Status status = watcher_.Watch(process, now_ns);
    if (!status.ok()) {
      for (const uint32_t tgid : started) watcher_.Unwatch(tgid, now_ns);
      return status;
    }
    started.push_back(process.tgid);
  }
  return absl::OkStatus();
}

void TargetRegistry::Enlist(const ProcessInfo& process, const TargetOptions& options, int64_t now_ns) {
  const auto [target, is_new] = targets_.try_emplace(process.tgid);
  TargetInfo& info = target->second.info;
  info.state = TargetState::kRunning;
  info.parent_pid = 0;
  if (!is_new) {
    info.options = UniteTargetOptions(info.options, options);
    return;
  }
  info.pid = process.tgid;
  info.start_boottime_ns = process.start_boottime_ns;
  info.comm = process.comm;
  info.options = options;
  info.attached_mono_ns = now_ns;
}

absl::StatusOr<std::vector<int32_t>> TargetRegistry::Detach(std::span<const int32_t> pids, bool all) {
  if (all && !pids.empty()) return absl::InvalidArgumentError("both all and process ids are given: give one of them");
  std::lock_guard lock(mutex_);
  if (!all) {
    if (absl::Status status = CheckPidList(pids, config_.targets_max + kEndedMax); !status.ok()) return status;
  }
  const int64_t now_ns = clock_->NowNs();
  std::set<uint32_t> leaving;
  if (all) {
    for (const auto& [pid, target] : targets_) leaving.insert(pid);
    for (const TargetInfo& info : ended_) leaving.insert(info.pid);
  }
  for (const int32_t pid : pids) {
    const uint32_t tgid = static_cast<uint32_t>(pid);
    const bool known =
        targets_.contains(tgid) || std::any_of(ended_.begin(), ended_.end(), [tgid](const auto& info) { return info.pid == tgid; });
    if (!known) return NotATarget(pid);
    leaving.insert(tgid);
  }
  for (const uint32_t tgid : leaving) {
    if (targets_.erase(tgid) > 0) watcher_.Unwatch(tgid, now_ns);
  }
  std::erase_if(ended_, [&leaving](const TargetInfo& info) { return leaving.contains(info.pid); });
  ApplySettings();
  return std::vector<int32_t>(leaving.begin(), leaving.end());
}

std::vector<TargetInfo> TargetRegistry::List() const {
  std::lock_guard lock(mutex_);
  std::vector<TargetInfo> list;
  list.reserve(targets_.size() + ended_.size());
  for (const auto& [pid, target] : targets_) list.push_back(Describe(target));
  list.insert(list.end(), ended_.begin(), ended_.end());
  return list;
}

absl::StatusOr<TargetInfo> TargetRegistry::Update(int32_t pid, const TargetUpdate& update) {
  std::lock_guard lock(mutex_);
  if (absl::Status status = ValidateTargetUpdate(update, config_.defaults); !status.ok()) return status;
  const int64_t now_ns = clock_->NowNs();
  const auto target = targets_.find(static_cast<uint32_t>(pid));
  if (target == targets_.end()) {
    const bool ended =
        std::any_of(ended_.begin(), ended_.end(), [pid](const TargetInfo& info) { return info.pid == static_cast<uint32_t>(pid); });
    if (!ended) return NotATarget(pid);
    return absl::FailedPreconditionError(
        absl::StrFormat("process %d has ended, its options cannot change: its history is still answered until it is detached", pid));
  }
  if (update.state.has_value()) {
    if (absl::Status status = SetState(target, *update.state, now_ns); !status.ok()) return status;
  }
  TargetOptions& options = target->second.info.options;
  options.spike_threshold_ns = update.spike_threshold_ns.value_or(options.spike_threshold_ns);
  options.blocked_threshold_ns = update.blocked_threshold_ns.value_or(options.blocked_threshold_ns);
  options.sampling_interval_ns = update.sampling_interval_ns.value_or(options.sampling_interval_ns);
  options.follow_children = update.follow_children.value_or(options.follow_children);
  options.kernel_stacks = update.kernel_stacks.value_or(options.kernel_stacks);
  options.user_stacks = update.user_stacks.value_or(options.user_stacks);
  options = ResolveTargetOptions(options, config_.defaults);
  if (update.spike_threshold_ns) (target->second.spike_threshold = {}).Add(*update.spike_threshold_ns);
  if (update.sampling_interval_ns) (target->second.sampling_interval = {}).Add(*update.sampling_interval_ns);
  ApplySettings();
  return Describe(target->second);
}

absl::Status TargetRegistry::SetState(TargetMap::iterator target, TargetState state, int64_t now_ns) {
  TargetInfo& info = target->second.info;
  if (state == info.state) return absl::OkStatus();
  if (state == TargetState::kPaused) {
    watcher_.Suspend(info.pid);
    info.state = state;
    return absl::OkStatus();
  }
  const ProcessInfo process = ProcessOf(info);
  if (!watcher_.IsAlive(process)) {
    absl::Status ended =
        absl::NotFoundError(absl::StrFormat("process %d (%s) ended while it was paused: attach its successor", info.pid, info.comm));
    End(target, now_ns);
    ApplySettings();
    return ended;
  }
  absl::Status status = StartWatching({process}, now_ns);
  if (status.ok()) info.state = state;
  return status;
}

absl::StatusOr<std::unique_ptr<ThresholdLease>> TargetRegistry::LeaseThresholds(int64_t spike_threshold_ns, int64_t blocked_threshold_ns) {
  return thresholds_->Lease(spike_threshold_ns, blocked_threshold_ns);
}

Targets::Floors TargetRegistry::FloorsSince(int64_t since_mono_ns) const {
  return thresholds_->FloorsSince(since_mono_ns);
}

int64_t TargetRegistry::default_spike_threshold_ns() const {
  std::lock_guard lock(mutex_);
  return config_.defaults.spike_threshold_ns;
}

void TargetRegistry::SetDefaults(const TargetDefaults& defaults) {
  std::lock_guard lock(mutex_);
  config_.defaults = defaults;
  for (auto& [pid, target] : targets_) {
    target.info.options.spike_threshold_ns = target.spike_threshold.Resolve(defaults.spike_threshold_ns);
    target.info.options.sampling_interval_ns = target.sampling_interval.Resolve(defaults.sampling_interval_ns);
  }
  thresholds_->SetDefaults(defaults);
  ApplySettings();
}

void TargetRegistry::SetLimits(uint32_t targets_max, int64_t leases_max) {
  std::lock_guard lock(mutex_);
  config_.targets_max = targets_max;
  thresholds_->SetLeasesMax(leases_max);
}

void TargetRegistry::ApplySettings() {
  ThresholdSettings minimum{.run_queue_threshold_ns = kNoThresholdNs, .sampling_interval_ns = kNoThresholdNs};
  bool follow = false;
  bool stacks = false;
  for (const auto& [pid, target] : targets_) {
    watcher_.slots().SetStacks(pid, StackFlags(target.info.options));
    if (target.info.state != TargetState::kRunning) continue;
    const TargetOptions& options = target.info.options;
    minimum.run_queue_threshold_ns = std::min(minimum.run_queue_threshold_ns, options.spike_threshold_ns);
    minimum.run_queue_levels_ns.push_back(options.spike_threshold_ns);
    minimum.sampling_interval_ns = std::min(minimum.sampling_interval_ns, options.sampling_interval_ns);
    if (options.blocked_threshold_ns != 0)
      minimum.blocked_threshold_ns = std::min(minimum.blocked_threshold_ns, options.blocked_threshold_ns);
    follow = follow || options.follow_children;
    stacks = stacks || StackFlags(options) != 0;
  }
  if (minimum.run_queue_threshold_ns == kNoThresholdNs) {
    minimum.run_queue_threshold_ns = config_.defaults.spike_threshold_ns;
    minimum.run_queue_levels_ns = {config_.defaults.spike_threshold_ns};
    minimum.sampling_interval_ns = config_.defaults.sampling_interval_ns;
  }
  thresholds_->SetTargets(minimum);
  if (config_.on_stacks_wanted) config_.on_stacks_wanted(stacks);
  // One switch for all targets: children of those that do not want it are let go when their FORK event comes.
  std::atomic_ref<__u32>(controls_->follow_children).store(follow ? 1 : 0, std::memory_order_relaxed);
}

TargetInfo TargetRegistry::Describe(const Target& target) const {
  TargetInfo info = target.info;
  info.thread_count = watcher_.slots().HeldCount(info.pid);
  info.sampling_interval_ns = thresholds_->settings().sampling_interval_ns;
  return info;
}

ProcessInfo TargetRegistry::ProcessOf(const TargetInfo& info) {
  return {.tgid = info.pid, .start_boottime_ns = info.start_boottime_ns, .comm = info.comm};
}

TargetRegistry::Counters TargetRegistry::counters() const {
  std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.target_count = static_cast<int64_t>(targets_.size());
  counters.ended_target_count = static_cast<int64_t>(ended_.size());
  counters.slot_count = watcher_.slots().held_total();
  counters.retiring_slot_count = watcher_.slots().retiring_total();
  counters.slot_limit = static_cast<int64_t>(watcher_.slots().slot_count()) - 1;
  counters.lease_count = static_cast<int64_t>(thresholds_->lease_count());
  counters.lease_limit = thresholds_->leases_max();
  counters.target_limit = config_.targets_max;
  counters.stray_slot_count = watcher_.slots().stray_count();
  counters.orphan_slot_count = watcher_.orphan_count();
  counters.slot_push_failure_count = watcher_.slots().push_failure_count();
  return counters;
}

}  // namespace hftmon
