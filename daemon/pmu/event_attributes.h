// From an EventEncoding to the kernel's own struct: the one place that knows both, and whether the kernel takes it. Any thread.
#ifndef HFTMON_DAEMON_PMU_EVENT_ATTRIBUTES_H_
#define HFTMON_DAEMON_PMU_EVENT_ATTRIBUTES_H_

#include <linux/perf_event.h>

#include "absl/status/status.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/event_encoding.h"

namespace hftmon {

// Whether the kernel headers of this build have config3: those from 6.3 on, whose struct has 136 bytes.
inline constexpr bool kHeadersHaveConfig3 = sizeof(perf_event_attr) >= 136;

// Size, type, configs, precise_ip and exclusions; all else 0, so it counts and is switched on.
// Requires: no config3 where the headers have none. Names that a user gave go through TryOpen first.
perf_event_attr AttributesOf(const EventEncoding& encoding);

// Opens the event switched off and closes it again: of the calling thread, or where it is not per thread of the first of its CPUs (0 where
// it names none), which is interrupted. With a precise_ip it samples, since the kernel refuses a precise event that does not.
// What the kernel takes only in a group (mem-loads beside mem-loads-aux) or with a sample period (ibs_op) it refuses here.
// FAILED_PRECONDITION also: a config3 that this build cannot hand on. Else as ExplainPerfEventError says, "reason: mend".
absl::Status TryOpen(PerfEventCalls& calls, const EventEncoding& encoding, const PerfEventRefusalFacts& facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_EVENT_ATTRIBUTES_H_
