#include "daemon/control/slot_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>

#include "absl/strings/str_format.h"
#include "daemon/control/kernel_times.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

SlotTable::SlotTable(const KernelView& view, SlotStack* stack)
    : view_(view), stack_(stack), pages_(view.histogram_pool), entries_(view.slots.size()) {}

absl::StatusOr<uint16_t> SlotTable::Give(const TaskInfo& task, int64_t now_ns) {
  if (task.tid >= tid_limit()) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "thread %d of process %d is above the thread table, which covers tids below %d (kernel.pid_max when hftmond started): "
        "restart hftmond",
        task.tid, task.tgid, tid_limit()));
  }
  const ThreadKey key{.tid = task.tid, .tgid = task.tgid, .start_ns = task.start_boottime_ns};
  if (const uint16_t published = PublishedSlotOf(task.tid); published != HFT_NO_SLOT) {
    if (Adopt(published, key, now_ns) == Adoption::kHeld) return uint16_t{HFT_NO_SLOT};
    // A dead thread's that nobody took back: an earlier owner of the tid.
    if (IsHeld(published)) {
      Retire(published, now_ns, unseen_grace_ns_);
    } else {
      Unpublish(task.tid, published);
    }
  }
  if (const auto held = slot_of_held_.find(task.tid); held != slot_of_held_.end()) {
    // The thread ended since it was enumerated: its last event is on its way. Else: what an earlier owner of the tid left.
    if (Read(held->second).thread == key) return uint16_t{HFT_NO_SLOT};
    Retire(held->second, now_ns, unseen_grace_ns_);
  }
  absl::StatusOr<uint16_t> slot = stack_->Pop();
  if (!slot.ok()) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "no free slot for thread %d of process %d (%s): %d of %d threads are watched; detach targets, or raise the daemon's limit of "
        "threads (%s)",
        task.tid, task.tgid, task.comm, held_total_, slot_count() - 1, slot.status().message()));
  }
  WriteIdentity(*slot, task);
  uint16_t expected = HFT_NO_SLOT;
  // Release: who finds the slot by its tid finds its identity and base counts. Pairs with the programs' dependent loads.
  if (!std::atomic_ref<uint16_t>(view_.slot_of_tid[task.tid])
           .compare_exchange_strong(expected, *slot, std::memory_order_acq_rel, std::memory_order_acquire)) {
    // The fork hook was faster: ours was never visible to a program, so it goes straight back.
    entries_[*slot].use = Use::kRetiring;
    retiring_.emplace(now_ns, *slot);
    Adopt(expected, key, now_ns);
    return uint16_t{HFT_NO_SLOT};
  }
  Hold(*slot, key);
  return *slot;
}

SlotTable::Adoption SlotTable::Adopt(uint16_t slot, const ThreadKey& thread, int64_t now_ns) {
  if (slot == HFT_NO_SLOT || slot >= entries_.size() || IsRetiring(slot)) return Adoption::kStale;
  const Identity identity = Read(slot);
  if (identity.state == HFT_SLOT_FREE || identity.thread != thread) return Adoption::kStale;
  // An ended thread is out of slot_of_tid already, and its last event is on its way.
  if (identity.state == HFT_SLOT_LIVE && PublishedSlotOf(thread.tid) != slot) {
    ++stray_count_;
    Retire(slot, now_ns);
    return Adoption::kStray;
  }
  const auto prior = slot_of_held_.find(thread.tid);
  if (prior != slot_of_held_.end() && prior->second != slot) {
    if (identity.state == HFT_SLOT_ENDED && entries_[prior->second].thread.start_ns > thread.start_ns) {
      Retire(slot, now_ns, unseen_grace_ns_);  // the tid belongs to a later thread already
      return Adoption::kStale;
    }
    // It lost the duel, or its thread ended unseen and the tid was taken again.
    const bool lost = Read(prior->second).state == HFT_SLOT_LIVE;
    if (lost) ++stray_count_;
    Retire(prior->second, now_ns, lost ? kGraceNs : unseen_grace_ns_);
  }
  Hold(slot, thread);
  return Adoption::kHeld;
}

