#include "daemon/counter_status.h"

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/os/perf_event_error.h"
#include "daemon/slot_reader.h"

namespace hftmon {
namespace {

// Of what is refused without a mend of its own.
constexpr char kSampleElsewhere[] = "mend that reason; Intel (PEBS) and AMD (IBS) sample accesses, on the bare machine";

}  // namespace

CounterLosses CounterLossesOf(std::span<const hft_cpu_counters> cpus) {
  CounterLosses losses;
  for (const hft_cpu_counters& cpu : cpus) {
    losses.failed_reading_count += LoadWord(cpu.failed_count);
    losses.discarded_value_count += LoadWord(cpu.discarded_count);
  }
  return losses;
}

Bound CounterThreadsBound(const KernelView& view) {
  Bound bound{.name = "counter_threads"};
  const size_t end = std::min(view.slots.size(), view.thread_counters.size());
  for (size_t slot = 1; slot < end; ++slot) bound.used += LoadWord(view.slots[slot].state) != HFT_SLOT_FREE ? 1 : 0;
  bound.limit = end == 0 ? 0 : static_cast<int64_t>(end) - 1;  // slot 0 is nobody's
  return bound;
}

Capability CountersCapability(const absl::Status& tried) {
  if (tried.ok()) {
    return {"counters", true, "the kernel's own events, read by each CPU at its threads' switches and ticks", "", false};
  }
  PerfEventRefusal refusal = RefusalOf(tried);
  return {"counters", false, std::move(refusal.reason), std::move(refusal.mend), false};
}

Capability CounterSamplingCapability(const absl::StatusOr<OverflowEvent>& overflow) {
  if (overflow.ok()) return {"counter_sampling", true, overflow->event.name + ": " + overflow->reason, "", false};
  PerfEventRefusal refusal = RefusalOf(overflow.status());
  return {"counter_sampling", false, std::move(refusal.reason), std::move(refusal.mend), false};
}

Capability SharingCapability(const absl::StatusOr<std::vector<SampledEvent>>& events) {
  Capability sharing{.name = "sharing", .available = events.ok()};
  if (events.ok()) {
    for (const SampledEvent& event : *events) sharing.reason += (sharing.reason.empty() ? "" : ", ") + event.name;
    return sharing;
  }
  PerfEventRefusal refusal = RefusalOf(events.status());
  sharing.reason = std::move(refusal.reason);
  sharing.mend = refusal.mend.empty() ? kSampleElsewhere : std::move(refusal.mend);
  return sharing;
}

}  // namespace hftmon
