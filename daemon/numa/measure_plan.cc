#include "daemon/numa/measure_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

bool Has(const std::vector<int>& sorted, int cpu) {
  return std::binary_search(sorted.begin(), sorted.end(), cpu);
}

// Why the CPU itself may not be used; empty: it may.
std::string WhyNotItself(const MeasureHost& host, int cpu) {
  if (Has(host.reserved_cpus, cpu)) return "kept free of ordinary work";
  if (Has(host.watched_cpus, cpu)) return "a watched thread is bound there";
  return Has(host.usable_cpus, cpu) ? "" : "hftmond may not run there, or its loop does";
}

std::string WhyNot(const MeasureHost& host, int cpu) {
  if (std::string why = WhyNotItself(host, cpu); !why.empty()) return why;
  for (const std::vector<int>& core : host.cores) {
    if (!Has(core, cpu)) continue;
    for (const int sibling : core) {
      if (Has(host.reserved_cpus, sibling) || Has(host.watched_cpus, sibling)) {
        return fmt::format("it shares its core with CPU {}: {}", sibling, WhyNotItself(host, sibling));
      }
    }
  }
  return {};
}

struct ChosenCpu {
  std::optional<int> cpu;
  std::string reason;
};

// The highest that is free: CPU 0 is where the kernel's own work goes.
ChosenCpu ChooseCpu(const MeasureHost& host, const NumaNode& node) {
  std::string reason;
  for (auto cpu = node.cpus.rbegin(); cpu != node.cpus.rend(); ++cpu) {
    const std::string why = WhyNot(host, *cpu);
    if (why.empty()) return {.cpu = *cpu, .reason = {}};
    if (reason.empty()) reason = fmt::format("CPU {}: {}", *cpu, why);
  }
  return {.cpu = std::nullopt,
          .reason = fmt::format("no CPU of node {} (CPUs {}) is free for it ({}{})", node.node, FormatCpuList(node.cpus), reason,
                                node.cpus.size() > 1 ? fmt::format("; {} more alike or otherwise taken", node.cpus.size() - 1) : "")};
}

std::string WhyNoMemory(const NumaNode& node, int64_t buffer_bytes) {
  if (!node.free_bytes) return fmt::format("the kernel does not tell how much memory of node {} is free", node.node);
  if (*node.free_bytes >= kMeasuredFreeTimes * buffer_bytes) return {};
  return fmt::format("node {} has {} MiB of free memory: measuring takes {} MiB, and is done only where {} are free", node.node,
                     *node.free_bytes >> 20, buffer_bytes >> 20, (kMeasuredFreeTimes * buffer_bytes) >> 20);
}

}  // namespace

int64_t MeasuredBytes(const MeasureHost& host) {
  constexpr int64_t kStep = int64_t{2} << 20;
  const int64_t wished = std::clamp(host.last_level_bytes.value_or(0), int64_t{0}, kMeasuredBytesMax) * kMeasuredCaches;
  return std::clamp((wished + kStep - 1) / kStep * kStep, kMeasuredBytesMin, kMeasuredBytesMax);
}

std::vector<PlannedPair> PlanMeasurement(const MeasureHost& host) {
  const int64_t buffer_bytes = MeasuredBytes(host);
  std::vector<PlannedPair> pairs;
  for (const NumaNode& from : host.nodes.nodes) {
    if (from.cpus.empty()) continue;
    const ChosenCpu chosen = ChooseCpu(host, from);
    for (const NumaNode& to : host.nodes.nodes) {
      if (!to.has_memory) continue;
      PlannedPair pair{
          .cpu_node = from.node, .memory_node = to.node, .cpu = chosen.cpu, .buffer_bytes = buffer_bytes, .reason = chosen.reason};
      if (pair.reason.empty()) pair.reason = WhyNoMemory(to, buffer_bytes);
      pairs.push_back(std::move(pair));
    }
  }
  return pairs;
}

}  // namespace hftmon
