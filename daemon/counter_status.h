// What a status and `doctor` say of events that threads count and of memory accesses that are sampled. Pure but for the programs' memory,
// which is read with relaxed loads; any thread.
#ifndef HFTMON_DAEMON_COUNTER_STATUS_H_
#define HFTMON_DAEMON_COUNTER_STATUS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/control/status_source.h"
#include "daemon/pmu/overflow_event.h"
#include "daemon/pmu/sampled_place.h"

namespace hftmon {

// Of all CPUs, since the programs were loaded.
struct CounterLosses {
  uint64_t failed_reading_count = 0;
  uint64_t discarded_value_count = 0;
};
CounterLosses CounterLossesOf(std::span<const hft_cpu_counters> cpus);

// Threads, of those that can be counted at once: the first watched ones.
Bound CounterThreadsBound(const KernelView& view);

// `tried`: to open one of the kernel's own events (TryOpen).
Capability CountersCapability(const absl::Status& tried);

// `overflow`: that the daemon would choose.
Capability CounterSamplingCapability(const absl::StatusOr<OverflowEvent>& overflow);

// `events`: of HostMemoryEvents, for a wish with its defaults.
Capability SharingCapability(const absl::StatusOr<std::vector<SampledEvent>>& events);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COUNTER_STATUS_H_
