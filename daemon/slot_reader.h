// ReadSlotsOf: figures of a process's threads, each from its slot and what lies beside it, read whole or not at all.
//
// Total has a `thread`. `fill(slot, generation, &total)` reads the rest with relaxed loads: what belongs to another generation is not this
// thread's. A slot that changed hands meanwhile is left out. Threads: any. Reads mapped memory only. Bound: the slots up to `high_water`,
// the highest that may be in use.
#ifndef HFTMON_DAEMON_SLOT_READER_H_
#define HFTMON_DAEMON_SLOT_READER_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/collectors/kernel_view.h"

namespace hftmon {

// Relaxed: each figure stands for itself.
template <typename T>
T LoadWord(const T& word) {
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

template <typename T>
int64_t LoadNs(const T& word) {
  return static_cast<int64_t>(LoadWord(word));
}

template <typename Total, typename Fill>
std::vector<Total> ReadSlotsOf(const KernelView& view, uint32_t high_water, uint32_t tgid, Fill fill) {
  std::vector<Total> totals;
  const size_t end = std::min<size_t>(size_t{high_water} + 1, view.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) {
    const hft_thread_slot& words = view.slots[slot];
    // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
    if (std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire) == HFT_SLOT_FREE) continue;
    if (LoadWord(words.tgid) != tgid) continue;
    const uint32_t generation = LoadWord(words.generation);
    Total total;
    total.thread = {LoadWord(words.tid), tgid, LoadNs(words.start_ns)};
    fill(slot, generation, &total);
    // Keeps the figures above the second look: another thread's have another generation.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (LoadWord(words.state) == HFT_SLOT_FREE || LoadWord(words.generation) != generation) continue;
    totals.push_back(std::move(total));
  }
  return totals;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SLOT_READER_H_
