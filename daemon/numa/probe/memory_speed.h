// MemorySpeed: how long a load from memory takes, and how fast one CPU reads it in order. One thread, which it keeps busy for kRuns ×
// kRunNs of its CPU time each.
#ifndef HFTMON_DAEMON_NUMA_PROBE_MEMORY_SPEED_H_
#define HFTMON_DAEMON_NUMA_PROBE_MEMORY_SPEED_H_

#include <cstdint>
#include <functional>
#include <span>

#include "daemon/numa/probe/cache_line_cycle.h"

namespace hftmon {

struct MemorySpeed {
  static constexpr int kRuns = 5;
  static constexpr int64_t kRunNs = 5'000'000;

  double value = 0;  // ns a load, or 10^6 bytes a second: the median of the runs
  uint64_t bytes = 0;
};

// CPU time of the calling thread: what others take from it does not count.
using ThreadClock = std::function<int64_t()>;
int64_t ThreadNowNs();

// Dependent loads along the cycle; each run goes on where the one before ended, so that no line is loaded twice before the cycle is round.
MemorySpeed MeasureLoads(std::span<const CacheLine> cycle, const ThreadClock& now_ns);

// Every word, in order, round and round.
MemorySpeed MeasureReading(std::span<const CacheLine> lines, const ThreadClock& now_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PROBE_MEMORY_SPEED_H_
