// SlotTable: which thread holds which slot, as the daemon knows it, and the way of a slot from the free stack to a thread and back.
//
// Owner: ProcessWatcher, under the registry's mutex: not thread-safe itself. The kernel's fork hook and the end of a thread work on the
// same memory at the same time, so every word is accessed atomically and nothing is believed that the slot itself does not confirm.
//
// What is pushed is sorted now and then with the top of the stack (kSortedMax), so that low slots are mostly given out before high ones:
// the tables of calls, faults and stacks cover the lowest ones only (SwitchCollector::Options).
//
//   free stack ──Give (attach)──▶ held ──Retire──▶ retiring ──Reap, after the grace time──▶ zeroed, its pages too, free stack
//       └──── fork hook ──▶ live in the kernel, unknown here ──Adopt──▶ held
//
// Invariants: 1. A slot is pushed only after it was out of slot_of_tid for the grace time: no program that was running then still writes to
// it.
// 2. A thread (tid) holds at most one slot. 3. A slot that is retiring is never adopted again. 4. What is held or retiring is not free.
// Why 20 ms of grace: a program runs for microseconds with preemption off; 20 ms also outlasts most pauses of a virtual CPU.
#ifndef HFTMON_DAEMON_CONTROL_SLOT_TABLE_H_
#define HFTMON_DAEMON_CONTROL_SLOT_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/collectors/page_pool.h"
#include "daemon/collectors/slot_stack.h"
#include "daemon/collectors/task_source.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

class SlotTable {
 public:
  static constexpr int64_t kGraceNs = 20'000'000;
  // Of a slot whose thread ended without its ENDED record: nobody told the sampler to read the last counts, and it finds them at its next
  // edge, however late a busy host makes that.
  static constexpr int64_t kUnseenGraceNs = 1'000'000'000;
  // At least that, and two of the sampler's edges.
  int64_t unseen_grace_ns() const { return unseen_grace_ns_; }
  void SetSamplingIntervalNs(int64_t interval_ns) { unseen_grace_ns_ = std::max(kUnseenGraceNs, 2 * interval_ns); }

  // A slot's own words, read without a promise that they belong together unless the slot is published.
  struct Identity {
    hft_slot_state state = HFT_SLOT_FREE;
    ThreadKey thread;
  };
  enum class Adoption {
    kHeld,   // the slot is its thread's, and known now
    kStray,  // another slot is published for the thread: this one is retiring
    kStale,  // the slot is no longer that thread's; nothing was done
  };

  // The view's memory and `stack` outlive the table.
  SlotTable(const KernelView& view, SlotStack* stack);

  // Sees to it that `task` has a slot: the one that it was given now, HFT_NO_SLOT when it had one. RESOURCE_EXHAUSTED: none is free, or the
  // tid is above the table of tids.
  absl::StatusOr<uint16_t> Give(const TaskInfo& task, int64_t now_ns);

  // Takes note of a slot that the kernel gave to `thread`. Another slot that the thread holds becomes retiring: it lost the duel for
  // slot_of_tid.
  Adoption Adopt(uint16_t slot, const ThreadKey& thread, int64_t now_ns);

  // `thread` was born without a slot: takes back the one that an earlier thread with its tid, which ended unseen, may hold.
  void RetireEarlierOwner(const ThreadKey& thread, int64_t now_ns);

  // Takes the slot out of slot_of_tid and starts its grace time. No-op when it is retiring already. A longer grace than kGraceNs leaves
  // time for a sampler that has not read the last counts yet.
  void Retire(uint16_t slot, int64_t now_ns, int64_t grace_ns = kGraceNs);
  void RetireProcess(uint32_t tgid, int64_t now_ns, int64_t grace_ns = kGraceNs);

  // Takes the task's mark off the slot: no program believes that a task has it until the slot is claimed by its tid again.
  void Unmark(uint16_t slot);
  // The mark, and what its thread was doing: no interval that began before goes on. While no program runs.
  void ForgetProgress(uint16_t slot);

  // What the threads of a process are to tell beyond their counts: those it has, and those that get a slot from now on.
  void SetWishes(uint32_t tgid, hft_wishes wishes);

  // Of the free stack's top, what is sorted besides all that was pushed since the last time.
  static constexpr size_t kSortedMax = 256;
  static constexpr int64_t kSortIntervalNs = 100'000'000;
  // Zeroes and pushes the slots whose grace time is over.
  void Reap(int64_t now_ns);

  // The slot's words, and whether slot_of_tid names it for its thread.
  Identity Read(uint16_t slot) const;
  bool IsPublished(uint16_t slot) const;
  // What slot_of_tid says; HFT_NO_SLOT above its end.
  uint16_t PublishedSlotOf(uint32_t tid) const;

  bool IsHeld(uint16_t slot) const { return slot < entries_.size() && entries_[slot].use == Use::kHeld; }
  bool IsRetiring(uint16_t slot) const { return slot < entries_.size() && entries_[slot].use == Use::kRetiring; }
  std::vector<uint16_t> HeldOf(uint32_t tgid) const;
  int32_t HeldCount(uint32_t tgid) const;

  uint32_t slot_count() const { return static_cast<uint32_t>(entries_.size()); }  // slot 0 included
  uint32_t tid_limit() const { return static_cast<uint32_t>(view_.slot_of_tid.size()); }
  int64_t held_total() const { return held_total_; }
  int64_t retiring_total() const { return static_cast<int64_t>(retiring_.size()); }
  uint64_t stray_count() const { return stray_count_; }
  uint64_t push_failure_count() const { return push_failure_count_; }

 private:
  enum class Use : uint8_t { kUnknown, kHeld, kRetiring };
  struct Entry {
    ThreadKey thread;
    Use use = Use::kUnknown;
  };

  void Hold(uint16_t slot, const ThreadKey& thread);
  void Drop(uint16_t slot);  // forgets a held slot
  bool Unpublish(uint32_t tid, uint16_t slot);
  void WriteIdentity(uint16_t slot, const TaskInfo& task);
  void Zero(uint16_t slot);  // and gives its histogram pages back
  void SortFreeStack(int64_t now_ns);
  void ForgetSockets(uint16_t slot);  // sums of those that its thread reads

  const KernelView view_;
  SlotStack* const stack_;
  PagePool pages_;
  int64_t unseen_grace_ns_ = kUnseenGraceNs;
  std::vector<Entry> entries_;                           // by slot
  std::unordered_map<uint32_t, uint16_t> slot_of_held_;  // by tid
  std::unordered_map<uint32_t, int32_t> held_count_;     // by tgid, never 0
  std::multimap<int64_t, uint16_t> retiring_;            // by the end of the grace time
  std::unordered_map<uint32_t, hft_wishes> wishes_of_;   // by tgid; none where nothing is wished
  int64_t held_total_ = 0;
  size_t pushed_unsorted_ = 0;  // slots since the stack's top was sorted
  int64_t sorted_ns_ = 0;
  uint64_t stray_count_ = 0;
  uint64_t push_failure_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_SLOT_TABLE_H_
