#include "daemon/kept_free_cpus.h"

#include <algorithm>
#include <atomic>

#include "daemon/os/cpu_topology.h"

namespace hftmon {

absl::StatusOr<std::vector<int>> ReadKeptFreeCpus(const FileRoot& root, const KernelView& view) {
  absl::StatusOr<std::vector<int>> free = ReadReservedCpus(root);
  if (!free.ok()) return free;
  for (size_t cpu = 0; cpu < view.cpus.size(); ++cpu) {
    // Relaxed: a rule that comes or goes meanwhile may be in or not.
    if (std::atomic_ref<__u16>(view.cpus[cpu].audited).load(std::memory_order_relaxed) != 0) free->push_back(static_cast<int>(cpu));
  }
  std::sort(free->begin(), free->end());
  free->erase(std::unique(free->begin(), free->end()), free->end());
  return free;
}

}  // namespace hftmon
