// CPUs' sums for a snapshot: visits, work and polls on them.
// Reads: the rules' tables of visits; DeferredTotals and NetworkTotals, where a target asks for them. Produces: the snapshot's visits,
// works, polls. Threads: any but the housekeeping one: the first time that a function is met its name is looked up, some 60 ms.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_CPU_SUMS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_CPU_SUMS_H_

#include <span>

#include "daemon/advice/fact.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/service_core.h"

namespace hftmon {

// CPUs that rules name: their users want them left alone. Ascending, each once.
CpuList AuditedCpus(std::span<const RuleInfo> rules);

// `reserved`: those that the kernel keeps free and those of rules; of others no work is kept, which bounds a snapshot on a large host.
void ReadCpuSums(const ServiceCore& core, std::span<const RuleInfo> rules, const CpuList& reserved, EvidenceSnapshot* snapshot);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_CPU_SUMS_H_
