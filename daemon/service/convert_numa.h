// The host's nodes and where memory lies, from the domain to proto. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_

#include <cstdint>

#include "daemon/service/numa_look.h"
#include "daemon/service/thread_nodes.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Everything but the time, and the processes' names and other numbers; processes in the order of the look.
void NumaLookToProto(const NumaLook& look, v1::HeatMapResolution resolution, v1::QueryNumaResponse* out);

// Of each mapping how much lies on other nodes than the process's home (or the nearest one with memory): of pages that were looked at and
// are there. Where it has no home, or none is known, the process's `unavailable` says why. Nothing on a host with one node of memory, of
// which the whole answer says so.
void RemoteSharesToProto(const NumaLookedProcess& process, const NumaNodes& nodes, const HomeNode& home, v1::ProcessPlacement* out);

// Mappings, ranges, threads and devices: what the limit of an answer's rows counts.
int64_t RowsOf(const v1::QueryNumaResponse& response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_NUMA_H_
