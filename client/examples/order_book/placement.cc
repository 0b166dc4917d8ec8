#include "client/examples/order_book/placement.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cpu_list.h"

namespace hftmon::order_book {

absl::StatusOr<Placement> ChoosePlacement(const Options& options, std::span<const int> allowed, bool has_helpers) {
  for (const int cpu : options.cpus) {
    if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) {
      return absl::FailedPreconditionError(
          fmt::format("--cpus: CPU {} is not among those this process may use ({}): name others, or widen them with taskset", cpu,
                      FormatCpuList(allowed)));
    }
  }
  Placement placement;
  const bool one_cpu = allowed.size() < 2 || options.cpus.size() == 1;
  placement.threads = options.threads != 0 ? options.threads : (one_cpu ? 1 : 2);
  if (placement.threads == 2 && allowed.size() < 2) {
    return absl::FailedPreconditionError(
        fmt::format("--threads 2: this process may use CPU {} only: widen that with taskset, or use --threads 1", allowed.front()));
  }
  placement.engine_cpu = options.cpus.empty() ? allowed.back() : options.cpus.back();
  placement.gateway_cpu = placement.engine_cpu;
  if (placement.threads == 2) placement.gateway_cpu = options.cpus.empty() ? allowed[allowed.size() - 2] : options.cpus.front();
  placement.helper_cpu = placement.gateway_cpu;
  // From the last on: the first is where hosts keep their housekeeping.
  for (auto cpu = allowed.rbegin(); cpu != allowed.rend(); ++cpu) {
    if (*cpu == placement.engine_cpu || *cpu == placement.gateway_cpu) continue;
    placement.helper_cpu = *cpu;
    break;
  }
  placement.engine_priority = options.priority;
  const bool shares = has_helpers && placement.threads == 2 && placement.helper_cpu == placement.gateway_cpu;
  placement.gateway_priority = shares ? 0 : options.priority;
  return placement;
}

}  // namespace hftmon::order_book
