#include "daemon/control/process_watcher.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "absl/strings/str_format.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

ProcessInfo ProcessOf(uint32_t tgid, const std::vector<TaskInfo>& threads) {
  const TaskInfo* first = &threads.front();
  for (const TaskInfo& thread : threads) {
    if (thread.tid == tgid) {
      first = &thread;
      break;
    }
    if (thread.start_boottime_ns < first->start_boottime_ns) first = &thread;
  }
  return {.tgid = tgid,
          .parent_tgid = first->parent_tgid,
          .start_boottime_ns = first->start_boottime_ns,
          .kernel_thread = first->kernel_thread,
          .comm = first->comm};
}

absl::Status EndedWhileAttaching(const ProcessInfo& process) {
  return absl::NotFoundError(
      absl::StrFormat("process %d (%s) ended while it was being attached: attach its successor", process.tgid, process.comm));
}

// Answers for many threads with one enumeration a process. Where the task source fails, a thread counts as alive.
class LiveThreads {
 public:
  explicit LiveThreads(TaskSource* tasks) : tasks_(tasks) {}

  bool Contains(const ThreadKey& thread) {
    const auto [found, is_new] = starts_of_.try_emplace(thread.tgid);
    std::optional<StartOfTid>& starts = found->second;
    if (is_new) starts = Enumerate(thread.tgid);
    if (!starts.has_value()) return true;
    const auto start = starts->find(thread.tid);
    return start != starts->end() && start->second == thread.start_ns;
  }

 private:
  using StartOfTid = std::unordered_map<uint32_t, int64_t>;

  std::optional<StartOfTid> Enumerate(uint32_t tgid) {
    absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->ThreadsOf(tgid);
    if (!threads.ok()) return std::nullopt;
    StartOfTid starts;
    for (const TaskInfo& thread : *threads) starts[thread.tid] = thread.start_boottime_ns;
    return starts;
  }

  TaskSource* const tasks_;
  std::unordered_map<uint32_t, std::optional<StartOfTid>> starts_of_;
};

}  // namespace

ProcessWatcher::ProcessWatcher(const KernelView& view, TaskSource* tasks, SlotStack* stack, EarlierSleeps* sleeps)
    : view_(view), tasks_(tasks), sleeps_(sleeps), bits_(view.watched_bits), slots_(view, stack), suspected_(view.slots.size()) {}

absl::StatusOr<ProcessInfo> ProcessWatcher::Find(uint32_t pid) const {
  absl::StatusOr<TaskInfo> task = tasks_->Find(pid);
  if (!task.ok() && !absl::IsNotFound(task.status())) return task.status();
  if (task.ok() && task->tgid != pid) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d is a thread of process %d (%s): attach %d, its threads follow", pid, task->tgid, task->comm, task->tgid));
  }
  // The leader may be gone while other threads live.
  absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->ThreadsOf(pid);
  if (!threads.ok()) return threads.status();
  if (threads->empty()) {
    return absl::NotFoundError(
        absl::StrFormat("no process %d: it ended or never was, or the number is a container's own: give the one that the host has for it "
                        "(`ps -e` or `pgrep NAME` there, or the first of NSpid in /proc/PID/status)",
                        pid));
  }
  return ProcessOf(pid, *threads);
}

bool ProcessWatcher::IsSame(const std::vector<TaskInfo>& threads, const ProcessInfo& known) const {
  for (const TaskInfo& thread : threads) {
    if (thread.tid == known.tgid) return thread.start_boottime_ns == known.start_boottime_ns;
  }
  // Without a leader: threads of a later process under the number all start later, and then its leader lives or lived.
  for (const TaskInfo& thread : threads) {
    const uint16_t slot = slots_.PublishedSlotOf(thread.tid);
    if (thread.start_boottime_ns == known.start_boottime_ns) return true;
    if (slot != HFT_NO_SLOT && slots_.IsHeld(slot) && slots_.Read(slot).thread.start_ns == thread.start_boottime_ns) return true;
  }
  return false;
}

bool ProcessWatcher::IsAlive(const ProcessInfo& known) const {
  absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->ThreadsOf(known.tgid);
  return !threads.ok() || IsSame(*threads, known);
}

