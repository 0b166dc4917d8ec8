#include "daemon/slot_totals.h"

#include <algorithm>
#include <atomic>

namespace hftmon {
namespace {

template <typename T>
T Load(const T& word) {
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

std::optional<ThreadTotal> SlotTotals::Read(uint32_t slot) const {
  const hft_thread_slot& words = view_.slots[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  const uint32_t state = std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire);
  if (state == HFT_SLOT_FREE) return std::nullopt;
  const uint32_t generation = Load(words.generation);
  ThreadTotal total;
  total.thread = {Load(words.tid), Load(words.tgid), static_cast<int64_t>(Load(words.start_ns))};
  total.voluntary_count = Load(words.voluntary_count);
  total.involuntary_count = Load(words.involuntary_count);
  total.run_delay_ns = static_cast<int64_t>(Load(words.run_delay_ns));
  total.alive = state == HFT_SLOT_LIVE;
  if (total.alive) total.departure = ReadDeparture(slot, generation);
  // The mark goes with the end too.
  total.seen = !total.alive || Load(words.task) != 0;
  if (!total.seen && sleeps_ != nullptr) total.found_asleep_mono_ns = sleeps_->FoundNs(slot, generation);
  if (Load(words.state) == HFT_SLOT_FREE || Load(words.generation) != generation) return std::nullopt;
  return total;
}

std::optional<ThreadDeparture> SlotTotals::ReadDeparture(uint32_t slot, uint32_t generation) const {
  const hft_thread_slot& words = view_.slots[slot];
  // Acquire: what is read below is not older than the mark and the switch-out.
  const auto out_clock_ns =
      static_cast<int64_t>(std::atomic_ref<__u64>(const_cast<__u64&>(words.out_clock_ns)).load(std::memory_order_acquire));
  if (out_clock_ns == 0) {
    // No mark: no program has seen it run since its slot was published.
    EarlierSleep sleep;
    if (sleeps_ == nullptr || Load(words.task) != 0 || !sleeps_->Read(slot, generation, &sleep)) return std::nullopt;
    return ThreadDeparture{.out_clock_ns = -sleep.found_mono_ns, .cpu = sleep.cpu, .kind = HFT_SWITCH_UNKNOWN, .syscall = sleep.syscall};
  }
  const hft_departure out = std::atomic_ref<hft_departure>(const_cast<hft_departure&>(words.out)).load(std::memory_order_acquire);
  // It has come back meanwhile: the departure is another one's.
  if (static_cast<int64_t>(Load(words.out_clock_ns)) != out_clock_ns) return std::nullopt;
  return ThreadDeparture{
      .out_clock_ns = out_clock_ns, .cpu = out.cpu, .kind = static_cast<hft_switch_kind>(out.kind), .syscall = out.syscall};
}

std::optional<ThreadTotal> SlotTotals::Find(const ThreadKey& thread) const {
  if (thread.tid < view_.slot_of_tid.size()) {
    const uint16_t slot = Load(view_.slot_of_tid[thread.tid]);
    if (slot != HFT_NO_SLOT && slot < view_.slots.size()) {
      std::optional<ThreadTotal> total = Read(slot);
      if (total && total->thread == thread) return total;
    }
  }
  // Ended, and not given back yet.
  for (ThreadTotal& total : AllOf(thread.tgid)) {
    if (total.thread == thread) return total;
  }
  return std::nullopt;
}

std::vector<ThreadTotal> SlotTotals::AllOf(uint32_t tgid) const {
  std::vector<ThreadTotal> totals;
  const size_t end = std::min<size_t>(size_t{high_water_()} + 1, view_.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) {
    if (Load(view_.slots[slot].tgid) != tgid) continue;
    if (std::optional<ThreadTotal> total = Read(slot); total && total->thread.tgid == tgid) totals.push_back(*total);
  }
  return totals;
}

uint64_t SlotTotals::DiscardedCount() const {
  uint64_t count = 0;
  const size_t end = std::min<size_t>(size_t{high_water_()} + 1, view_.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) count += Load(view_.slots[slot].discarded_count);
  return count;
}

}  // namespace hftmon
