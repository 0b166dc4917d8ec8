// TargetRegistry: what becomes of targets as their threads fork, exec and end, and the checks that need no event.
#include <algorithm>
#include <cstring>
#include <string>

#include "daemon/control/rule_candidate.h"
#include "daemon/control/target_registry.h"

namespace hftmon {
namespace {

std::string CommOf(const LifeEvent& event) {
  return std::string(event.comm, strnlen(event.comm, sizeof(event.comm)));
}

}  // namespace

void TargetRegistry::Pump(const LifeEvent& event) {
  std::lock_guard lock(mutex_);
  const int64_t now_ns = clock_->NowNs();
  switch (event.kind) {
    case LifeKind::kFork:
      return OnFork(event, now_ns);
    case LifeKind::kExec:
      return OnExec(event, now_ns);
    case LifeKind::kEnded:
      return OnEnded(event, now_ns);
    case LifeKind::kRecycled:
      return OnRecycled(event, now_ns);
    case LifeKind::kVisitor:
      return OnVisitor(event, now_ns);
    case LifeKind::kMigration:
      return;
  }
}

void TargetRegistry::OnFork(const LifeEvent& event, int64_t now_ns) {
  if (event.thread.tid == event.thread.tgid) {
    OnNewProcess(event, now_ns);
  } else {
    OnNewThread(event, now_ns);
  }
}

void TargetRegistry::OnNewThread(const LifeEvent& event, int64_t now_ns) {
  const auto target = targets_.find(event.thread.tgid);
  if (target == targets_.end()) return ReleaseSlot(event, now_ns);  // detached, or never followed
  NoteSlot(&target->second, event, now_ns);
}

void TargetRegistry::OnNewProcess(const LifeEvent& event, int64_t now_ns) {
  const ProcessInfo child{
      .tgid = event.thread.tgid, .parent_tgid = event.parent_tgid, .start_boottime_ns = event.thread.start_ns, .comm = CommOf(event)};
  auto target = targets_.find(child.tgid);
  if (target != targets_.end() && target->second.info.start_boottime_ns != child.start_boottime_ns) {
    End(target, now_ns);  // the number was taken again before its end was noticed
    target = targets_.end();
  }
  if (target != targets_.end()) {
    JoinParents(&target->second, child.parent_tgid);
  } else if (FollowChild(child, event.mono_ns)) {
    targets_.at(child.tgid).info.watched_from_birth = true;
  } else {
    watcher_.Unwatch(child.tgid, now_ns);
    return ReleaseSlot(event, now_ns);
  }
  target = targets_.find(child.tgid);
  // The hook set the bit; what was decided since counts.
  if (target->second.info.state == TargetState::kRunning) {
    WatchAgain(&target->second, now_ns);
  } else {
    watcher_.Suspend(child.tgid);
  }
  NoteSlot(&target->second, event, now_ns);
}

bool TargetRegistry::FollowChild(const ProcessInfo& child, int64_t mono_ns) {
  const TargetParts parts = InheritedParts(child.parent_tgid);
  if (parts.empty()) return false;
  if (targets_.size() >= config_.targets_max) {
    ++counters_.refused_child_count;
    return false;
  }
  Target& target = Enlist(child, parts, mono_ns);
  target.info.parent_pid = child.parent_tgid;
  WatchAgain(&target, mono_ns);
  ApplySettings();
  return true;
}

// A child that a client or a rule found before its birth was told: its parent's parts hold it too.
void TargetRegistry::JoinParents(Target* target, uint32_t parent_tgid) {
  const TargetParts parts = InheritedParts(parent_tgid);
  if (parts.empty()) return;
  const bool by_client = std::any_of(target->parts.begin(), target->parts.end(),
                                     [](const auto& part) { return part.first.rule == 0 && !part.first.inherited; });
  if (!by_client) target->info.parent_pid = parent_tgid;
  if (!HasRoomFor(parts, target->info.pid)) {
    ++counters_.refused_child_count;
    return;
  }
  for (const auto& [key, options] : parts) AddPart(key, options, &target->parts);
  target->info.options = UnionOf(target->parts);
  ApplySettings();
}

// Sets the bit. When it was clear (a failed attach, a recycled number), threads may have come and gone unseen.
void TargetRegistry::WatchAgain(Target* target, int64_t now_ns) {
  if (watcher_.IsWatched(target->info.pid)) return;
  watcher_.Resume(target->info.pid);
  target->verify = true;
  target->next_check_mono_ns = now_ns;
}

// Those of its parent's parts that want children. A parent may end before its child's birth is pumped.
TargetParts TargetRegistry::InheritedParts(uint32_t parent_tgid) const {
  const TargetParts* parents = nullptr;
  if (const auto target = targets_.find(parent_tgid); target != targets_.end()) {
    parents = &target->second.parts;
  } else {
    const auto ended =
        std::find_if(ended_.rbegin(), ended_.rend(), [parent_tgid](const EndedTarget& past) { return past.info.pid == parent_tgid; });
    if (ended != ended_.rend()) parents = &ended->parts;
  }
  TargetParts inherited;
  if (parents == nullptr) return inherited;
  for (const auto& [key, options] : *parents) {
    if (options.resolved().follow_children) AddPart({.session = key.session, .rule = key.rule, .inherited = true}, options, &inherited);
  }
  return inherited;
}

void TargetRegistry::NoteSlot(Target* target, const LifeEvent& event, int64_t now_ns) {
  if (event.slot != HFT_NO_SLOT) {
    watcher_.slots().Adopt(event.slot, event.thread, now_ns);
    return;
  }
  watcher_.slots().RetireEarlierOwner(event.thread, now_ns);
  if (watcher_.slots().PublishedSlotOf(event.thread.tid) != HFT_NO_SLOT) return;
  NoteUnslotted(&target->info, target->info.unslotted_thread_count + 1, now_ns);
}

void TargetRegistry::NoteUnslotted(TargetInfo* info, uint64_t thread_count, int64_t now_ns) {
  // Those that were there until now count up to now.
  if (info->unslotted_thread_count > 0 || thread_count > 0) info->unslotted_mono_ns = now_ns;
  info->unslotted_thread_count = thread_count;
  info->unslotted_peak_count = std::max(info->unslotted_peak_count, thread_count);
}

// Gives a slot to every thread of it that has none and can have one. When they cannot be enumerated what was known stands.
void TargetRegistry::WatchMissing(Target* target, int64_t now_ns) {
  const std::optional<uint64_t> unslotted = watcher_.WatchMissing(ProcessOf(target->info), now_ns);
  if (unslotted) NoteUnslotted(&target->info, *unslotted, now_ns);
}

void TargetRegistry::ReleaseSlot(const LifeEvent& event, int64_t now_ns) {
  if (watcher_.slots().Adopt(event.slot, event.thread, now_ns) == SlotTable::Adoption::kHeld) watcher_.slots().Retire(event.slot, now_ns);
}

void TargetRegistry::OnExec(const LifeEvent& event, int64_t now_ns) {
  // A look that goes on holds its former name.
  std::erase_if(to_look_at_, [&](const TaskInfo& task) { return task.tgid == event.thread.tgid; });
  const auto found = targets_.find(event.thread.tgid);
  if (found == targets_.end()) return OnExecOfStranger(event, now_ns);
  Target& target = found->second;
  target.info.comm = CommOf(event);
  // exec by another thread than the leader takes over the leader's id and start; without a leader it becomes one.
  target.info.start_boottime_ns = event.thread.start_ns;
  SlotTable& slots = watcher_.slots();
  slots.Adopt(event.slot, event.thread, now_ns);
  // A paused one's bit may be set because a rule names it.
  if (target.info.state == TargetState::kPaused) watcher_.Suspend(target.info.pid);
  if (target.info.state == TargetState::kRunning && slots.PublishedSlotOf(event.thread.tid) == HFT_NO_SLOT) {
    WatchMissing(&target, now_ns);
  }
  // exec has ended all other threads.
  const uint16_t kept = slots.PublishedSlotOf(event.thread.tid);
  for (const uint16_t slot : slots.HeldOf(event.thread.tgid)) {
    if (slot != kept) watcher_.Suspect(slot, now_ns);
  }
  // It bears another name now: last, for it may be let go.
  RuleCandidate candidate(ProcessOf(target.info), config_.facts, &cgroup_reads_left_);
  Consider(&candidate, now_ns);
}

void TargetRegistry::OnEnded(const LifeEvent& event, int64_t now_ns) {
  ReleaseSlot(event, now_ns);
  // Its last switch may have found a slot that it held before a pause or a detach: then the one it has now never ends by itself.
  const uint16_t published = watcher_.slots().PublishedSlotOf(event.thread.tid);
  if (published != HFT_NO_SLOT && watcher_.slots().Read(published).thread == event.thread) watcher_.Suspect(published, now_ns);
  const auto found = targets_.find(event.thread.tgid);
  // A thread older than the process is of an earlier one with its number.
  if (found == targets_.end() || event.thread.start_ns < found->second.info.start_boottime_ns) return;
  Target& target = found->second;
  const bool was_ending = target.ending;
  target.ending = was_ending || event.process_ended;
  if (!target.ending) return;
  // The kernel counts a thread as gone before its last switch: others may still have theirs before them.
  if (watcher_.slots().HeldCount(target.info.pid) == 0) return End(found, now_ns);
  if (was_ending) return;
  for (const uint16_t slot : watcher_.slots().HeldOf(target.info.pid)) watcher_.Suspect(slot, now_ns);
}

void TargetRegistry::OnRecycled(const LifeEvent& event, int64_t now_ns) {
  ++counters_.recycled_pid_count;
  const auto target = targets_.find(event.thread.tgid);
  if (target == targets_.end()) return;
  if (target->second.info.start_boottime_ns != event.thread.start_ns) return End(target, now_ns);
  // It was attached before its own birth's event came: the hook took the new bit for a dead target's.
  if (target->second.info.state == TargetState::kRunning) WatchAgain(&target->second, now_ns);
}

void TargetRegistry::End(TargetMap::iterator target, int64_t now_ns) {
  TargetInfo info = Describe(target->second);
  info.holders.clear();
  watcher_.UnwatchEnded(ProcessOf(info), now_ns);
  TargetParts parts = std::move(target->second.parts);
  targets_.erase(target);
  info.state = TargetState::kEnded;
  info.thread_count = 0;
  NoteUnslotted(&info, 0, now_ns);
  info.ended_mono_ns = now_ns;
  ended_.push_back({.info = std::move(info), .parts = std::move(parts)});
  if (ended_.size() > kEndedMax) {
    // A process that starts children by the hundred, or a busy CPU's visitors, must not push out what a client attached.
    const auto child = std::find_if(ended_.begin(), ended_.end(),
                                    [](const EndedTarget& past) { return past.info.parent_pid != 0 || !past.info.spike_cpus.empty(); });
    ended_.erase(child == ended_.end() ? ended_.begin() : child);
    ++counters_.forgotten_target_count;
  }
  ApplySettings();
}

bool TargetRegistry::EndIfGone(uint32_t tgid, int64_t now_ns) {
  const auto target = targets_.find(tgid);
  if (target == targets_.end() || watcher_.IsAlive(ProcessOf(target->second.info))) return false;
  End(target, now_ns);
  return true;
}

void TargetRegistry::Maintain() {
  std::lock_guard lock(mutex_);
  const int64_t now_ns = clock_->NowNs();
  for (const uint32_t tgid : watcher_.AuditSuspects(now_ns)) EndIfGone(tgid, now_ns);
  CheckTargets(now_ns);
  watcher_.CheckSleepers(now_ns);
  cgroup_reads_left_ = kLooksPerCall;
  visitor_looks_left_ = kVisitorLooksPerCall;
  JoinDeferredVisitors(now_ns);
  LookForProcesses(now_ns);
  watcher_.slots().Reap(now_ns);
}

// Paused targets end without an event, and so do threads without a slot.
void TargetRegistry::CheckTargets(int64_t now_ns) {
  std::vector<uint32_t> due;
  for (auto& [pid, target] : targets_) {
    if (target.next_check_mono_ns > now_ns) continue;
    const bool silent =
        off_ || target.info.state == TargetState::kPaused || target.info.unslotted_thread_count > 0 || watcher_.slots().HeldCount(pid) == 0;
    if (!silent && !target.verify) continue;
    target.next_check_mono_ns = now_ns + kCheckIntervalNs;
    due.push_back(pid);
    if (due.size() == kChecksPerCall) break;
  }
  for (const uint32_t pid : due) {
    if (!EndIfGone(pid, now_ns)) CheckTarget(&targets_.at(pid), now_ns);
  }
}

void TargetRegistry::CheckTarget(Target* target, int64_t now_ns) {
  // Threads of a paused target end without an event.
  if (target->verify || target->info.state == TargetState::kPaused) {
    target->verify = false;
    for (const uint16_t slot : watcher_.slots().HeldOf(target->info.pid)) watcher_.Suspect(slot, now_ns);
  }
  if (target->info.state == TargetState::kRunning) WatchMissing(target, now_ns);
}

}  // namespace hftmon
