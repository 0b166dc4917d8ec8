#include "daemon/shared_call_totals.h"

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

CallTotal TotalOf(const hft_call_row& row) {
  return {.syscall = Load(row.syscall),
          .count = Load(row.count),
          .blocked_ns = static_cast<int64_t>(Load(row.blocked_ns)),
          .wait_ns = static_cast<int64_t>(Load(row.wait_ns)),
          .longest_ns = static_cast<int64_t>(Load(row.longest_ns))};
}

}  // namespace

std::string SharedCallTotals::WhyNot(uint32_t slot) const {
  if ((Load(view_.slots[slot].wishes.probes) & HFT_CALLS) == 0) {
    return "its target does not ask (attach it with --probes locks), or is a kernel thread, which makes no calls";
  }
  if (!has_registers_) {
    return "this kernel does not give the registers of a thread to programs, which tell in which call it blocked: Linux 5.15 or newer with "
           "BTF does, on x86-64";
  }
  if (slot >= view_.calls.size()) {
    return fmt::format("its place among the watched threads is {}, and the table of calls has {}: watch fewer threads", slot,
                       view_.calls.size() - 1);
  }
  return "";
}

std::optional<ThreadCallTotal> SharedCallTotals::Read(uint32_t slot, uint32_t tgid) const {
  const hft_thread_slot& words = view_.slots[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  if (std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire) == HFT_SLOT_FREE) return std::nullopt;
  if (Load(words.tgid) != tgid) return std::nullopt;
  const uint32_t generation = Load(words.generation);
  ThreadCallTotal total;
  total.thread = {Load(words.tid), tgid, static_cast<int64_t>(Load(words.start_ns))};
  total.unavailable = WhyNot(slot);
  // What an earlier owner of the slot left is not this thread's.
  if (total.unavailable.empty() && Load(view_.calls[slot].generation) == generation) {
    for (const hft_call_row& row : view_.calls[slot].rows) {
      if (Load(row.count) > 0) total.calls.push_back(TotalOf(row));
    }
    if (Load(view_.calls[slot].others.count) > 0) total.others = TotalOf(view_.calls[slot].others);
  }
  // Keeps the rows above the second look: another thread's have another generation.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (Load(words.state) == HFT_SLOT_FREE || Load(words.generation) != generation) return std::nullopt;
  return total;
}

std::vector<ThreadCallTotal> SharedCallTotals::ThreadsOf(uint32_t tgid) const {
  std::vector<ThreadCallTotal> totals;
  const size_t end = std::min<size_t>(size_t{high_water_()} + 1, view_.slots.size());
  for (uint32_t slot = 1; slot < end; ++slot) {
    if (std::optional<ThreadCallTotal> total = Read(slot, tgid)) totals.push_back(*std::move(total));
  }
  return totals;
}

}  // namespace hftmon
