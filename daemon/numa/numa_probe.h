// NumaProbe: one pair of a CPU and a node, measured by hftmon-numa-probe, a process of its own. Waits: in a thread that may.
#ifndef HFTMON_DAEMON_NUMA_NUMA_PROBE_H_
#define HFTMON_DAEMON_NUMA_NUMA_PROBE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/numa/measure_plan.h"
#include "daemon/numa/probe_report.h"

namespace hftmon {

// `pair` has a CPU; `path` is the program's. Errors: those of RunBounded (daemon/os/bounded_process.h) and of ParseProbeReport;
// UNAVAILABLE: it says that it could not, in its words.
absl::StatusOr<ProbeReport> RunNumaProbe(const std::string& path, const PlannedPair& pair, int64_t patience_ns,
                                         std::function<bool()> given_up);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_NUMA_PROBE_H_
