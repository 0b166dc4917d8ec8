#include "common/perf/generic_events.h"

#include <linux/perf_event.h>

#include <array>
#include <cstddef>

namespace hftmon {
namespace {

constexpr uint64_t Cache(uint64_t cache, uint64_t operation, uint64_t result) {
  return cache | operation << 8 | result << 16;
}

constexpr uint64_t kLoad = PERF_COUNT_HW_CACHE_OP_READ;
constexpr uint64_t kStore = PERF_COUNT_HW_CACHE_OP_WRITE;
constexpr uint64_t kPrefetch = PERF_COUNT_HW_CACHE_OP_PREFETCH;
constexpr uint64_t kAll = PERF_COUNT_HW_CACHE_RESULT_ACCESS;
constexpr uint64_t kMiss = PERF_COUNT_HW_CACHE_RESULT_MISS;

// Of those with the same numbers the usual name first. Cached instructions are never stored, TLB entries of instructions and branches
// neither stored nor prefetched.
constexpr std::array kEvents = {
    GenericEvent{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    GenericEvent{"cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    GenericEvent{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    GenericEvent{"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    GenericEvent{"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    GenericEvent{"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    GenericEvent{"branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    GenericEvent{"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    GenericEvent{"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    GenericEvent{"stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    GenericEvent{"stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    GenericEvent{"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
    GenericEvent{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
    GenericEvent{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    GenericEvent{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    GenericEvent{"faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    GenericEvent{"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    GenericEvent{"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    GenericEvent{"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    GenericEvent{"cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    GenericEvent{"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    GenericEvent{"migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    GenericEvent{"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS},
    GenericEvent{"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS},
    GenericEvent{"dummy", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY},
    GenericEvent{"bpf-output", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT},
    GenericEvent{"cgroup-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CGROUP_SWITCHES},
    GenericEvent{"L1-dcache-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kLoad, kAll)},
    GenericEvent{"L1-dcache-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kLoad, kMiss)},
    GenericEvent{"L1-dcache-stores", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kStore, kAll)},
    GenericEvent{"L1-dcache-store-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kStore, kMiss)},
    GenericEvent{"L1-dcache-prefetches", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kPrefetch, kAll)},
    GenericEvent{"L1-dcache-prefetch-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1D, kPrefetch, kMiss)},
    GenericEvent{"L1-icache-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1I, kLoad, kAll)},
    GenericEvent{"L1-icache-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1I, kLoad, kMiss)},
    GenericEvent{"L1-icache-prefetches", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1I, kPrefetch, kAll)},
    GenericEvent{"L1-icache-prefetch-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_L1I, kPrefetch, kMiss)},
    GenericEvent{"LLC-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kLoad, kAll)},
    GenericEvent{"LLC-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kLoad, kMiss)},
    GenericEvent{"LLC-stores", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kStore, kAll)},
    GenericEvent{"LLC-store-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kStore, kMiss)},
    GenericEvent{"LLC-prefetches", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kPrefetch, kAll)},
    GenericEvent{"LLC-prefetch-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_LL, kPrefetch, kMiss)},
    GenericEvent{"dTLB-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kLoad, kAll)},
    GenericEvent{"dTLB-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kLoad, kMiss)},
    GenericEvent{"dTLB-stores", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kStore, kAll)},
    GenericEvent{"dTLB-store-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kStore, kMiss)},
    GenericEvent{"dTLB-prefetches", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kPrefetch, kAll)},
    GenericEvent{"dTLB-prefetch-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_DTLB, kPrefetch, kMiss)},
    GenericEvent{"iTLB-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_ITLB, kLoad, kAll)},
    GenericEvent{"iTLB-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_ITLB, kLoad, kMiss)},
    GenericEvent{"branch-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_BPU, kLoad, kAll)},
    GenericEvent{"branch-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_BPU, kLoad, kMiss)},
    GenericEvent{"node-loads", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kLoad, kAll)},
    GenericEvent{"node-load-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kLoad, kMiss)},
    GenericEvent{"node-stores", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kStore, kAll)},
    GenericEvent{"node-store-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kStore, kMiss)},
    GenericEvent{"node-prefetches", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kPrefetch, kAll)},
    GenericEvent{"node-prefetch-misses", PERF_TYPE_HW_CACHE, Cache(PERF_COUNT_HW_CACHE_NODE, kPrefetch, kMiss)},
};

constexpr auto kNames = [] {
  std::array<std::string_view, kEvents.size()> names;
  for (size_t i = 0; i < kEvents.size(); ++i) names[i] = kEvents[i].name;
  return names;
}();

}  // namespace

std::optional<GenericEvent> FindGenericEvent(std::string_view name) {
  for (const GenericEvent& event : kEvents) {
    if (event.name == name) return event;
  }
  return std::nullopt;
}

std::span<const std::string_view> GenericEventNames() {
  return kNames;
}

std::string_view NameOfGenericEvent(uint32_t type, uint64_t config) {
  for (const GenericEvent& event : kEvents) {
    if (event.type == type && event.config == config) return event.name;
  }
  return {};
}

bool IsOfProcessor(uint32_t type) {
  return type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE;
}

}  // namespace hftmon
