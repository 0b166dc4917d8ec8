// What a snapshot has beside the sums of interrupts and faults: the hardware's, and those of NUMA balancing.
// Reads: HardwareSums while somebody asks for the probe group hardware; where the kernel balances memory between nodes and if that is
// asked for, NumaOfThread of the threads that have fault sums: each is a file of /proc that reads that thread's task, which its CPU writes,
// so of the first kNumaThreadsMax alone.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_

#include <cstddef>

#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/service_core.h"

namespace hftmon {

inline constexpr size_t kNumaThreadsMax = 256;

// After the threads' fault sums are in it. `hardware` may be null. `numa`: whether threads are asked for balancing's sums. Any thread but
// the housekeeping one: it reads files.
void AddHostSums(const ServiceCore& core, const HardwareSums* hardware, bool numa, EvidenceSnapshot* snapshot);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_SUMS_H_
