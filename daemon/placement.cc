#include "daemon/placement.h"

#include "daemon/os/cpu_topology.h"
#include "daemon/os/housekeeping_cpu.h"

namespace hftmon {

absl::StatusOr<Placement> ChoosePlacement(const FileRoot& files, std::span<const int> allowed, std::optional<int> asked) {
  absl::StatusOr<CpuTopology> topology = LoadCpuTopology(files);
  if (!topology.ok()) return topology.status();
  absl::StatusOr<HousekeepingCpu> chosen = ChooseHousekeepingCpu(*topology, allowed, asked);
  if (!chosen.ok()) return chosen.status();
  Placement placement;
  placement.loop_cpu = chosen->cpu;
  placement.reason = chosen->reason;
  for (int cpu : allowed) {
    if (topology->IsOnline(cpu) && !topology->IsReserved(cpu)) placement.usable_cpus.push_back(cpu);
  }
  placement.facts = ReadHostFacts(*topology, files, placement.usable_cpus.size(), placement.loop_cpu);
  return placement;
}

}  // namespace hftmon