void SlotTable::RetireEarlierOwner(const ThreadKey& thread, int64_t now_ns) {
  const auto prior = slot_of_held_.find(thread.tid);
  if (prior != slot_of_held_.end() && entries_[prior->second].thread.start_ns < thread.start_ns) {
    Retire(prior->second, now_ns, unseen_grace_ns_);
  }
}

void SlotTable::Retire(uint16_t slot, int64_t now_ns, int64_t grace_ns) {
  if (slot == HFT_NO_SLOT || slot >= entries_.size() || IsRetiring(slot)) return;
  Unpublish(Read(slot).thread.tid, slot);
  if (IsHeld(slot)) {
    Unpublish(entries_[slot].thread.tid, slot);
    Drop(slot);
  }
  Unmark(slot);
  entries_[slot].use = Use::kRetiring;
  retiring_.emplace(now_ns + grace_ns, slot);
}

void SlotTable::RetireProcess(uint32_t tgid, int64_t now_ns, int64_t grace_ns) {
  for (const uint16_t slot : HeldOf(tgid)) Retire(slot, now_ns, grace_ns);
}

// A CPU remembers the slots of threads that it ran, and believes them by this mark alone.
void SlotTable::Unmark(uint16_t slot) {
  StoreRelaxed(view_.slots[slot].task, 0u);
}

void SlotTable::ForgetProgress(uint16_t slot) {
  hft_thread_slot& words = view_.slots[slot];
  Unmark(slot);
  StoreRelaxed(words.out_clock_ns, 0u);
  std::atomic_ref<hft_departure>(words.out).store({}, std::memory_order_relaxed);
}

void SlotTable::Reap(int64_t now_ns) {
  while (!retiring_.empty() && retiring_.begin()->first <= now_ns) {
    const uint16_t slot = retiring_.begin()->second;
    if (LoadRelaxed(view_.slots[slot].task) != 0) {
      // Claimed by a program that had found it just before it was unpublished: its grace time begins anew.
      Unmark(slot);
      retiring_.erase(retiring_.begin());
      retiring_.emplace(now_ns + kGraceNs, slot);
      continue;
    }
    Zero(slot);
    if (!stack_->Push(slot).ok()) {
      // Tried again at the next call; the count shows that something is wrong with the map.
      ++push_failure_count_;
      return;
    }
    retiring_.erase(retiring_.begin());
    entries_[slot] = Entry{};
    ++pushed_unsorted_;
  }
  SortFreeStack(now_ns);
}

// At most half of those that are free as far as is known: a program that takes one meanwhile finds those below. On a table that is nearly
// full, of which programs took many that are not known yet, it may find none, which is counted as ever.
void SlotTable::SortFreeStack(int64_t now_ns) {
  if (pushed_unsorted_ == 0 || now_ns - sorted_ns_ < kSortIntervalNs) return;
  sorted_ns_ = now_ns;
  const int64_t free_total = static_cast<int64_t>(slot_count()) - 1 - held_total_ - retiring_total();
  const size_t wanted = std::min(pushed_unsorted_ + kSortedMax, static_cast<size_t>(std::max<int64_t>(free_total / 2, 0)));
  std::vector<uint16_t> top;
  top.reserve(wanted);
  while (top.size() < wanted) {
    const absl::StatusOr<uint16_t> slot = stack_->Pop();
    if (!slot.ok()) break;
    top.push_back(*slot);
  }
  pushed_unsorted_ = 0;
  std::sort(top.begin(), top.end(), std::greater<>());
  for (const uint16_t slot : top) {
    if (stack_->Push(slot).ok()) continue;
    entries_[slot].use = Use::kRetiring;  // pushed again at the next Reap
    retiring_.emplace(now_ns, slot);
    ++push_failure_count_;
  }
}

