// NumaAccesses: how many accesses of a process's threads local and remote memory served, out of the counters that are counted for it
// anyway. Any thread; reads mapped memory.
#ifndef HFTMON_DAEMON_SERVICE_NUMA_ACCESSES_H_
#define HFTMON_DAEMON_SERVICE_NUMA_ACCESSES_H_

#include <cstdint>

#include "daemon/service/service_core.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Sums its living threads, from when the events are counted. Sets `accesses`, or adds why not to `unavailable` (accesses).
void PutNumaAccesses(const ServiceCore& core, uint32_t pid, v1::ProcessPlacement* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NUMA_ACCESSES_H_
