#include "daemon/control/target_registry.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/counted.h"
#include "daemon/control/limit_reached.h"

namespace hftmon {
namespace {

absl::Status CheckWishedLists(std::span<const int32_t> pids, size_t limit, std::span<const RuleSelector> selectors) {
  if (pids.empty() && selectors.empty()) {
    return absl::InvalidArgumentError("no process is named: give at least one process id, or a name, cgroup, unit or CPUs");
  }
  if (selectors.size() > TargetRegistry::kSelectorsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d rules in one call, at most %d are accepted: split the call", selectors.size(), TargetRegistry::kSelectorsMax));
  }
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

hft_wishes WishesOf(const TargetInfo& target) {
  const bool user_stacks = target.options.user_stacks && !target.kernel_thread;  // which has none, and makes no calls
  return {.probes = (target.options.kernel_stacks ? HFT_STACK_KERNEL : 0) | (user_stacks ? HFT_STACK_USER : 0) |
                    (HasProbeGroup(target.options, kLocksGroup) && !target.kernel_thread ? HFT_CALLS : 0) |
                    (HasProbeGroup(target.options, kMemoryGroup) ? HFT_MEMORY : 0) |
                    (HasProbeGroup(target.options, kKernelLocksGroup) ? HFT_KERNEL_LOCKS : 0) |
                    (HasProbeGroup(target.options, kNetworkGroup) ? HFT_NETWORK : 0) |
                    (HasProbeGroup(target.options, kReturnsGroup) ? HFT_RETURNS : 0) |
                    (target.options.blocked_threshold_ns != 0 ? HFT_BLOCKED : 0) | (Counts(target.options) ? HFT_COUNTING : 0),
          .waker = target.options.waker ? 1u : 0u};
}

// What an update asks for itself, and what a target asks for that is resumed: while it was paused nobody may have wanted it.
ProgramDemand DemandOf(const TargetUpdate& update, const TargetOptions& updated) {
  if (update.state == TargetState::kRunning) return ProgramDemand::Of(updated);
  TargetOptions asked;
  asked.waker = update.waker.value_or(false);
  if (update.probe_groups) asked.probe_groups = *update.probe_groups;
  if (update.counters()) {
    asked.cache = updated.cache;
    asked.counter_events = updated.counter_events;
    asked.counter_interval_ns = updated.counter_interval_ns;
  }
  return ProgramDemand::Of(asked);
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
      tasks_(tasks),
      thresholds_(ThresholdArbiter::Create(view, clock, config.defaults, std::move(observer))),
      config_(config),
      watcher_(view, tasks, stack, config.earlier_sleeps),
      rules_(view) {
  ApplySettings();
}

TargetRegistry::~TargetRegistry() {
  thresholds_->Close();
}

absl::StatusOr<AttachResult> TargetRegistry::Attach(const AttachWish& wish) {
  if (absl::Status status = CheckWishedLists(wish.pids, kPidsMax, wish.selectors); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (absl::Status status = ValidateTargetOptions(wish.options, config_.defaults); !status.ok()) return status;
  const int64_t now_ns = clock_->NowNs();
  if (absl::Status status = CheckSession(wish.session_id); !status.ok()) return status;
  if (absl::Status status = CheckCounters(wish.options); !status.ok()) return status;
  for (size_t i = 0; i < wish.selectors.size(); ++i) {
    if (absl::Status status = rules_.CheckRoom(wish.selectors[i], wish.session_id, i, limits_); !status.ok()) return status;
  }
  absl::Status status = wish.pids.empty() ? CheckHolders(wish) : AttachPids(wish, now_ns);
  if (status.ok() && wish.pids.empty()) status = AttachDemanded(ProgramDemand::Of(wish.options));
  ApplySettings();
  if (!status.ok()) return status;
  AttachResult result;
  for (const int32_t pid : wish.pids) result.targets.push_back(Describe(targets_.at(static_cast<uint32_t>(pid))));
  AttachRules(wish, now_ns);
  ApplySettings();
  for (TargetInfo& info : result.targets) {
    // The rules may hold it too, or have found out that it ended.
    if (const auto target = targets_.find(info.pid); target != targets_.end()) info = Describe(target->second);
  }
  for (const RuleSelector& selector : wish.selectors) result.rules.push_back(DescribeRule(*rules_.Find(selector)));
  return result;
}

absl::Status TargetRegistry::AttachPids(const AttachWish& wish, int64_t now_ns) {
  absl::StatusOr<std::vector<ProcessInfo>> processes = FindProcesses(wish.pids);
  if (!processes.ok()) return processes.status();
  for (const ProcessInfo& process : *processes) {
    // A target under the same number that is another process: its end was not noticed yet.
    const auto target = targets_.find(process.tgid);
    if (target != targets_.end() && !IsCurrent(process)) End(target, now_ns);
  }
  if (absl::Status status = CheckRoom(*processes); !status.ok()) return status;
  if (absl::Status status = CheckHolders(wish); !status.ok()) return status;
  if (absl::Status status = AttachDemanded(ProgramDemand::Of(wish.options)); !status.ok()) return status;
  FollowChildrenNow(wish.options);
  if (absl::Status status = StartWatching(*processes, now_ns); !status.ok()) return status;
  const TargetParts part = {{PartKey{.session = wish.session_id}, PartOptions(wish.options, config_.defaults)}};
  for (const ProcessInfo& process : *processes) {
    Target& target = Enlist(process, part, now_ns);
    target.info.state = TargetState::kRunning;
    target.info.parent_pid = 0;
  }
  return absl::OkStatus();
}

absl::Status TargetRegistry::AttachDemanded(const ProgramDemand& demand) const {
  return demand.any() && config_.attach_demanded ? config_.attach_demanded(demand) : absl::OkStatus();
}

// Before the first bit, or a child born in between would be missed. ApplySettings corrects it when the attach fails.
void TargetRegistry::FollowChildrenNow(const TargetOptions& options) {
  if (options.follow_children) std::atomic_ref<__u32>(controls_->follow_children).store(1, std::memory_order_relaxed);
}

// Whether the targets that are there have room for the parts that the wish adds to them at once.
absl::Status TargetRegistry::CheckHolders(const AttachWish& wish) const {
  for (const auto& [pid, target] : targets_) {
    const TargetParts& parts = target.parts;
    const bool named = std::find(wish.pids.begin(), wish.pids.end(), static_cast<int32_t>(pid)) != wish.pids.end();
    size_t added = named && !parts.contains({.session = wish.session_id}) ? 1 : 0;
    for (const RuleSelector& selector : wish.selectors) {
      const TargetRule* rule = rules_.Find(selector);
      if (rule == nullptr || !IsHeldBy(*rule, pid)) continue;
      if (!parts.contains({.session = wish.session_id, .rule = rule->id})) ++added;
    }
    if (added == 0 || parts.size() + added <= limits_.target_holders_max) continue;
    return LimitReached(absl::StrFormat("process %d (%s) is held %s: close some of the clients that watch it", pid, target.info.comm,
                                        Counted(parts.size(), "time")),
                        "target_holders_max", static_cast<int64_t>(limits_.target_holders_max));
  }
  return absl::OkStatus();
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
  if (!process.ok()) return WithWhatProcShows(process.status(), tgid);
  if (process->kernel_thread) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d (%s) is a kernel thread: by their numbers only processes can be watched: `hftmon attach --cpus LIST` watches "
                        "whoever runs on these CPUs, kernel threads too; in the spikes of others it is named anyway",
                        pid, process->comm));
  }
  if (!watcher_.Covers(tgid)) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "process %d is above the thread table, which covers ids below %d (kernel.pid_max when hftmond started): restart hftmond", pid,
        watcher_.slots().tid_limit()));
  }
  return process;
}

