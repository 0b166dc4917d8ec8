// Events in the words of one PMU: "event=0xcd,umask=0x1,ldlat=30" or "mem-loads,ldlat=30". Pure, any thread.
#ifndef HFTMON_DAEMON_PMU_SYSFS_EVENTS_H_
#define HFTMON_DAEMON_PMU_SYSFS_EVENTS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"

namespace hftmon {

// `terms` are names of the PMU's events, values of its fields, and whole words (config, config1 …); a value given overrides the same field
// of a named event, whatever their order. NOT_FOUND: a name that this PMU has not, with near ones. INVALID_ARGUMENT: a value too wide for
// its field, missing, or that the named event leaves to the caller; two events, or two values of the same bits; no terms.
// FAILED_PRECONDITION: the kernel's own text of the event is not understood. `name` of the encoding is left empty.
absl::StatusOr<EventEncoding> EncodePmuTerms(const Pmu& pmu, std::string_view terms);

// An encoding of that PMU with all its words zero.
EventEncoding EmptyEncoding(const Pmu& pmu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_SYSFS_EVENTS_H_