SlotTable::Identity SlotTable::Read(uint16_t slot) const {
  hft_thread_slot& words = view_.slots[slot];
  // Acquire: pairs with the release of `state` by WriteIdentity, so that a live slot's identity is whole.
  const auto state = static_cast<hft_slot_state>(std::atomic_ref<__u32>(words.state).load(std::memory_order_acquire));
  return {
      .state = state,
      .thread = {
          .tid = LoadRelaxed(words.tid), .tgid = LoadRelaxed(words.tgid), .start_ns = static_cast<int64_t>(LoadRelaxed(words.start_ns))}};
}

bool SlotTable::IsPublished(uint16_t slot) const {
  return PublishedSlotOf(Read(slot).thread.tid) == slot;
}

uint16_t SlotTable::PublishedSlotOf(uint32_t tid) const {
  if (tid >= tid_limit()) return HFT_NO_SLOT;
  // Acquire: pairs with the publisher's release; the slot's identity was written before.
  return std::atomic_ref<uint16_t>(view_.slot_of_tid[tid]).load(std::memory_order_acquire);
}

std::vector<uint16_t> SlotTable::HeldOf(uint32_t tgid) const {
  std::vector<uint16_t> slots;
  const int32_t count = HeldCount(tgid);
  if (count == 0) return slots;
  slots.reserve(static_cast<size_t>(count));
  for (size_t slot = 1; slot < entries_.size(); ++slot) {
    if (entries_[slot].use == Use::kHeld && entries_[slot].thread.tgid == tgid) slots.push_back(static_cast<uint16_t>(slot));
  }
  return slots;
}

void SlotTable::SetWishes(uint32_t tgid, hft_wishes wishes) {
  const auto known = wishes_of_.find(tgid);
  const hft_wishes before = known == wishes_of_.end() ? hft_wishes{} : known->second;
  if (before.probes == wishes.probes && before.waker == wishes.waker) return;
  wishes_of_[tgid] = wishes;
  if (wishes.probes == 0 && wishes.waker == 0) wishes_of_.erase(tgid);
  for (const uint16_t slot : HeldOf(tgid)) {
    // Sums begin anew with the asking, not where an earlier one left them.
    const uint32_t begun = wishes.probes & ~before.probes;
    if ((begun & HFT_CALLS) != 0 && slot < view_.calls.size()) StoreRelaxed(view_.calls[slot].generation, 0);
    if ((begun & kKernelTimeProbes) != 0 && slot < view_.kernel.size()) {
      // The other's sums go on, and this one's where an earlier asking left them: they are of all times in which it was asked for. What was
      // in progress then is none of now.
      if ((before.probes & kKernelTimeProbes) != 0) {
        ForgetBegun(&view_.kernel[slot], begun);
      } else {
        StoreRelaxed(view_.kernel[slot].generation, 0);
        if (slot < view_.collapses.size()) StoreRelaxed(view_.collapses[slot].generation, 0);
      }
    }
    if ((begun & HFT_NETWORK) != 0) ForgetSockets(slot);
    if ((begun & HFT_COUNTING) != 0 && slot < view_.thread_counters.size()) StoreRelaxed(view_.thread_counters[slot].generation, 0);
    StoreRelaxed(view_.slots[slot].wishes, wishes);
  }
}

void SlotTable::ForgetSockets(uint16_t slot) {
  for (hft_socket_path& path : view_.socket_paths) {
    if (LoadRelaxed(path.slot) == slot) StoreRelaxed(path.generation, 0);
  }
}

int32_t SlotTable::HeldCount(uint32_t tgid) const {
  const auto found = held_count_.find(tgid);
  return found == held_count_.end() ? 0 : found->second;
}

