// Placement: where the daemon's threads may run, chosen from the inherited affinity mask, the topology and the configuration.
#ifndef HFTMON_DAEMON_PLACEMENT_H_
#define HFTMON_DAEMON_PLACEMENT_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/mode_choice.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct Placement {
  int loop_cpu = 0;
  std::string reason;            // why this CPU
  std::vector<int> usable_cpus;  // for the other threads while the loop leaves them its CPU; never an isolated one
  HostFacts facts;               // for the choice of the mode
};

// From the CPUs that are online now. `allowed` is the mask that the daemon was started with, `asked` the CPU that the configuration names
// for the loop. INVALID_ARGUMENT when that cannot be had, FAILED_PRECONDITION when there is none; both name what is there.
absl::StatusOr<Placement> ChoosePlacement(const FileRoot& files, std::span<const int> allowed, std::optional<int> asked);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PLACEMENT_H_
