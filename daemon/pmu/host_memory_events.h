// The events that sample memory accesses on this host, ready to be opened, or the very reason why there are none. Any thread; files and one
// counter that is opened and closed.
// Reads: what PmuList and ProcessorModel (of one CPU of each kind) do, /sys/devices/system/cpu/online.
#ifndef HFTMON_DAEMON_PMU_HOST_MEMORY_EVENTS_H_
#define HFTMON_DAEMON_PMU_HOST_MEMORY_EVENTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/memory_sampling_events.h"

namespace hftmon {

// Errors as MemorySamplingEvents; and as `doctor` explains the missing hardware counters, where the kernel opens none at all: what samples
// needs them, whatever the lists of events say.
absl::StatusOr<std::vector<SampledEvent>> HostMemoryEvents(const FileRoot& root, PerfEventCalls& calls, const PerfEventRefusalFacts& facts,
                                                           const MemorySamplingWish& wish);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_HOST_MEMORY_EVENTS_H_
