// Events by the names that libpfm4 knows: the vendors' own of each processor, "skx::MEM_LOAD_RETIRED:L3_MISS:u". Any thread; calls exclude
// each other, the library's state being the process's. Allocates, and the first call reads /sys: never in the loop.
//
// Debian's library for amd64 has neither Arm's processors nor the cores of hybrid ones.
#ifndef HFTMON_DAEMON_PMU_PFM_ENCODER_H_
#define HFTMON_DAEMON_PMU_PFM_ENCODER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/pmu/event_encoding.h"

namespace hftmon {

// `pmu` and `cpus` of the encoding are left empty: the library names PMUs in its own way; an event of the cores has type PERF_TYPE_RAW.
// NOT_FOUND: no event or unit mask of this processor. INVALID_ARGUMENT: a name that is not text, or says how to open the event (period,
// freq, pinned, excl, cpu, mg, mh, hw_smpl), or a value out of range. FAILED_PRECONDITION: known, but this kernel has no PMU for it.
// UNAVAILABLE: the library does not start.
absl::StatusOr<EventEncoding> EncodeByLibrary(std::string_view name);

// "EVENT" and "EVENT:MASK" of the processor's and the kernel's PMUs that the library finds here; at most 65,536.
std::vector<std::string> LibraryEventNames();

// Its name of this processor ("skx"); empty: it does not know it.
std::string LibraryProcessorName();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PFM_ENCODER_H_
