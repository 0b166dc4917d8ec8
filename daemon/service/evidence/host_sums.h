// What a snapshot has beside the sums of interrupts and faults: the hardware's, and those of NUMA balancing.
// Reads: HardwareSums while somebody asks for the probe group hardware; where the kernel balances memory between nodes, NumaOfThread of
// the threads that have fault sums: each takes that thread's own lock for a moment, so of the first kNumaThreadsMax alone.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_

#include <cstddef>

#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/service_core.h"

namespace hftmon {

inline constexpr size_t kNumaThreadsMax = 256;

// After the threads' fault sums are in it. `hardware` may be null. Any thread but the housekeeping one: it reads files.
void AddHostSums(const ServiceCore& core, const HardwareSums* hardware, EvidenceSnapshot* snapshot);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_
