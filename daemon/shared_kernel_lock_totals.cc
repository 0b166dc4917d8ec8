#include "daemon/shared_kernel_lock_totals.h"

#include <fmt/format.h>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

void Fill(const hft_thread_kernel& kernel, ThreadKernelLockTotal* out) {
  for (size_t type = 0; type < out->types.size(); ++type) {
    const hft_kernel_sum& sum = kernel.locks[type];
    out->types[type] = {.count = LoadWord(sum.count),
                        .duration_ns = LoadNs(sum.duration_ns),
                        .off_cpu_ns = LoadNs(sum.off_cpu_ns),
                        .longest_ns = LoadNs(sum.longest_ns)};
  }
  out->unended_count =
      LoadWord(kernel.unended_stall_count[HFT_STALL_SPINNING_LOCK]) + LoadWord(kernel.unended_stall_count[HFT_STALL_SLEEPING_LOCK]);
}

}  // namespace

std::string SharedKernelLockTotals::WhyNot(uint32_t slot) const {
  if (!refusal_.empty()) return refusal_;
  if ((LoadWord(view_.slots[slot].wishes.probes) & HFT_KERNEL_LOCKS) == 0) {
    return "its target does not ask: attach it with --probes kernel_locks";
  }
  if (slot >= view_.kernel.size()) {
    return fmt::format("the table of kernel locks is full with the first {} watched threads: watch fewer", view_.kernel.size() - 1);
  }
  return "";
}

std::vector<ThreadKernelLockTotal> SharedKernelLockTotals::ThreadsOf(uint32_t tgid) const {
  return ReadSlotsOf<ThreadKernelLockTotal>(view_, high_water_(), tgid, [this](uint32_t slot, uint32_t generation, auto* total) {
    total->unavailable = WhyNot(slot);
    if (total->unavailable.empty() && LoadWord(view_.kernel[slot].generation) == generation) Fill(view_.kernel[slot], total);
  });
}

}  // namespace hftmon
