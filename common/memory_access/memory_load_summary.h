// MemoryLoadSummary: what served sampled loads, how long they took, and what of the TLB and of locks was told. A value.
//
// Threads: one at a time. Bound: some 200 KiB at most, whatever comes in. Counts are of samples; sums end at 2^64 - 1.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_SUMMARY_H_
#define HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_SUMMARY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/memory_access/memory_access.h"
#include "common/sparse_histogram.h"

namespace hftmon {

// Latencies of loads in cycles: count, sum and maximum are exact, percentiles lie within 1 %.
class LoadLatencies {
 public:
  void Add(uint64_t latency_cycles);
  uint64_t count() const { return count_; }
  uint64_t sum_cycles() const { return sum_cycles_; }
  // Absent where count() is 0.
  std::optional<uint64_t> max_cycles() const;
  std::optional<double> mean_cycles() const;
  // Nearest rank. Absent with too few for it (p50: 20, p99: 1,000), or `percent` not within (0, 100).
  std::optional<uint64_t> PercentileCycles(double percent) const;

  bool operator==(const LoadLatencies&) const = default;

 private:
  uint64_t count_ = 0;
  uint64_t sum_cycles_ = 0;
  uint64_t max_cycles_ = 0;
  SparseHistogram counts_;
};

struct LevelLoads {
  uint64_t loads = 0;     // that it served
  LoadLatencies latency;  // of those that told theirs

  bool operator==(const LevelLoads&) const = default;
};

class MemoryLoadSummary {
 public:
  static constexpr size_t kLevels = static_cast<size_t>(AccessLevel::kUncached) + 1;

  // Stores and what is no access count in stores() and others() alone; a read-modify-write is a load.
  void Add(const MemoryAccess& access);

  uint64_t loads() const { return loads_; }
  uint64_t stores() const { return stores_; }  // that are no loads
  uint64_t others() const { return others_; }  // neither load nor store

  // What served the loads; kUnknown also holds those of which only a miss was told. The counts of all levels sum to loads().
  const LevelLoads& level(AccessLevel level) const { return levels_[static_cast<size_t>(level)]; }
  // Loads told as a miss of that level, without what served them.
  uint64_t missed(AccessLevel level) const { return missed_[static_cast<size_t>(level)]; }

  // Of the loads. hit + miss + unknown = loads().
  uint64_t tlb_hits() const { return tlb_hits_; }
  uint64_t tlb_misses() const { return tlb_misses_; }
  uint64_t tlb_unknown() const { return loads_ - tlb_hits_ - tlb_misses_; }
  uint64_t tlb_walks() const { return tlb_walks_; }

  uint64_t locked() const { return locked_; }
  uint64_t lock_unknown() const { return lock_unknown_; }  // not told whether locked
  // Found modified in another core's cache; local, remote, or not told which.
  uint64_t hitm() const { return hitm_; }
  uint64_t peer() const { return peer_; }  // from a peer core, and not told as HITM

  bool operator==(const MemoryLoadSummary&) const = default;

 private:
  uint64_t loads_ = 0;
  uint64_t stores_ = 0;
  uint64_t others_ = 0;
  std::array<LevelLoads, kLevels> levels_;
  std::array<uint64_t, kLevels> missed_{};
  uint64_t tlb_hits_ = 0;
  uint64_t tlb_misses_ = 0;
  uint64_t tlb_walks_ = 0;
  uint64_t locked_ = 0;
  uint64_t lock_unknown_ = 0;
  uint64_t hitm_ = 0;
  uint64_t peer_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_MEMORY_LOAD_SUMMARY_H_
