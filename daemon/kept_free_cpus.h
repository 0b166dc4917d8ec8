// KeptFreeCpus: CPUs on which their user wants nothing but his own work. Any thread.
// Reads: what ReadReservedCpus reads; the memory in which rules of CPUs stand.
#ifndef HFTMON_DAEMON_KEPT_FREE_CPUS_H_
#define HFTMON_DAEMON_KEPT_FREE_CPUS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Isolated, without a tick, or audited by a rule; sorted.
absl::StatusOr<std::vector<int>> ReadKeptFreeCpus(const FileRoot& root, const KernelView& view);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_KEPT_FREE_CPUS_H_
