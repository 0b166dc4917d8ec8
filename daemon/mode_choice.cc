#include "daemon/mode_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/counted.h"

namespace hftmon {

ModeChoice ChooseMode(const HostFacts& facts) {
  if (facts.watched_pinned_here) {
    return {"balanced",
            fmt::format("a watched thread is pinned to the loop's CPU {}: a loop that spins would keep it waiting", facts.loop_cpu)};
  }
  if (facts.loop_cpu_reserved) return {"latency", fmt::format("CPU {} is isolated and was given to the loop", facts.loop_cpu)};
  if (facts.core_shared) {
    return {"balanced", fmt::format("another CPU of CPU {}'s core is isolated: a loop that spins would slow it", facts.loop_cpu)};
  }
  const size_t wanted = facts.is_virtual ? HostFacts::kVirtualCpusForSpinning : HostFacts::kCpusForSpinning;
  const char* host = facts.is_virtual ? "a virtual machine" : "the host";
  if (facts.usable_cpus < wanted) {
    return {"balanced", fmt::format("{} has {}, a loop that spins wants {}", host, Counted(facts.usable_cpus, "usable CPU"), wanted)};
  }
  return {"latency", fmt::format("{} has {}, enough for a loop that spins", host, Counted(facts.usable_cpus, "usable CPU"))};
}

HostFacts ReadHostFacts(const CpuTopology& topology, const FileRoot& files, size_t usable_cpus, int loop_cpu) {
  HostFacts facts;
  facts.usable_cpus = usable_cpus;
  facts.loop_cpu = loop_cpu;
  facts.loop_cpu_reserved = topology.IsReserved(loop_cpu);
  const std::vector<int> siblings = topology.SiblingsOf(loop_cpu);
  facts.core_shared =
      std::any_of(siblings.begin(), siblings.end(), [&](int sibling) { return sibling != loop_cpu && topology.IsReserved(sibling); });
  // x86 says so among the CPU's flags; elsewhere it is not known here, and counts as bare metal.
  const absl::StatusOr<std::string> cpuinfo = files.ReadFile("/proc/cpuinfo");
  facts.is_virtual = cpuinfo.ok() && cpuinfo->find(" hypervisor") != std::string::npos;
  return facts;
}

}  // namespace hftmon
