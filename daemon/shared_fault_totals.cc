#include "daemon/shared_fault_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

FaultTotal TotalOf(const hft_kernel_sum& sum) {
  return {.count = LoadWord(sum.count),
          .duration_ns = LoadNs(sum.duration_ns),
          .off_cpu_ns = LoadNs(sum.off_cpu_ns),
          .longest_ns = LoadNs(sum.longest_ns)};
}

// A row is taken before its count is: what it holds meanwhile is not told.
void FillSenders(const hft_thread_kernel& memory, ThreadFaultTotal* out) {
  for (const hft_shootdown_sender& row : memory.senders) {
    const uint64_t count = LoadWord(row.count);
    if (count == 0) continue;
    char comm[HFT_COMM_LENGTH];
    std::memcpy(comm, row.comm, sizeof(comm));
    out->senders.push_back({.tid = LoadWord(row.tid),
                            .tgid = LoadWord(row.tgid),
                            .comm = std::string(comm, std::find(comm, comm + sizeof(comm), '\0')),
                            .stack = LoadWord(row.stack),
                            .count = count,
                            .full_count = LoadWord(row.full_count)});
  }
  out->other_sender_count = LoadWord(memory.other_sender_count);
  out->unknown_sender_count = LoadWord(memory.unknown_sender_count);
}

void Fill(const hft_thread_kernel& memory, ThreadFaultTotal* out) {
  for (size_t kind = 0; kind < out->faults.size(); ++kind) out->faults[kind] = TotalOf(memory.faults[kind]);
  out->reclaim = TotalOf(memory.reclaim);
  out->compaction = TotalOf(memory.compaction);
  out->unended_count = LoadWord(memory.unended_count) + LoadWord(memory.unended_stall_count[HFT_STALL_COMPACTION]) +
                       LoadWord(memory.unended_stall_count[HFT_STALL_RECLAIM]) + LoadWord(memory.unended_stall_count[HFT_STALL_MIGRATION]);
  for (size_t reason = 0; reason < out->tlb_flush_count.size(); ++reason)
    out->tlb_flush_count[reason] = LoadWord(memory.tlb_flush_count[reason]);
  out->tlb_full_count = LoadWord(memory.tlb_full_count);
  out->migration = TotalOf(memory.migration);
  out->moved_page_count = LoadWord(memory.moved_page_count);
  out->unmoved_page_count = LoadWord(memory.unmoved_page_count);
  for (size_t reason = 0; reason < out->migration_reason_count.size(); ++reason)
    out->migration_reason_count[reason] = LoadWord(memory.migration_reason_count[reason]);
  out->collapse_count = LoadWord(memory.collapse_count);
  out->failed_collapse_count = LoadWord(memory.failed_collapse_count);
  FillSenders(memory, out);
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
    if (!total->unavailable.empty() || LoadWord(view_.kernel[slot].generation) != generation) return;
    Fill(view_.kernel[slot], total);
    // Where no sender can be known none is missing.
    if (std::any_of(missing_.begin(), missing_.end(), [](const auto& part) { return part.first == "senders"; })) {
      total->unknown_sender_count = 0;
    }
  });
}

// In the place of its first thread, which has the process's number.
std::optional<CollapseTotal> SharedFaultTotals::CollapsesOf(uint32_t tgid) const {
  if (!refusal_.empty() || tgid >= view_.slot_of_tid.size()) return std::nullopt;
  const uint32_t slot = LoadWord(view_.slot_of_tid[tgid]);
  if (slot >= view_.collapses.size() || slot >= view_.slots.size()) return std::nullopt;
  const hft_process_collapses& collapses = view_.collapses[slot];
  const uint32_t generation = LoadWord(collapses.generation);
  if (LoadWord(view_.slots[slot].tgid) != tgid || generation == 0 || LoadWord(view_.slots[slot].generation) != generation) {
    return std::nullopt;
  }
  return CollapseTotal{
      .count = LoadWord(collapses.count), .failed_count = LoadWord(collapses.failed_count), .last_mono_ns = LoadNs(collapses.last_ns)};
}

}  // namespace hftmon
