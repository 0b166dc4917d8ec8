#include "daemon/shared_fault_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace hftmon {
namespace {

// Relaxed: each figure stands for itself.
template <typename T>
T Load(const T& word) {
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

void Fill(const hft_thread_memory& memory, ThreadFaultTotal* out) {
  for (size_t kind = 0; kind < out->faults.size(); ++kind) {
    const hft_fault_row& row = memory.faults[kind];
    out->faults[kind] = {.count = Load(row.count),
                         .duration_ns = static_cast<int64_t>(Load(row.duration_ns)),
                         .off_cpu_ns = static_cast<int64_t>(Load(row.off_cpu_ns)),
                         .longest_ns = static_cast<int64_t>(Load(row.longest_ns))};
  }
  out->unended_count = Load(memory.unended_count);
  for (size_t reason = 0; reason < out->tlb_flush_count.size(); ++reason)
    out->tlb_flush_count[reason] = Load(memory.tlb_flush_count[reason]);
  out->tlb_full_count = Load(memory.tlb_full_count);
}

}  // namespace

std::string SharedFaultTotals::WhyNot(uint32_t slot) const {
  if (!refusal_.empty()) return refusal_;
  if ((Load(view_.slots[slot].wishes.probes) & HFT_MEMORY) == 0) return "its target does not ask: attach it with --probes memory";
  if (slot >= view_.memory.size()) {
    return fmt::format("the table of faults is full with the first {} watched threads: watch fewer", view_.memory.size() - 1);
  }
  return "";
}

std::optional<ThreadFaultTotal> SharedFaultTotals::Read(uint32_t slot, uint32_t tgid) const {
  const hft_thread_slot& words = view_.slots[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  if (std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire) == HFT_SLOT_FREE) return std::nullopt;
  if (Load(words.tgid) != tgid) return std::nullopt;
  const uint32_t generation = Load(words.generation);
  ThreadFaultTotal total;
  total.thread = {Load(words.tid), tgid, static_cast<int64_t>(Load(words.start_ns))};
  total.unavailable = WhyNot(slot);
  // What an earlier owner of the slot left is not this thread's.
  if (total.unavailable.empty() && Load(view_.memory[slot].generation) == generation) Fill(view_.memory[slot], &total);
  // Keeps the figures above the second look: another thread's have another generation.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (Load(words.state) == HFT_SLOT_FREE || Load(words.generation) != generation) return std::nullopt;
  return total;
}

std::vector<ThreadFaultTotal> SharedFaultTotals::ThreadsOf(uint32_t tgid) const {
  std::vector<ThreadFaultTotal> totals;
  const size_t end = std::min<size_t>(size_t{high_water_()} + 1, view_.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) {
    if (std::optional<ThreadFaultTotal> total = Read(slot, tgid)) totals.push_back(*std::move(total));
  }
  return totals;
}

}  // namespace hftmon
