// Growth of a process's memory, to the protocol. Pure.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_GROWTH_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_GROWTH_H_

#include "daemon/os/numa_nodes.h"
#include "daemon/service/process_growth.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Sets growth and first_touches, and growth_bytes of the mappings that `out` has already.
void GrowthToProto(const ProcessGrowth& growth, const NumaNodes& nodes, v1::ProcessPlacement* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_GROWTH_H_
