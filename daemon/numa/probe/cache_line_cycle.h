// CacheLineCycle: lines of memory that are loaded one after the other, each telling where the next is, in an order that no prefetcher
// guesses: one cycle through all of them (Sattolo's algorithm). Pure; one thread.
#ifndef HFTMON_DAEMON_NUMA_PROBE_CACHE_LINE_CYCLE_H_
#define HFTMON_DAEMON_NUMA_PROBE_CACHE_LINE_CYCLE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

inline constexpr size_t kProbeLineBytes = 64;

struct alignas(kProbeLineBytes) CacheLine {
  CacheLine* next = nullptr;
  uint64_t rest[7] = {};
};
static_assert(sizeof(CacheLine) == kProbeLineBytes);

// Every line is written, in order first: that is what touches the memory. From any of them `next` leads through all others and back. Needs
// no more memory. The same seed gives the same cycle.
void MakeCycle(std::span<CacheLine> lines, uint64_t seed);

// Out of every cache of the host, so that the next load of each comes from memory.
void FlushFromCaches(std::span<const CacheLine> lines);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PROBE_CACHE_LINE_CYCLE_H_
