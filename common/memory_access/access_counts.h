// AccessCounts: what many sampled accesses of one thing (a line, an offset, a thread's code) were. A value; sums do not depend on the
// order.
//
// A contended access is one that another core answered: it found the line modified in that core's cache (HITM), or, on Arm, it came from a
// peer core's cache, clean or dirty. Counts are of samples, not of what they stand for; sums of cycles end at 2^64 - 1.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_ACCESS_COUNTS_H_
#define HFTMON_COMMON_MEMORY_ACCESS_ACCESS_COUNTS_H_

#include <cstdint>
#include <optional>

#include "common/memory_access/memory_access.h"

namespace hftmon {

struct AccessCounts {
  uint64_t accesses = 0;
  uint64_t loads = 0;  // a read-modify-write that is told as both counts in both
  uint64_t stores = 0;
  uint64_t locked = 0;         // with a bus lock or the like: it writes too, whatever it is told as
  uint64_t writes = 0;         // stores, or locked
  uint64_t hitm_local = 0;     // from a core of the same socket and node
  uint64_t hitm_remote = 0;    // of another one
  uint64_t hitm_unplaced = 0;  // not told whether near or far
  uint64_t peer = 0;           // from a peer core, and not told as HITM
  uint64_t store_l1_hits = 0;
  uint64_t store_l1_misses = 0;
  uint64_t load_latency_samples = 0;  // loads whose latency was told, contended or not
  uint64_t load_latency_cycles = 0;
  uint64_t contended_latency_samples = 0;  // contended accesses whose latency was told
  uint64_t contended_latency_cycles = 0;
  uint64_t contended_cycles = 0;  // the sum of latency × period of those: an estimate of all that they stand for

  void Add(const MemoryAccess& access);
  void Add(const AccessCounts& other);
  bool operator==(const AccessCounts&) const = default;

  uint64_t hitm() const { return hitm_local + hitm_remote + hitm_unplaced; }
  uint64_t contended() const { return hitm() + peer; }
  // contended_cycles; absent where no contended access told its latency.
  std::optional<uint64_t> estimated_cycles() const;
  // Means of the samples that told their latency; absent where none did.
  std::optional<double> cycles_per_contended() const;
  std::optional<double> cycles_per_load() const;
};

// The line was in another core's cache when it was wanted.
bool IsContended(const MemoryAccess& access);
// It stores, or it is locked: x86 writes even where a locked compare fails.
bool IsWrite(const MemoryAccess& access);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_ACCESS_COUNTS_H_
