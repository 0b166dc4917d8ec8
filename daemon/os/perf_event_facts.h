// What of this host and of the caller's rights decides which perf events may be opened. Any thread.
// Reads: /proc/sys/kernel/perf_event_paranoid.
#ifndef HFTMON_DAEMON_OS_PERF_EVENT_FACTS_H_
#define HFTMON_DAEMON_OS_PERF_EVENT_FACTS_H_

#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/os/privileges.h"

namespace hftmon {

// Whether a caller with those capabilities need not mind that level.
bool IsExemptFromParanoidLevel(int level, const HasCapability& has);

// Opens and closes a counter of this thread. What cannot be read is absent.
PerfEventRefusalFacts ReadPerfEventFacts(const FileRoot& root, const HasCapability& has, PerfEventCalls& calls);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_EVENT_FACTS_H_
