#include "daemon/shared_interrupt_totals.h"

#include <cstring>

#include "daemon/slot_reader.h"

namespace hftmon {

std::vector<ThreadInterruptTotal> SharedInterruptTotals::ThreadsOf(uint32_t tgid) const {
  if (view_.stolen.empty()) return {};
  return ReadSlotsOf<ThreadInterruptTotal>(view_, high_water_(), tgid, [this](uint32_t slot, uint32_t generation, auto* total) {
    // What an earlier owner of the slot lost is not this thread's: the first interrupt of the new one begins anew.
    if (slot >= view_.stolen.size() || LoadWord(view_.stolen[slot].generation) != generation) return;
    const hft_stolen& stolen = view_.stolen[slot];
    total->stretch_max_ns = LoadNs(stolen.stretch_max_ns);
    for (size_t i = 0; i < HFT_SOURCES; ++i) total->sources[i] = {LoadWord(stolen.count[i]), LoadNs(stolen.self_ns[i])};
  });
}

std::vector<CpuInterruptTotal> SharedInterruptTotals::Cpus() const {
  std::vector<CpuInterruptTotal> totals;
  for (uint32_t cpu = 0; cpu < view_.interrupts.size(); ++cpu) {
    const hft_cpu_interrupts& state = view_.interrupts[cpu];
    CpuInterruptTotal total;
    total.cpu = cpu;
    for (size_t i = 0; i < HFT_SOURCES; ++i) total.sources[i] = {LoadWord(state.sums[i].count), LoadNs(state.sums[i].self_ns)};
    for (size_t row = 0; row < HFT_DEVICE_ROWS; ++row) {
      const hft_device_row& device = state.devices[row];
      if (LoadWord(device.count) == 0) continue;
      DeviceTotal one;
      if (row != 0) {
        one.irq = LoadWord(device.irq);
        one.name.assign(device.name, strnlen(device.name, sizeof(device.name)));
      }
      one.count = LoadWord(device.count);
      one.unhandled_count = LoadWord(device.unhandled_count);
      one.self_ns = LoadNs(device.self_ns);
      total.devices.push_back(std::move(one));
    }
    total.steal_mono_ns = LoadNs(state.steal_mono_ns);
    if (total.steal_mono_ns != 0) total.steal_ns = LoadNs(state.steal_ns);
    total.unpaired_count = LoadWord(state.unpaired_count);
    total.discarded_count = LoadWord(state.discarded_count);
    totals.push_back(std::move(total));
  }
  return totals;
}

}  // namespace hftmon
