// What this host cannot tell of hardware, idle states, counters, cache lines, NUMA balancing and memory, with the host's own reasons: so
// that rules about them are told as not judged.
//
// Reads: HardwareTotals::Sources, FaultTotals::Missing, the capabilities hardware_pmu and sharing, ServiceCore::numa, CounterTotals::state.
// Any thread that may read files.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_OF_HOST_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_OF_HOST_H_

#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/service_core.h"

namespace hftmon {

// `has_lines`: a sampling of memory accesses lies in the window.
void AddMissingOfHost(const ServiceCore& core, const EvidenceContext& context, bool has_lines, std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_OF_HOST_H_
