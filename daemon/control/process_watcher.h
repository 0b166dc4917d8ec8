// ProcessWatcher: makes the kernel's programs watch a process and all its threads, race-free against the process's own forks, or stop it.
//
// Watching: threads that exist are given slots, the process's bit is set, then threads are enumerated again until none is new. A thread
// whose fork hook ran before the bit was set is in the second enumeration; one whose hook ran after it got its slot from the hook. A thread
// that was in the middle may get two: the one that slot_of_tid names stays, the other is a stray and goes back (SlotTable::Adopt, and the
// audit here). The first enumeration comes before the bit so that a switch between the two is not counted as one without a slot.
//
// Suspects: slots whose thread may be gone without an event (it ended while it was being given a slot, events were dropped, exec ended it).
// They are looked at again after kSuspectDelayNs and released when their thread is indeed gone.
//
// Sleepers: who is found asleep once its slot is published and its process watched, and was not seen on a CPU since, slept before: it is
// noted for whoever tells what goes on now (EarlierSleeps), and looked at again each second until it was seen on a CPU.
//
// Owner: TargetRegistry, under its mutex. The view, the tasks and the stack outlive it. Bounds: kRoundsMax enumerations.
#ifndef HFTMON_DAEMON_CONTROL_PROCESS_WATCHER_H_
#define HFTMON_DAEMON_CONTROL_PROCESS_WATCHER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/collectors/slot_stack.h"
#include "daemon/collectors/task_source.h"
#include "daemon/control/slot_table.h"
#include "daemon/control/watched_bits.h"
#include "daemon/ingest/earlier_sleeps.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

// A process that exists. start is the leader's, or the oldest thread's when the leader is gone.
struct ProcessInfo {
  uint32_t tgid = 0;
  uint32_t parent_tgid = 0;
  int64_t start_boottime_ns = 0;
  bool kernel_thread = false;
  std::string comm;
};

class ProcessWatcher {
 public:
  static constexpr int kRoundsMax = 16;
  static constexpr int64_t kSuspectDelayNs = 1'000'000'000;
  static constexpr int64_t kSleeperCheckNs = 1'000'000'000;

  // `sleeps` may be nullptr: nobody asks then.
  ProcessWatcher(const KernelView& view, TaskSource* tasks, SlotStack* stack, EarlierSleeps* sleeps);

  // The process with this id. NOT_FOUND: none; INVALID_ARGUMENT: the id is a thread's (the message names its process).
  absl::StatusOr<ProcessInfo> Find(uint32_t pid) const;
  // Whether the process that `known` describes still has threads. A failing task source is not an end: true.
  bool IsAlive(const ProcessInfo& known) const;

  // Every thread that exists is watched when it returns. On an error nothing is left: the bit is clear, slots given are retiring.
  // NOT_FOUND: it ended meanwhile. RESOURCE_EXHAUSTED: too few slots.
  absl::Status Watch(const ProcessInfo& process, int64_t now_ns);
  // Gives slots to threads that have none, as far as there are slots; the number still without, nullopt when the task source failed.
  std::optional<uint64_t> WatchMissing(const ProcessInfo& process, int64_t now_ns);
  // The same for threads that were enumerated already.
  struct Given {
    uint64_t given_count = 0;
    uint64_t missing_count = 0;  // still without
  };
  Given GiveMissing(const std::vector<TaskInfo>& threads, int64_t now_ns);
  absl::StatusOr<std::vector<TaskInfo>> AllThreads() const { return tasks_->AllThreads(); }
  // Of threads that were enumerated when their slots were published, their processes watched and the programs running.
  void NoteSleepers(const std::vector<TaskInfo>& threads);
  // Looks again, at most once in kSleeperCheckNs, whether those that were noted still sleep: the kernel hides some switches, and who waits
  // for a CPU sleeps no more.
  void CheckSleepers(int64_t now_ns);
  // Whether these, the threads of known.tgid, are that process's and not a later one's under its number.
  bool IsSame(const std::vector<TaskInfo>& threads, const ProcessInfo& known) const;
  // Of the threads of one process; nullptr when the leader is gone.
  static const TaskInfo* LeaderOf(const std::vector<TaskInfo>& threads);
  // The bit: threads keep their slots, but the marks go. A thread may end unseen now, and another task be born at its address.
  void Suspend(uint32_t tgid);
  // While no program runs: what the slot's thread was doing, an earlier sleep too.
  void ForgetProgress(uint16_t slot);
  void Resume(uint32_t tgid) { bits_.Set(tgid); }
  // Bit and slots.
  void Unwatch(uint32_t tgid, int64_t now_ns);
  // Like Unwatch, but a new process under the same number that the fork hook began to watch keeps its bit.
  void UnwatchEnded(const ProcessInfo& process, int64_t now_ns);

  bool IsWatched(uint32_t tgid) const { return bits_.Test(tgid); }
  // Whether the programs' tables cover the process id.
  bool Covers(uint32_t tgid) const { return tgid < slots_.tid_limit() && tgid < bits_.limit(); }

  // Puts the slot on the list of suspects.
  void Suspect(uint16_t slot, int64_t now_ns);
  // Releases the suspects that are due and whose thread is gone or has another slot; the processes it concerned.
  std::vector<uint32_t> AuditSuspects(int64_t now_ns);
  size_t suspect_count() const { return suspects_.size(); }
  uint64_t orphan_count() const { return orphan_count_; }

  SlotTable& slots() { return slots_; }
  const SlotTable& slots() const { return slots_; }
  const WatchedBits& bits() const { return bits_; }

 private:
  struct SuspectSlot {
    uint16_t slot = 0;
    int64_t due_mono_ns = 0;
  };

  absl::StatusOr<int> GiveAll(const std::vector<TaskInfo>& threads, int64_t now_ns);
  absl::Status WatchThreads(const ProcessInfo& process, int64_t now_ns);

  const KernelView view_;
  TaskSource* const tasks_;
  EarlierSleeps* const sleeps_;
  WatchedBits bits_;
  SlotTable slots_;
  std::deque<SuspectSlot> suspects_;                 // in the order of time, each slot once
  std::vector<std::optional<ThreadKey>> suspected_;  // by slot: the thread it is suspected for
  uint64_t orphan_count_ = 0;
  std::set<uint16_t> sleepers_;  // slots of those that were noted and may sleep still
  int64_t next_sleeper_check_ns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROCESS_WATCHER_H_
