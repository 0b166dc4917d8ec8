// What nodes, links and groups moved through memory, from the domain to proto. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_NUMA_BANDWIDTH_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_NUMA_BANDWIDTH_H_

#include <vector>

#include "daemon/numa/bandwidth_rows.h"
#include "daemon/service/numa_look.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Adds bandwidths, links and groups, and what is unavailable of them. `processes` tell whose threads are in a group.
void HostBandwidthToProto(const HostBandwidth& bandwidth, const std::vector<NumaLookedProcess>& processes, v1::QueryNumaResponse* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_NUMA_BANDWIDTH_H_
