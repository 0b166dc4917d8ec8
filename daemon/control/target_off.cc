// TargetRegistry while the programs are off, and after: births and ends of threads that no event tells of.
//
// BeginOff remembers the youngest thread of the host: whatever is younger when the programs go on was born unseen. ForgetBeforeOn, while no
// program runs, takes back the slots of threads that ended (their tids may have other owners, who must not find them) and forgets every
// wait in progress. CatchUpAfterOn gives slots to threads that were born, makes targets of children, ends targets that ended, and has the
// rest looked at as after lost events.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "daemon/control/target_registry.h"

namespace hftmon {
namespace {

using KeyOrder = std::tuple<uint32_t, uint32_t, int64_t>;

KeyOrder OrderOf(const ThreadKey& thread) {
  return {thread.tid, thread.tgid, thread.start_ns};
}

std::set<KeyOrder> KeysOf(const std::vector<TaskInfo>& threads) {
  std::set<KeyOrder> keys;
  for (const TaskInfo& thread : threads) keys.insert({thread.tid, thread.tgid, thread.start_boottime_ns});
  return keys;
}

}  // namespace

absl::Status TargetRegistry::BeginOff() {
  std::lock_guard lock(mutex_);
  const absl::StatusOr<std::vector<TaskInfo>> threads = watcher_.AllThreads();
  if (!threads.ok()) return threads.status();
  youngest_before_off_ns_ = 0;
  for (const TaskInfo& thread : *threads) youngest_before_off_ns_ = std::max(youngest_before_off_ns_, thread.start_boottime_ns);
  off_ = true;
  return absl::OkStatus();
}

absl::Status TargetRegistry::ForgetBeforeOn() {
  std::lock_guard lock(mutex_);
  const absl::StatusOr<std::vector<TaskInfo>> threads = watcher_.AllThreads();
  if (!threads.ok()) return threads.status();
  const std::set<KeyOrder> alive = KeysOf(*threads);
  const int64_t now_ns = clock_->NowNs();
  SlotTable& slots = watcher_.slots();
  for (uint32_t index = 1; index < slots.slot_count(); ++index) {
    const auto slot = static_cast<uint16_t>(index);
    const SlotTable::Identity identity = slots.Read(slot);
    if (identity.state != HFT_SLOT_LIVE) continue;
    watcher_.ForgetProgress(slot);
    if (!slots.IsRetiring(slot) && !alive.contains(OrderOf(identity.thread))) slots.Retire(slot, now_ns);
  }
  return absl::OkStatus();
}

void TargetRegistry::CatchUpAfterOn() {
  {
    std::lock_guard lock(mutex_);
    off_ = false;
    const absl::StatusOr<std::vector<TaskInfo>> threads = watcher_.AllThreads();
    if (threads.ok()) CatchUpWith(*threads, clock_->NowNs());
  }
  Resync();
  std::lock_guard lock(mutex_);
  if (const absl::StatusOr<std::vector<TaskInfo>> threads = watcher_.AllThreads(); threads.ok()) watcher_.NoteSleepers(*threads);
}

void TargetRegistry::CatchUpWith(const std::vector<TaskInfo>& threads, int64_t now_ns) {
  std::map<uint32_t, std::vector<TaskInfo>> threads_of;
  for (const TaskInfo& thread : threads) threads_of[thread.tgid].push_back(thread);
  // Before the children: a child's number may be an ended target's.
  std::vector<uint32_t> ended;
  for (const auto& [pid, target] : targets_) {
    const auto found = threads_of.find(pid);
    if (found == threads_of.end() || !watcher_.IsSame(found->second, ProcessOf(target.info))) ended.push_back(pid);
  }
  for (const uint32_t pid : ended) EndIfGone(pid, now_ns);
  // Children of children need another round; each adopts one at least, so there are no more rounds than processes.
  while (AdoptBornWhileOff(threads_of, now_ns)) {
  }
  for (auto& [pid, target] : targets_) {
    const auto found = threads_of.find(pid);
    const TaskInfo* leader = found == threads_of.end() ? nullptr : watcher_.LeaderOf(found->second);
    // Attached while off: the others were adopted, and have their parent's parts.
    if (leader != nullptr && leader->start_boottime_ns > youngest_before_off_ns_) JoinParents(&target, leader->parent_tgid);
  }
  for (auto& [pid, target] : targets_) {
    const auto found = threads_of.find(pid);
    if (found == threads_of.end()) continue;
    if (const TaskInfo* leader = watcher_.LeaderOf(found->second); leader != nullptr) target.info.comm = leader->comm;
    if (target.info.state == TargetState::kRunning)
      NoteUnslotted(&target.info, watcher_.GiveMissing(found->second, now_ns).missing_count, now_ns);
  }
}

bool TargetRegistry::AdoptBornWhileOff(const std::map<uint32_t, std::vector<TaskInfo>>& threads_of, int64_t now_ns) {
  bool adopted = false;
  for (const auto& [tgid, threads] : threads_of) {
    const TaskInfo* leader = watcher_.LeaderOf(threads);
    if (leader == nullptr || leader->kernel_thread || leader->start_boottime_ns <= youngest_before_off_ns_) continue;
    if (targets_.contains(tgid) || !targets_.contains(leader->parent_tgid)) continue;
    const ProcessInfo child{
        .tgid = tgid, .parent_tgid = leader->parent_tgid, .start_boottime_ns = leader->start_boottime_ns, .comm = leader->comm};
    const uint64_t refused = counters_.refused_child_count;
    if (FollowChild(child, now_ns)) adopted = true;
    if (counters_.refused_child_count != refused) return adopted;  // the bound is reached: one refusal is counted a look
  }
  return adopted;
}

}  // namespace hftmon
