// TargetRegistry: rules: how processes are found by name, cgroup, unit or CPU, and lost again.
//
// Three ways to find one: its exec (the kernel's notice; one of a rule's name is watched by the exec hook itself, so that nothing is
// missed), a visit to a CPU of a rule, and a look at all processes every kLookIntervalNs, kLooksPerCall of them in a Maintain(). The look
// also loses those that were renamed or moved to another cgroup. A CPU's visitor stays until its rule ends.
#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "daemon/control/rule_candidate.h"
#include "daemon/control/target_registry.h"

namespace hftmon {
namespace {

ProcessInfo ProcessOf(const TaskInfo& leader) {
  return {.tgid = leader.tgid,
          .parent_tgid = leader.parent_tgid,
          .start_boottime_ns = leader.start_boottime_ns,
          .kernel_thread = leader.kernel_thread,
          .comm = leader.comm};
}

}  // namespace

// Answers when the processes that exist are found: at a rule's making the look is not spread.
void TargetRegistry::AttachRules(const AttachWish& wish, int64_t now_ns) {
  if (wish.selectors.empty()) return;
  bool look = false;
  for (const RuleSelector& selector : wish.selectors) {
    TargetOptions options = wish.options;
    // Who comes to a CPU is found there by itself.
    if (selector.kind == RuleSelector::Kind::kCpus) options.follow_children = false;
    const TargetRule& rule = *rules_.Hold(selector, wish.session_id, PartOptions(options, config_.defaults));
    look = look || !rule.by_cpu();
    for (auto& [pid, target] : targets_) {
      if (!IsHeldBy(rule, pid)) continue;
      AddPart({.session = wish.session_id, .rule = rule.id}, rule.holders.at(wish.session_id), &target.parts);
      target.info.options = UnionOf(target.parts);
    }
  }
  LookAtRunning(now_ns);
  if (!look) return;
  absl::StatusOr<std::vector<TaskInfo>> leaders = tasks_->Leaders();
  if (!leaders.ok()) {
    next_look_mono_ns_ = now_ns;  // the control thread tries again
    return;
  }
  size_t reads = std::numeric_limits<size_t>::max();
  for (const TaskInfo& leader : *leaders) {
    RuleCandidate candidate(hftmon::ProcessOf(leader), config_.facts, &reads);
    Consider(&candidate, now_ns);
  }
}

TargetParts TargetRegistry::PartsOf(const TargetRule& rule) {
  TargetParts parts;
  for (const auto& [session, options] : rule.holders) AddPart({.session = session, .rule = rule.id}, options, &parts);
  return parts;
}

bool TargetRegistry::IsHeldBy(const TargetRule& rule, uint32_t pid) const {
  const auto target = targets_.find(pid);
  if (target == targets_.end()) return false;
  return std::any_of(target->second.parts.begin(), target->second.parts.end(),
                     [&rule](const auto& part) { return part.first.rule == rule.id && !part.first.inherited; });
}

// Joins the rules that it matches now and leaves those that it matches no longer.
void TargetRegistry::Consider(RuleCandidate* candidate, int64_t now_ns) {
  const ProcessInfo& process = candidate->process();
  if (process.kernel_thread || process.tgid == config_.own_pid) return;
  for (auto& [id, rule] : rules_.rules()) {
    if (rule.by_cpu()) continue;
    const std::optional<bool> matches = candidate->Matches(rule.selector);
    if (!matches.has_value()) continue;
    const bool held = IsHeldBy(rule, process.tgid) && IsCurrent(process);
    if (*matches && !held) JoinRule(&rule, process, now_ns);
    if (!*matches && held) LeaveRule(rule, process.tgid, now_ns);
  }
}

// Of a rule that does not hold it yet. A process that is no target has room for one rule's.
bool TargetRegistry::HasRoomFor(const TargetParts& parts, uint32_t pid) const {
  const auto target = targets_.find(pid);
  return target == targets_.end() || target->second.parts.size() + parts.size() <= limits_.target_holders_max;
}

void TargetRegistry::JoinRule(TargetRule* rule, const ProcessInfo& process, int64_t now_ns) {
  const auto earlier = targets_.find(process.tgid);
  if (earlier != targets_.end() && !IsCurrent(process)) End(earlier, now_ns);
  const TargetParts parts = PartsOf(*rule);
  const bool is_new = !targets_.contains(process.tgid);
  if (is_new) {
    FollowChildrenNow(UnionOf(parts));
    const bool has_room = watcher_.Covers(process.tgid) && CheckRoom({process}).ok();
    const absl::Status status = has_room ? StartWatching({process}, now_ns) : absl::ResourceExhaustedError("");
    if (!status.ok()) {
      if (!has_room) watcher_.Unwatch(process.tgid, now_ns);  // the exec hook may have begun
      if (!absl::IsNotFound(status)) ++rule->refused_count;
      return ApplySettings();
    }
  } else if (!HasRoomFor(parts, process.tgid)) {
    ++rule->refused_count;
    return;
  }
  Enlist(process, parts, now_ns);
  ++rule->found_count;
  ApplySettings();
}

void TargetRegistry::LeaveRule(const TargetRule& rule, uint32_t pid, int64_t now_ns) {
  std::erase_if(targets_.at(pid).parts, [&rule](const auto& part) { return part.first.rule == rule.id && !part.first.inherited; });
  Sweep(now_ns);
}

// A process that was not watched runs another program. With a slot, the hook watches it because of its name: what is decided here is
// whether that stays.
void TargetRegistry::OnExecOfStranger(const LifeEvent& event, int64_t now_ns) {
  const ProcessInfo process{.tgid = event.thread.tgid,
                            .start_boottime_ns = event.thread.start_ns,
                            .comm = std::string(event.comm, strnlen(event.comm, sizeof(event.comm)))};
  RuleCandidate candidate(process, config_.facts, &cgroup_reads_left_);
  const bool slotted = event.slot != HFT_NO_SLOT && process.tgid != config_.own_pid;
  for (auto& [id, rule] : rules_.rules()) {
    if (!slotted || rule.by_cpu() || rule.selector.kind != RuleSelector::Kind::kName) continue;
    if (!candidate.Matches(rule.selector).value_or(false)) continue;
    // What finds no room is counted below.
    if (!targets_.contains(process.tgid) && targets_.size() >= config_.targets_max) continue;
    if (!HasRoomFor(PartsOf(rule), process.tgid)) continue;
    // No enumeration: exec has left it one thread, which has its slot, and the events of later ones are on their way. It may have ended.
    Target& target = Enlist(process, PartsOf(rule), event.mono_ns);
    watcher_.slots().Adopt(event.slot, event.thread, now_ns);
    WatchAgain(&target, now_ns);
    ++rule.found_count;
  }
  if (targets_.contains(process.tgid)) {
    ApplySettings();
  } else if (event.slot != HFT_NO_SLOT) {
    // Also where a slot that nobody wants is found: its birth's event knows it under the tid before the exec.
    ReleaseSlot(event, now_ns);
    watcher_.Unwatch(process.tgid, now_ns);
  }
  Consider(&candidate, now_ns);
}

void TargetRegistry::OnVisitor(const LifeEvent& event, int64_t now_ns) {
  JoinCpuRules(event.thread.tgid, event.from_cpu, &visitor_looks_left_, now_ns);
}

// `looks_left`: processes that may still be looked for, each in an enumeration of the host's threads. Who comes beyond them is looked for
// in the next Maintain() calls: it need not come again, for who spins makes no switch.
void TargetRegistry::JoinCpuRules(uint32_t tgid, int cpu, size_t* looks_left, int64_t now_ns) {
  if (tgid == 0 || tgid == config_.own_pid) return;
  for (auto& [id, rule] : rules_.rules()) {
    const std::vector<int>& cpus = rule.selector.cpus;
    if (!std::binary_search(cpus.begin(), cpus.end(), cpu) || IsHeldBy(rule, tgid)) continue;
    if (!targets_.contains(tgid) && targets_.size() >= config_.targets_max) {
      ++rule.refused_count;
      continue;
    }
    if (*looks_left == 0) {
      if (!DeferVisitor({.tgid = tgid, .cpu = cpu})) ++rule.refused_count;
      continue;
    }
    --*looks_left;
    absl::StatusOr<ProcessInfo> process = watcher_.Find(tgid);
    if (!process.ok()) return;  // it was short: the CPU's table of visits has it
    JoinRule(&rule, *process, now_ns);
  }
}

// False: the queue is full.
bool TargetRegistry::DeferVisitor(const Visitor& visitor) {
  if (std::find(deferred_visitors_.begin(), deferred_visitors_.end(), visitor) != deferred_visitors_.end()) return true;
  if (deferred_visitors_.size() == kDeferredVisitorsMax) return false;
  deferred_visitors_.push_back(visitor);
  return true;
}

// Not while the programs are off, as LookForProcesses. What is deferred once more leaves no looks: the loop ends.
void TargetRegistry::JoinDeferredVisitors(int64_t now_ns) {
  if (off_) deferred_visitors_.clear();
  while (!deferred_visitors_.empty() && visitor_looks_left_ > 0) {
    const Visitor visitor = deferred_visitors_.front();
    deferred_visitors_.pop_front();
    JoinCpuRules(visitor.tgid, visitor.cpu, &visitor_looks_left_, now_ns);
  }
}

// Who is on a CPU of a rule and does not leave it makes no switch.
void TargetRegistry::LookAtRunning(int64_t now_ns) {
  if (!rules_.has_cpu_rules()) return;
  absl::StatusOr<std::vector<TaskInfo>> running = tasks_->Running();
  if (!running.ok()) return;
  size_t looks = running->size() * rules_.rules().size();
  for (const TaskInfo& task : *running) JoinCpuRules(task.tgid, task.running_cpu, &looks, now_ns);
}

// Not while the programs are off: nothing is counted of whom it would find. The resync that follows has it look at once.
void TargetRegistry::LookForProcesses(int64_t now_ns) {
  if (rules_.empty() || off_) {
    to_look_at_.clear();
    return;
  }
  if (to_look_at_.empty() && now_ns >= next_look_mono_ns_) {
    next_look_mono_ns_ = now_ns + kLookIntervalNs;
    LookAtRunning(now_ns);
    if (!rules_.has_process_rules()) return;
    absl::StatusOr<std::vector<TaskInfo>> leaders = tasks_->Leaders();
    if (!leaders.ok()) return;
    to_look_at_ = *std::move(leaders);
  }
  size_t reads = kLooksPerCall;
  for (size_t looks = 0; looks < kLooksPerCall && !to_look_at_.empty(); ++looks) {
    RuleCandidate candidate(hftmon::ProcessOf(to_look_at_.back()), config_.facts, &reads);
    to_look_at_.pop_back();
    Consider(&candidate, now_ns);
  }
}

RuleInfo TargetRegistry::DescribeRule(const TargetRule& rule) const {
  const TargetParts parts = PartsOf(rule);
  RuleInfo info{.id = rule.id,
                .selector = rule.selector,
                .holders = HoldersOf(parts),
                .found_count = rule.found_count,
                .refused_count = rule.refused_count};
  if (!parts.empty()) info.options = UnionOf(parts);
  for (const auto& [pid, target] : targets_) {
    if (IsHeldBy(rule, pid)) info.pids.push_back(pid);
  }
  if (rule.by_cpu()) info.visits = rules_.VisitsOf(rule, &info.unnamed_visit_count);
  return info;
}

std::vector<RuleInfo> TargetRegistry::Rules() const {
  std::lock_guard lock(mutex_);
  std::vector<RuleInfo> rules;
  for (const auto& [id, rule] : rules_.rules()) rules.push_back(DescribeRule(rule));
  return rules;
}

}  // namespace hftmon
