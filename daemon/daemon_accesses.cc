// The part of the composition root that samples memory accesses on request.
#include <bit>

#include "daemon/daemon.h"
#include "daemon/os/cache_line.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/privileges.h"
#include "daemon/os/proc_maps.h"
#include "daemon/os/thread_ids.h"
#include "daemon/pmu/host_memory_events.h"

namespace hftmon {
namespace {

constexpr uint32_t kUsualLineBytes = 64;

// Of CPUs that the host does not place there is none.
std::vector<std::optional<uint32_t>> NodesOf(const FileRoot& files) {
  std::vector<std::optional<uint32_t>> nodes;
  const absl::StatusOr<CpuTopology> topology = LoadCpuTopology(files);
  if (!topology.ok()) return nodes;
  for (const LogicalCpu& cpu : topology->cpus) {
    if (cpu.cpu < 0 || cpu.numa_node < 0) continue;
    const auto at = static_cast<size_t>(cpu.cpu);
    if (nodes.size() <= at) nodes.resize(at + 1);
    nodes[at] = static_cast<uint32_t>(cpu.numa_node);
  }
  return nodes;
}

uint32_t LineBytesOf(const FileRoot& files) {
  const uint32_t bytes = ReadCacheLineBytes(files).value_or(kUsualLineBytes);
  const bool usable =
      std::has_single_bit(bytes) && bytes >= ContendedLineLimits::kLineBytesMin && bytes <= ContendedLineLimits::kLineBytesMax;
  return usable ? bytes : kUsualLineBytes;
}

}  // namespace

void Daemon::BuildAccesses() {
  HostAccessSampling::Parts parts;
  parts.calls = &perf_calls_;
  parts.memory = &perf_memory_;
  parts.clock = clock_.get();
  parts.threads = [this](pid_t pid) { return ReadThreadIds(files_, pid); };
  parts.facts = [this] { return ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_); };
  parts.events = [this](const PerfEventRefusalFacts& facts, const MemorySamplingWish& wish) {
    return HostMemoryEvents(files_, perf_calls_, facts, wish);
  };
  parts.mappings = [this](uint32_t pid) { return ProcMaps::Read(files_, static_cast<pid_t>(pid)); };
  parts.admit = [this] { return AdmitSampling("sampling memory accesses"); };
  parts.look_at = [this](uint32_t pid, int64_t start_boottime_ns) { return LookAtTarget(pid, start_boottime_ns); };
  parts.node_of_cpu = [this] { return NodesOf(files_); };
  parts.line_bytes = [this] { return LineBytesOf(files_); };
  parts.note = [this](const AccessSamplingPlan& plan, const AccessSamples& samples) {
    sampled_lines_.Note(plan.pid, plan.start_boottime_ns, samples);
  };
  accesses_ = std::make_unique<HostAccessSampling>(std::move(parts));
}

absl::StatusOr<std::vector<SampledEvent>> Daemon::AccessEvents() {
  return HostMemoryEvents(files_, perf_calls_, ReadPerfEventFacts(files_, SystemCapabilities(), perf_calls_), MemorySamplingWish());
}

}  // namespace hftmon
