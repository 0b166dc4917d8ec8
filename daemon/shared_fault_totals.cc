#include "daemon/shared_fault_totals.h"

#include <fmt/format.h>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

FaultTotal TotalOf(const hft_kernel_sum& sum) {
  return {.count = LoadWord(sum.count),
          .duration_ns = LoadNs(sum.duration_ns),
          .off_cpu_ns = LoadNs(sum.off_cpu_ns),
          .longest_ns = LoadNs(sum.longest_ns)};
}

void Fill(const hft_thread_kernel& memory, ThreadFaultTotal* out) {
  for (size_t kind = 0; kind < out->faults.size(); ++kind) out->faults[kind] = TotalOf(memory.faults[kind]);
  out->reclaim = TotalOf(memory.reclaim);
  out->compaction = TotalOf(memory.compaction);
  out->unended_count = LoadWord(memory.unended_count) + LoadWord(memory.unended_stall_count[HFT_STALL_COMPACTION]) +
                       LoadWord(memory.unended_stall_count[HFT_STALL_RECLAIM]);
  for (size_t reason = 0; reason < out->tlb_flush_count.size(); ++reason)
    out->tlb_flush_count[reason] = LoadWord(memory.tlb_flush_count[reason]);
  out->tlb_full_count = LoadWord(memory.tlb_full_count);
}

}  // namespace

std::string SharedFaultTotals::WhyNot(uint32_t slot) const {
  if (!refusal_.empty()) return refusal_;
  if ((LoadWord(view_.slots[slot].wishes.probes) & HFT_MEMORY) == 0) return "its target does not ask: attach it with --probes memory";
  if (slot >= view_.kernel.size()) {
    return fmt::format("the table of faults is full with the first {} watched threads: watch fewer", view_.kernel.size() - 1);
  }
  return "";
}

std::vector<ThreadFaultTotal> SharedFaultTotals::ThreadsOf(uint32_t tgid) const {
  return ReadSlotsOf<ThreadFaultTotal>(view_, high_water_(), tgid, [this](uint32_t slot, uint32_t generation, ThreadFaultTotal* total) {
    total->unavailable = WhyNot(slot);
    if (total->unavailable.empty() && LoadWord(view_.kernel[slot].generation) == generation) Fill(view_.kernel[slot], total);
  });
}

}  // namespace hftmon
