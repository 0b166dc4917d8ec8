#include "daemon/os/housekeeping_cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

bool SharesCoreWithReserved(const CpuTopology& topology, int cpu) {
  const std::vector<int> siblings = topology.SiblingsOf(cpu);
  return std::any_of(siblings.begin(), siblings.end(), [&topology](int sibling) { return topology.IsReserved(sibling); });
}

absl::StatusOr<HousekeepingCpu> CheckAsked(const CpuTopology& topology, std::span<const int> allowed, int cpu) {
  if (!topology.IsOnline(cpu)) {
    return absl::InvalidArgumentError(
        fmt::format("housekeeping CPU {} is not online: choose one of {}", cpu, FormatCpuList(topology.online)));
  }
  if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) {
    return absl::InvalidArgumentError(fmt::format(
        "housekeeping CPU {} is not in the affinity mask {} that the daemon was started with: choose one of these, or widen the "
        "mask (CPUAffinity= or AllowedCPUs= of the service, taskset)",
        cpu, FormatCpuList(allowed)));
  }
  return HousekeepingCpu{.cpu = cpu, .reason = "asked for"};
}

}  // namespace

absl::StatusOr<HousekeepingCpu> ChooseHousekeepingCpu(const CpuTopology& topology, std::span<const int> allowed, std::optional<int> asked) {
  if (asked) return CheckAsked(topology, allowed, *asked);
  std::optional<int> best;
  std::tuple<bool, bool, int> best_rank;
  for (const int cpu : allowed) {
    if (!topology.IsOnline(cpu) || topology.IsReserved(cpu)) continue;
    const std::tuple<bool, bool, int> rank = {!SharesCoreWithReserved(topology, cpu), cpu != 0, cpu};
    if (best && rank <= best_rank) continue;
    best = cpu;
    best_rank = rank;
  }
  if (!best) {
    return absl::FailedPreconditionError(fmt::format(
        "no CPU for the housekeeping thread: of the affinity mask {} the daemon was started with, every CPU is offline, isolated "
        "({}) or nohz_full ({}): widen the mask (CPUAffinity= of the service, taskset), or name a CPU to be used all the same",
        FormatCpuList(allowed), FormatCpuList(topology.isolated), FormatCpuList(topology.nohz_full)));
  }
  const bool alone = std::get<0>(best_rank);
  return HousekeepingCpu{
      .cpu = *best,
      .reason = fmt::format("not isolated{}, of the inherited mask {}",
                            alone ? "" : " (but its core's other CPU is: none better is allowed)", FormatCpuList(allowed))};
}

}  // namespace hftmon