absl::StatusOr<int> ProcessWatcher::GiveAll(const std::vector<TaskInfo>& threads, int64_t now_ns) {
  int given = 0;
  for (const TaskInfo& thread : threads) {
    absl::StatusOr<uint16_t> slot = slots_.Give(thread, now_ns);
    if (!slot.ok()) return slot.status();
    if (*slot == HFT_NO_SLOT) continue;
    ++given;
    // It may have ended, or its fork hook may still take the tid for another slot.
    Suspect(*slot, now_ns);
  }
  return given;
}

absl::Status ProcessWatcher::WatchThreads(const ProcessInfo& process, int64_t now_ns) {
  for (int round = 0; round < kRoundsMax; ++round) {
    absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->ThreadsOf(process.tgid);
    if (!threads.ok()) return threads.status();
    // A leader that ends meanwhile leaves the process to its other threads.
    const auto leader =
        std::find_if(threads->begin(), threads->end(), [&process](const TaskInfo& thread) { return thread.tid == process.tgid; });
    const bool is_successor = leader != threads->end() && leader->start_boottime_ns != process.start_boottime_ns;
    if (threads->empty() || is_successor) return EndedWhileAttaching(process);
    absl::StatusOr<int> given = GiveAll(*threads, now_ns);
    if (!given.ok()) return given.status();
    // Without a new one: all had their slots, and the bit was set, before these were enumerated.
    if (round > 0 && *given == 0) {
      NoteSleepers(*threads);
      return absl::OkStatus();
    }
    // Seen in a later round than this: threads whose fork hook ran before.
    if (round == 0) bits_.Set(process.tgid);
  }
  // A process that forks threads faster than they are enumerated ends here too: those of the last rounds have slots from the fork hook.
  return absl::OkStatus();
}

absl::Status ProcessWatcher::Watch(const ProcessInfo& process, int64_t now_ns) {
  absl::Status status = WatchThreads(process, now_ns);
  if (!status.ok()) Unwatch(process.tgid, now_ns);
  return status;
}

std::optional<uint64_t> ProcessWatcher::WatchMissing(const ProcessInfo& process, int64_t now_ns) {
  absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->ThreadsOf(process.tgid);
  if (!threads.ok()) return std::nullopt;
  const Given given = GiveMissing(*threads, now_ns);
  if (given.given_count == 0 || !IsWatched(process.tgid)) return given.missing_count;
  threads = tasks_->ThreadsOf(process.tgid);
  if (threads.ok()) NoteSleepers(*threads);
  return given.missing_count;
}

void ProcessWatcher::NoteSleepers(const std::vector<TaskInfo>& threads) {
  // While they are off the programs see nobody wake up.
  if (sleeps_ == nullptr || LoadRelaxed(view_.controls->off) != 0) return;
  for (const TaskInfo& thread : threads) {
    const uint16_t slot = slots_.PublishedSlotOf(thread.tid);
    if (slot == HFT_NO_SLOT || !IsWatched(thread.tgid)) continue;
    const SlotTable::Identity identity = slots_.Read(slot);
    if (identity.state != HFT_SLOT_LIVE || identity.thread.start_ns != thread.start_boottime_ns) continue;
    hft_thread_slot& words = view_.slots[slot];
    const uint32_t generation = LoadRelaxed(words.generation);
    // Seen on a CPU: the programs tell of its sleeps. Not asleep: if it was noted that was before a time in which nobody saw it wake up.
    if (LoadRelaxed(words.task) != 0 || !thread.asleep) {
      sleeps_->Clear(slot);
      sleepers_.erase(slot);
    } else if (sleeps_->FoundNs(slot, generation) == 0) {
      sleeps_->Put(slot, generation, thread.sleep);
      sleepers_.insert(slot);
    }
  }
}

void ProcessWatcher::CheckSleepers(int64_t now_ns) {
  if (sleepers_.empty() || now_ns < next_sleeper_check_ns_) return;
  next_sleeper_check_ns_ = now_ns + kSleeperCheckNs;
  std::erase_if(sleepers_, [this](uint16_t slot) {
    hft_thread_slot& words = view_.slots[slot];
    return LoadRelaxed(words.task) != 0 || sleeps_->FoundNs(slot, LoadRelaxed(words.generation)) == 0;
  });
  if (sleepers_.empty()) return;
  if (const absl::StatusOr<std::vector<TaskInfo>> threads = tasks_->AllThreads(); threads.ok()) NoteSleepers(*threads);
}

