// The kernel's software events of page faults, one descriptor for each CPU (perf_event_open). Any thread; system calls.
#ifndef HFTMON_DAEMON_OS_SOFTWARE_EVENTS_H_
#define HFTMON_DAEMON_OS_SOFTWARE_EVENTS_H_

#include "absl/status/statusor.h"

namespace hftmon {

enum class FaultEvent { kMinor, kMajor };

// An event that is there at each fault of that CPU, and of which no sample is written: for a program to be attached to. Opening and closing
// it interrupts that CPU once. NOT_FOUND: the CPU is not online. PERMISSION_DENIED, RESOURCE_EXHAUSTED (descriptors) and
// FAILED_PRECONDITION say what helps.
absl::StatusOr<int> OpenFaultEvent(FaultEvent event, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_SOFTWARE_EVENTS_H_