// A process that /proc has and the kernel's list of tasks has not is no typing error.
absl::Status TargetRegistry::WithWhatProcShows(const absl::Status& status, uint32_t pid) const {
  const std::string command = absl::IsNotFound(status) && config_.facts != nullptr ? config_.facts->CommandOf(pid) : "";
  if (command.empty()) return status;
  return absl::NotFoundError(absl::StrFormat(
      "process %d (%s) is in hftmond's /proc, but not among the tasks that the kernel shows to BPF programs: it cannot be watched. Either "
      "the number is of a container (run hftmond in the host's pid namespace and give the host's number), or this host hides the process",
      pid, command));
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
  return LimitReached(absl::StrFormat("%s and %d more are above the limit of %d: detach some", Counted(targets_.size(), "target"), added,
                                      config_.targets_max),
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

TargetRegistry::Target& TargetRegistry::Enlist(const ProcessInfo& process, const TargetParts& parts, int64_t now_ns) {
  const auto [target, is_new] = targets_.try_emplace(process.tgid);
  TargetInfo& info = target->second.info;
  if (is_new) {
    info.pid = process.tgid;
    info.start_boottime_ns = process.start_boottime_ns;
    info.comm = process.comm;
    info.attached_mono_ns = now_ns;
    info.kernel_thread = process.kernel_thread;
    if (config_.facts != nullptr && !process.kernel_thread) info.pid_levels = config_.facts->LevelsOf(process.tgid);
  }
  for (const auto& [key, options] : parts) AddPart(key, options, &target->second.parts);
  info.options = UnionOf(target->second.parts);
  return target->second;
}

absl::Status TargetRegistry::CheckDetach(const DetachWish& wish) const {
  if (!wish.all) return CheckWishedLists(wish.pids, config_.targets_max + kEndedMax, wish.selectors);
  if (wish.pids.empty() && wish.selectors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("both all and process ids or rules are given: give one of them");
}

std::optional<std::vector<TargetInfo>> TargetRegistry::TryList() const {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  return ListLocked();
}

std::vector<TargetInfo> TargetRegistry::List() const {
  std::lock_guard lock(mutex_);
  return ListLocked();
}

std::vector<TargetInfo> TargetRegistry::ListLocked() const {
  std::vector<TargetInfo> list;
  list.reserve(targets_.size() + ended_.size());
  for (const auto& [pid, target] : targets_) list.push_back(Describe(target));
  for (const EndedTarget& ended : ended_) list.push_back(ended.info);
  return list;
}

absl::StatusOr<TargetInfo> TargetRegistry::Update(int32_t pid, const TargetUpdate& update) {
  std::lock_guard lock(mutex_);
  if (absl::Status status = ValidateTargetUpdate(update, config_.defaults); !status.ok()) return status;
  const int64_t now_ns = clock_->NowNs();
  const auto target = targets_.find(static_cast<uint32_t>(pid));
  if (target == targets_.end()) {
    if (!IsEnded(static_cast<uint32_t>(pid))) return NotATarget(pid);
    return absl::FailedPreconditionError(
        absl::StrFormat("process %d has ended, its options cannot change: its history is still answered until it is detached", pid));
  }
  TargetParts parts = target->second.parts;
  for (auto& [key, options] : parts) options.Update(update, config_.defaults);
  const TargetOptions updated = UnionOf(parts);
  absl::Status status = CheckCounterUpdate(target->second, update, updated);
  if (!status.ok()) return status;
  // Before anything is attached for it: a process that ended while it was paused is found so.
  const bool resumes = update.state == TargetState::kRunning && target->second.info.state == TargetState::kPaused;
  if (resumes && !watcher_.IsAlive(ProcessOf(target->second.info))) return SetState(target, *update.state, now_ns);
  if (update.counters()) WithoutCountersOf(target->first);
  status = AttachDemanded(DemandOf(update, updated));
  if (status.ok() && update.state.has_value()) status = SetState(target, *update.state, now_ns);
  if (!status.ok()) {
    ApplySettings();  // what was wanted before, and no more
    return status;
  }
  target->second.parts = std::move(parts);
  target->second.info.options = updated;
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
    for (auto& [key, options] : target.parts) options.SetDefaults(defaults);
    target.info.options = UnionOf(target.parts);
  }
  for (EndedTarget& ended : ended_) {
    for (auto& [key, options] : ended.parts) options.SetDefaults(defaults);
  }
  for (auto& [id, rule] : rules_.rules()) {
    for (auto& [session, options] : rule.holders) options.SetDefaults(defaults);
  }
  thresholds_->SetDefaults(defaults);
  ApplySettings();
}

void TargetRegistry::SetLimits(uint32_t targets_max, int64_t leases_max) {
  std::lock_guard lock(mutex_);
  config_.targets_max = targets_max;
  thresholds_->SetLeasesMax(leases_max);
}

void TargetRegistry::SetHoldingLimits(const HoldingLimits& limits) {
  std::lock_guard lock(mutex_);
  limits_ = limits;
}

namespace {

void NoteGroups(int64_t now_ns, TargetInfo* info) {
  std::erase_if(info->probes_since_mono_ns, [info](const auto& group) { return !HasProbeGroup(info->options, group.first); });
  for (const std::string& group : info->options.probe_groups) info->probes_since_mono_ns.try_emplace(group, now_ns);
}

}  // namespace

// What is demanded by all but for the counters of that target, which are about to be others.
void TargetRegistry::WithoutCountersOf(uint32_t pid) const {
  if (!config_.on_demand) return;
  ProgramDemand demand = rules_.Demand();
  for (const auto& [other, target] : targets_) {
    if (target.info.state != TargetState::kRunning) continue;
    ProgramDemand theirs = ProgramDemand::Of(target.info.options);
    if (other == pid) theirs.counters = {};
    demand |= theirs;
  }
  config_.on_demand(demand);
}

void TargetRegistry::ApplySettings() {
  ThresholdSettings minimum{.run_queue_threshold_ns = kNoThresholdNs, .sampling_interval_ns = kNoThresholdNs};
  bool follow = false;
  bool stacks = false;
  // A rule's processes may begin in quiet mode: what they ask for is there as long as the rule.
  ProgramDemand demand = rules_.Demand();
  for (auto& [pid, target] : targets_) {
    const hft_wishes wishes = WishesOf(target.info);
    watcher_.slots().SetWishes(pid, wishes);
    NoteGroups(clock_->NowNs(), &target.info);
    if (target.info.state != TargetState::kRunning) continue;
    const TargetOptions& options = target.info.options;
    minimum.run_queue_threshold_ns = std::min(minimum.run_queue_threshold_ns, options.spike_threshold_ns);
    minimum.run_queue_levels_ns.push_back(options.spike_threshold_ns);
    minimum.sampling_interval_ns = std::min(minimum.sampling_interval_ns, options.sampling_interval_ns);
    if (options.blocked_threshold_ns != 0) {
      minimum.blocked_threshold_ns = std::min(minimum.blocked_threshold_ns, options.blocked_threshold_ns);
      minimum.blocked_levels_ns.push_back(options.blocked_threshold_ns);
    }
    follow = follow || options.follow_children;
    minimum.held_up.kernel_stalls |= (wishes.probes & (HFT_MEMORY | HFT_KERNEL_LOCKS)) != 0;
    stacks = stacks || (wishes.probes & (HFT_STACK_KERNEL | HFT_STACK_USER)) != 0;
    demand |= ProgramDemand::Of(options);
  }
  if (minimum.run_queue_threshold_ns == kNoThresholdNs) {
    minimum.run_queue_threshold_ns = config_.defaults.spike_threshold_ns;
    minimum.run_queue_levels_ns = {config_.defaults.spike_threshold_ns};
    minimum.sampling_interval_ns = config_.defaults.sampling_interval_ns;
  }
  thresholds_->SetTargets(minimum);
  watcher_.slots().SetSamplingIntervalNs(thresholds_->settings().sampling_interval_ns);
  if (config_.on_stacks_wanted) config_.on_stacks_wanted(stacks);
  if (config_.on_demand) config_.on_demand(demand);
  // One switch for all targets: children of those that do not want it are let go when their FORK event comes.
  std::atomic_ref<__u32>(controls_->follow_children).store(follow ? 1 : 0, std::memory_order_relaxed);
}

TargetInfo TargetRegistry::Describe(const Target& target) const {
  TargetInfo info = target.info;
  info.thread_count = watcher_.slots().HeldCount(info.pid);
  info.sampling_interval_ns = thresholds_->settings().sampling_interval_ns;
  info.holders = HoldersOf(target.parts);
  info.spike_cpus = SpikeCpusOf(target.parts);
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
  counters.session_count = static_cast<int64_t>(sessions_.size());
  counters.session_limit = static_cast<int64_t>(limits_.sessions_max);
  counters.rule_count = static_cast<int64_t>(rules_.rules().size());
  counters.rule_limit = static_cast<int64_t>(limits_.rules_max);
  counters.holder_count = static_cast<int64_t>(HoldersMost());
  counters.holder_limit = static_cast<int64_t>(limits_.target_holders_max);
  counters.lease_count = static_cast<int64_t>(thresholds_->lease_count());
  counters.lease_limit = thresholds_->leases_max();
  counters.target_limit = config_.targets_max;
  counters.stray_slot_count = watcher_.slots().stray_count();
  counters.orphan_slot_count = watcher_.orphan_count();
  counters.slot_push_failure_count = watcher_.slots().push_failure_count();
  return counters;
}

}  // namespace hftmon
