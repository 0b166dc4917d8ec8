#include "common/perf/perf_event.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace hftmon {
namespace {

enum Type : uint32_t { kHardware, kSoftware, kTracepoint, kHardwareCache, kRaw, kBreakpoint };

constexpr std::string_view kHardwareNames[] = {
    "cycles",        "instructions", "cache-references",        "cache-misses",           "branches",
    "branch-misses", "bus-cycles",   "stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles"};
constexpr std::string_view kSoftwareNames[] = {"cpu-clock",        "task-clock",   "page-faults",  "context-switches",
                                               "cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
                                               "emulation-faults", "dummy",        "bpf-output",   "cgroup-switches"};
constexpr std::string_view kCaches[] = {"L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"};
constexpr std::string_view kOperations[] = {"load", "store", "prefetch"};
constexpr std::string_view kOperationsMany[] = {"loads", "stores", "prefetches"};

// Empty: none.
std::string CacheName(uint64_t config) {
  const uint64_t cache = config & 0xff;
  const uint64_t operation = config >> 8 & 0xff;
  const uint64_t result = config >> 16;
  if (cache >= std::size(kCaches) || operation >= std::size(kOperations) || result > 1) return {};
  if (result == 0) return fmt::format("{}-{}", kCaches[cache], kOperationsMany[operation]);
  return fmt::format("{}-{}-misses", kCaches[cache], kOperations[operation]);
}

}  // namespace

std::string GenericEventName(const PerfAttr& attr) {
  // Where a CPU has several kinds of cores, the upper half says which PMU.
  const uint64_t pmu = attr.config >> 32;
  const uint64_t low = attr.config & 0xffffffff;
  std::string name;
  switch (attr.type) {
    case kHardware:
      if (low < std::size(kHardwareNames)) name = kHardwareNames[low];
      break;
    case kHardwareCache:
      name = CacheName(low);
      break;
    case kSoftware:
      return attr.config < std::size(kSoftwareNames) ? std::string(kSoftwareNames[attr.config]) : fmt::format("software {}", attr.config);
    case kTracepoint:
      return fmt::format("tracepoint {}", attr.config);
    case kRaw:
      return fmt::format("raw {:#x}", attr.config);
    case kBreakpoint:
      return fmt::format("breakpoint {:#x}", attr.config1);
    default:
      break;
  }
  if (name.empty()) return fmt::format("type {} config {:#x}", attr.type, attr.config);
  return pmu == 0 ? name : fmt::format("pmu {} {}", pmu, name);
}

}  // namespace hftmon
