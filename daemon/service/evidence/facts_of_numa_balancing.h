// What the kernel's own balancing of memory between nodes did in watched threads' time.
// Reads: two snapshots of NumaOfThread, and of ThreadFaultTotal's page moves with the reason numa_misplaced (probe group memory).
// Produces: kNumaBalancingWork, one for each thread in whose time there was some.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_NUMA_BALANCING_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_NUMA_BALANCING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"

namespace hftmon {

// `setting`: kernel.numa_balancing now; absent: not known, and nothing is told.
void AddNumaBalancingFacts(const EvidenceContext& context, const SnapshotPair& sums, std::optional<int64_t> setting,
                           std::vector<Fact>* facts);

// Where threads' faults are counted at the window's end alone: snapshots have them only while somebody asks for recommendations.
void AddMissingOfNumaSums(const SnapshotPair& sums, std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_NUMA_BALANCING_H_
