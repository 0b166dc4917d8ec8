// Which numbers of Arm's PMUv3 a processor has. Pure, any thread. Source: the kernel lists in `events` those common ones that the
// processor's PMCEID registers name; it opens any other number too, and that one counts 0 for ever.
#ifndef HFTMON_DAEMON_PMU_ARM_EVENT_NUMBERS_H_
#define HFTMON_DAEMON_PMU_ARM_EVENT_NUMBERS_H_

#include "absl/status/status.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"

namespace hftmon {

// For an encoding of `pmu` in raw numbers; of other PMUs than Arm's it is OK and left as it is. NOT_FOUND: a common number (below 0x40, or
// 0x4000 to 0x403f) that this processor does not have, or that this kernel has no name for. One that it has is no longer
// `number_unchecked`; one of the maker's own always is.
absl::Status CheckArmEventNumber(const Pmu& pmu, EventEncoding* encoding);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_ARM_EVENT_NUMBERS_H_
