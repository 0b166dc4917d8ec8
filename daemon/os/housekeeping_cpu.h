// Which CPU the housekeeping thread is pinned to. Pure, any thread.
#ifndef HFTMON_DAEMON_OS_HOUSEKEEPING_CPU_H_
#define HFTMON_DAEMON_OS_HOUSEKEEPING_CPU_H_

#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/os/cpu_topology.h"

namespace hftmon {

struct HousekeepingCpu {
  int cpu = 0;
  std::string reason;  // why this one, for the log
};

// `allowed`: the affinity mask that the daemon inherited. `asked`: the operator's choice; then it must be allowed and online (isolated is
// fine: a CPU may have been set apart for the monitor), else INVALID_ARGUMENT.
// Otherwise the best of the allowed, online CPUs that are neither isolated nor nohz_full: one whose SMT siblings are not reserved either
// before one that shares its core, any before CPU 0 (where interrupts and the kernel's own work go), the highest number among equals.
// FAILED_PRECONDITION when none is left; the message names the mend.
absl::StatusOr<HousekeepingCpu> ChooseHousekeepingCpu(const CpuTopology& topology, std::span<const int> allowed, std::optional<int> asked);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_HOUSEKEEPING_CPU_H_
