#include "common/memory_access/memory_load_table.h"

#include <utility>

namespace hftmon {
namespace {

constexpr AccessLevel kNearestFirst[] = {
    AccessLevel::kL1,         AccessLevel::kLineFillBuffer,   AccessLevel::kL2,          AccessLevel::kL3,
    AccessLevel::kL4,         AccessLevel::kPeerCache,        AccessLevel::kRemoteCache, AccessLevel::kLocalDram,
    AccessLevel::kRemoteDram, AccessLevel::kPersistentMemory, AccessLevel::kCxl,         AccessLevel::kIo,
    AccessLevel::kUncached,   AccessLevel::kUnknown};

LoadLevelRow RowOf(const MemoryLoadSummary& summary, AccessLevel level) {
  const LevelLoads& served = summary.level(level);
  return {.level = level,
          .loads = served.loads,
          .missed = summary.missed(level),
          .latency_count = served.latency.count(),
          .latency_sum_cycles = served.latency.sum_cycles(),
          .latency_max_cycles = served.latency.max_cycles(),
          .latency_p50_cycles = served.latency.PercentileCycles(50),
          .latency_p99_cycles = served.latency.PercentileCycles(99)};
}

}  // namespace

MemoryLoadTable LoadTableOf(const MemoryLoadSummary& summary) {
  MemoryLoadTable table{.loads = summary.loads(),
                        .stores = summary.stores(),
                        .others = summary.others(),
                        .tlb_hits = summary.tlb_hits(),
                        .tlb_misses = summary.tlb_misses(),
                        .tlb_unknown = summary.tlb_unknown(),
                        .tlb_walks = summary.tlb_walks(),
                        .locked = summary.locked(),
                        .lock_unknown = summary.lock_unknown(),
                        .hitm = summary.hitm(),
                        .peer = summary.peer(),
                        .levels = {}};
  for (const AccessLevel level : kNearestFirst) {
    LoadLevelRow row = RowOf(summary, level);
    if (row.loads != 0 || row.missed != 0) table.levels.push_back(std::move(row));
  }
  return table;
}

}  // namespace hftmon