void SlotTable::Hold(uint16_t slot, const ThreadKey& thread) {
  Entry& entry = entries_[slot];
  if (entry.use == Use::kHeld) {
    if (entry.thread == thread) return;
    Drop(slot);  // exec gave the thread another tid
  }
  entry = {.thread = thread, .use = Use::kHeld};
  slot_of_held_[thread.tid] = slot;
  const auto wishes = wishes_of_.find(thread.tgid);
  StoreRelaxed(view_.slots[slot].wishes, wishes == wishes_of_.end() ? hft_wishes{} : wishes->second);
  ++held_count_[thread.tgid];
  ++held_total_;
}

void SlotTable::Drop(uint16_t slot) {
  Entry& entry = entries_[slot];
  const auto by_tid = slot_of_held_.find(entry.thread.tid);
  if (by_tid != slot_of_held_.end() && by_tid->second == slot) slot_of_held_.erase(by_tid);
  const auto count = held_count_.find(entry.thread.tgid);
  if (--count->second == 0) held_count_.erase(count);
  --held_total_;
  entry = Entry{};
}

bool SlotTable::Unpublish(uint32_t tid, uint16_t slot) {
  if (tid >= tid_limit()) return false;
  uint16_t expected = slot;
  // Only ours: the fork hook may have given the tid to another slot meanwhile. Sequentially consistent, as the bits are.
  return std::atomic_ref<uint16_t>(view_.slot_of_tid[tid]).compare_exchange_strong(expected, HFT_NO_SLOT, std::memory_order_seq_cst);
}

void SlotTable::WriteIdentity(uint16_t slot, const TaskInfo& task) {
  hft_thread_slot& words = view_.slots[slot];
  StoreRelaxed(words.tid, task.tid);
  StoreRelaxed(words.tgid, task.tgid);
  StoreRelaxed(words.generation, LoadRelaxed(words.generation) + 1);
  StoreRelaxed(words.start_ns, task.start_boottime_ns);
  StoreRelaxed(words.base_voluntary_count, task.voluntary_count);
  StoreRelaxed(words.base_involuntary_count, task.involuntary_count);
  StoreRelaxed(words.base_run_delay_ns, task.run_delay_ns);
  // Where the counts stand before its first switch under watch.
  StoreRelaxed(words.voluntary_count, task.voluntary_count);
  StoreRelaxed(words.involuntary_count, task.involuntary_count);
  StoreRelaxed(words.run_delay_ns, task.run_delay_ns);
  StoreRelaxed(words.segment_run_delay_ns, task.run_delay_ns);
  // Release: pairs with Read().
  std::atomic_ref<__u32>(words.state).store(HFT_SLOT_LIVE, std::memory_order_release);
}

void SlotTable::Zero(uint16_t slot) {
  using Word = uint64_t __attribute__((may_alias));
  hft_thread_slot& words = view_.slots[slot];
  // Free first: a reader that still knows the slot stops believing it. The generation stays, it tells this use from the next.
  std::atomic_ref<__u32>(words.state).store(HFT_SLOT_FREE, std::memory_order_release);
  StoreRelaxed(words.tid, 0u);
  StoreRelaxed(words.tgid, 0u);
  static_assert(offsetof(hft_thread_slot, start_ns) == 2 * sizeof(uint64_t), "state, tid, tgid and generation fill the first two words");
  std::array<uint16_t, HFT_HISTOGRAMS * HFT_OCTAVE_ENTRIES> pages;
  for (size_t i = 0; i < pages.size(); ++i) pages[i] = LoadRelaxed(words.pages[i / HFT_HISTOGRAMS][i % HFT_HISTOGRAMS]);
  Word* word = reinterpret_cast<Word*>(&words);
  for (size_t i = 2; i < sizeof(words) / sizeof(Word); ++i) __atomic_store_n(&word[i], 0, __ATOMIC_RELAXED);
  for (const uint16_t page : pages) {
    if (page != HFT_NO_PAGE) pages_.GiveBack(page);
  }
}

}  // namespace hftmon
