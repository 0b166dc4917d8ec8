#include "daemon/shared_interrupt_totals.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace hftmon {
namespace {

// Relaxed: each figure stands for itself.
template <typename T>
T Load(const T& word) {
  return std::atomic_ref<T>(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

template <typename T>
int64_t Ns(const T& word) {
  return static_cast<int64_t>(Load(word));
}

}  // namespace

std::optional<ThreadInterruptTotal> SharedInterruptTotals::Read(uint32_t slot, uint32_t tgid) const {
  const hft_thread_slot& words = view_.slots[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  if (std::atomic_ref<__u32>(const_cast<__u32&>(words.state)).load(std::memory_order_acquire) == HFT_SLOT_FREE) return std::nullopt;
  if (Load(words.tgid) != tgid) return std::nullopt;
  const uint32_t generation = Load(words.generation);
  ThreadInterruptTotal total;
  total.thread = {Load(words.tid), tgid, Ns(words.start_ns)};
  const hft_stolen& stolen = view_.stolen[slot];
  // What an earlier owner of the slot lost is not this thread's: the first interrupt of the new one begins anew.
  if (Load(stolen.generation) == generation) {
    total.stretch_max_ns = Ns(stolen.stretch_max_ns);
    for (size_t i = 0; i < HFT_SOURCES; ++i) total.sources[i] = {Load(stolen.count[i]), Ns(stolen.self_ns[i])};
  }
  if (Load(words.state) == HFT_SLOT_FREE || Load(words.generation) != generation) return std::nullopt;
  return total;
}

std::vector<ThreadInterruptTotal> SharedInterruptTotals::ThreadsOf(uint32_t tgid) const {
  std::vector<ThreadInterruptTotal> totals;
  const size_t end = std::min<size_t>({size_t{high_water_()} + 1, view_.slots.size(), view_.stolen.size()});
  for (uint32_t slot = 1; slot < end; ++slot) {
    if (std::optional<ThreadInterruptTotal> total = Read(slot, tgid)) totals.push_back(*total);
  }
  return totals;
}

std::vector<CpuInterruptTotal> SharedInterruptTotals::Cpus() const {
  std::vector<CpuInterruptTotal> totals;
  for (uint32_t cpu = 0; cpu < view_.interrupts.size(); ++cpu) {
    const hft_cpu_interrupts& state = view_.interrupts[cpu];
    CpuInterruptTotal total;
    total.cpu = cpu;
    for (size_t i = 0; i < HFT_SOURCES; ++i) total.sources[i] = {Load(state.sums[i].count), Ns(state.sums[i].self_ns)};
    for (size_t row = 0; row < HFT_DEVICE_ROWS; ++row) {
      const hft_device_row& device = state.devices[row];
      if (Load(device.count) == 0) continue;
      DeviceTotal one;
      if (row != 0) {
        one.irq = Load(device.irq);
        one.name.assign(device.name, strnlen(device.name, sizeof(device.name)));
      }
      one.count = Load(device.count);
      one.unhandled_count = Load(device.unhandled_count);
      one.self_ns = Ns(device.self_ns);
      total.devices.push_back(std::move(one));
    }
    total.steal_mono_ns = Ns(state.steal_mono_ns);
    if (total.steal_mono_ns != 0) total.steal_ns = Ns(state.steal_ns);
    total.unpaired_count = Load(state.unpaired_count);
    total.discarded_count = Load(state.discarded_count);
    totals.push_back(std::move(total));
  }
  return totals;
}

}  // namespace hftmon
