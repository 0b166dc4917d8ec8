#include "daemon/shared_call_totals.h"

#include <fmt/format.h>

#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

CallTotal TotalOf(const hft_call_row& row) {
  return {.syscall = LoadWord(row.syscall),
          .count = LoadWord(row.count),
          .blocked_ns = LoadNs(row.blocked_ns),
          .wait_ns = LoadNs(row.wait_ns),
          .longest_ns = LoadNs(row.longest_ns),
          .longest_descriptor = LoadWord(row.longest_descriptor)};
}

}  // namespace

std::string SharedCallTotals::WhyNot(uint32_t slot) const {
  if ((LoadWord(view_.slots[slot].wishes.probes) & HFT_CALLS) == 0) {
    return "its target does not ask (attach it with --probes locks), or is a kernel thread, which makes no calls";
  }
  if (!has_registers_) {
    return "the registers of a thread, which tell in which call it blocked, cannot be reached: through raw tracepoints, before Linux 5.15, "
           "or on machines other than x86-64; `hftmon doctor` says which (locks)";
  }
  if (slot >= view_.calls.size()) {
    return fmt::format("the table of calls is full with the first {} watched threads: watch fewer", view_.calls.size() - 1);
  }
  return "";
}

std::vector<ThreadCallTotal> SharedCallTotals::ThreadsOf(uint32_t tgid) const {
  return ReadSlotsOf<ThreadCallTotal>(view_, high_water_(), tgid, [this](uint32_t slot, uint32_t generation, ThreadCallTotal* total) {
    total->unavailable = WhyNot(slot);
    if (!total->unavailable.empty() || LoadWord(view_.calls[slot].generation) != generation) return;
    for (const hft_call_row& row : view_.calls[slot].rows) {
      if (LoadWord(row.count) > 0) total->calls.push_back(TotalOf(row));
    }
    if (LoadWord(view_.calls[slot].others.count) > 0) total->others = TotalOf(view_.calls[slot].others);
  });
}

}  // namespace hftmon
