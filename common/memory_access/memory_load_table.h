// MemoryLoadTable: what a MemoryLoadSummary says, as plain figures: what is printed and sent. A value.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_TABLE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_TABLE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "common/memory_access/memory_load_summary.h"

namespace hftmon {

struct LoadLevelRow {
  AccessLevel level = AccessLevel::kUnknown;
  uint64_t loads = 0;          // that it served
  uint64_t missed = 0;         // told as a miss of it, without what served them: they are in `loads` of kUnknown
  uint64_t latency_count = 0;  // of `loads`, those that told their latency
  uint64_t latency_sum_cycles = 0;
  std::optional<uint64_t> latency_max_cycles;  // absent where latency_count is 0
  std::optional<uint64_t> latency_p50_cycles;  // these two as LoadLatencies::PercentileCycles has them
  std::optional<uint64_t> latency_p99_cycles;

  bool operator==(const LoadLevelRow&) const = default;
};

// Fields as MemoryLoadSummary's methods of the same names.
struct MemoryLoadTable {
  uint64_t loads = 0;
  uint64_t stores = 0;
  uint64_t others = 0;
  uint64_t tlb_hits = 0;
  uint64_t tlb_misses = 0;
  uint64_t tlb_unknown = 0;
  uint64_t tlb_walks = 0;
  uint64_t locked = 0;
  uint64_t lock_unknown = 0;
  uint64_t hitm = 0;
  uint64_t peer = 0;
  std::vector<LoadLevelRow> levels;  // that served or missed a load; nearest first, what is not known last

  bool operator==(const MemoryLoadTable&) const = default;
};

MemoryLoadTable LoadTableOf(const MemoryLoadSummary& summary);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_TABLE_H_