const TaskInfo* ProcessWatcher::LeaderOf(const std::vector<TaskInfo>& threads) {
  const auto leader = std::find_if(threads.begin(), threads.end(), [](const TaskInfo& thread) { return thread.tid == thread.tgid; });
  return leader == threads.end() ? nullptr : &*leader;
}

ProcessWatcher::Given ProcessWatcher::GiveMissing(const std::vector<TaskInfo>& threads, int64_t now_ns) {
  Given counts;
  for (const TaskInfo& thread : threads) {
    absl::StatusOr<uint16_t> slot = slots_.Give(thread, now_ns);
    if (slot.ok()) {
      if (*slot != HFT_NO_SLOT) ++counts.given_count;
      Suspect(*slot, now_ns);
    } else {
      ++counts.missing_count;
    }
  }
  return counts;
}

void ProcessWatcher::Suspend(uint32_t tgid) {
  bits_.Clear(tgid);
  for (const uint16_t slot : slots_.HeldOf(tgid)) {
    if (sleeps_ != nullptr) sleeps_->Clear(slot);
    slots_.Unmark(slot);
  }
}

void ProcessWatcher::ForgetProgress(uint16_t slot) {
  if (sleeps_ != nullptr) sleeps_->Clear(slot);
  slots_.ForgetProgress(slot);
}

void ProcessWatcher::Unwatch(uint32_t tgid, int64_t now_ns) {
  bits_.Clear(tgid);
  slots_.SetWishes(tgid, {});
  slots_.RetireProcess(tgid, now_ns);
}

void ProcessWatcher::UnwatchEnded(const ProcessInfo& process, int64_t now_ns) {
  bits_.Clear(process.tgid);
  slots_.SetWishes(process.tgid, {});
  slots_.RetireProcess(process.tgid, now_ns, slots_.unseen_grace_ns());
  // The check comes after the clear: a hook that set the bit before it has published, or its FORK event sets the bit again.
  const uint16_t slot = slots_.PublishedSlotOf(process.tgid);
  if (slot == HFT_NO_SLOT) return;
  const SlotTable::Identity identity = slots_.Read(slot);
  if (identity.state == HFT_SLOT_LIVE && identity.thread.tgid == process.tgid && identity.thread.start_ns != process.start_boottime_ns) {
    bits_.Set(process.tgid);
  }
}

void ProcessWatcher::Suspect(uint16_t slot, int64_t now_ns) {
  if (slot == HFT_NO_SLOT || slot >= suspected_.size()) return;
  // Once on the list bounds it; the thread it is suspected for now counts.
  const bool is_listed = suspected_[slot].has_value();
  suspected_[slot] = slots_.Read(slot).thread;
  if (!is_listed) suspects_.push_back({.slot = slot, .due_mono_ns = now_ns + kSuspectDelayNs});
}

std::vector<uint32_t> ProcessWatcher::AuditSuspects(int64_t now_ns) {
  std::vector<uint32_t> concerned;
  LiveThreads live_threads(tasks_);
  while (!suspects_.empty() && suspects_.front().due_mono_ns <= now_ns) {
    const uint16_t slot = suspects_.front().slot;
    suspects_.pop_front();
    const ThreadKey thread = *suspected_[slot];
    suspected_[slot].reset();
    const SlotTable::Identity identity = slots_.Read(slot);
    if (identity.state == HFT_SLOT_FREE || slots_.IsRetiring(slot) || identity.thread != thread) continue;
    const bool known = slots_.IsHeld(slot) || bits_.Test(thread.tgid);
    const bool published = identity.state == HFT_SLOT_LIVE && slots_.IsPublished(slot);
    if (known && published && live_threads.Contains(thread)) continue;
    ++orphan_count_;
    slots_.Retire(slot, now_ns, slots_.unseen_grace_ns());
    concerned.push_back(thread.tgid);
  }
  std::sort(concerned.begin(), concerned.end());
  concerned.erase(std::unique(concerned.begin(), concerned.end()), concerned.end());
  return concerned;
}

}  // namespace hftmon
