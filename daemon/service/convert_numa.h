// The host's nodes and where memory lies, from the domain to proto. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_

#include <cstdint>

#include "daemon/service/numa_look.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Everything but the time, and the processes' names and other numbers; processes in the order of the look.
void NumaLookToProto(const NumaLook& look, v1::HeatMapResolution resolution, v1::QueryNumaResponse* out);

// Mappings, ranges, threads and devices: what the limit of an answer's rows counts.
int64_t RowsOf(const v1::QueryNumaResponse& response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_
