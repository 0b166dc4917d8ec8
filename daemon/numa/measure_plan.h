// MeasurePlan: from which CPU the memory of which node is measured, and why it is not. Pure, any thread.
//
// Only from CPUs that are free for it: the daemon may use them, nobody keeps them free of ordinary work, no watched thread is bound to
// them, and the same holds for those that share their core.
#ifndef HFTMON_DAEMON_NUMA_MEASURE_PLAN_H_
#define HFTMON_DAEMON_NUMA_MEASURE_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/numa_nodes.h"

namespace hftmon {

inline constexpr int64_t kMeasuredBytesMin = int64_t{64} << 20;
inline constexpr int64_t kMeasuredBytesMax = int64_t{256} << 20;
inline constexpr int64_t kMeasuredCaches = 4;     // last-level caches in a buffer
inline constexpr int64_t kMeasuredFreeTimes = 4;  // so many buffers must be free

struct MeasureHost {
  NumaNodes nodes;
  std::vector<int> usable_cpus;             // that the daemon's ordinary threads may use, the loop's not among them; sorted, as the next
  std::vector<int> reserved_cpus;           // isolated, without a tick, or audited by a rule
  std::vector<int> watched_cpus;            // that watched threads are bound to
  std::vector<std::vector<int>> cores;      // CPUs that share a core, of cores with several
  std::optional<int64_t> last_level_bytes;  // the largest cache before memory; absent: not told
};

struct PlannedPair {
  int cpu_node = 0;
  int memory_node = 0;
  std::optional<int> cpu;
  int64_t buffer_bytes = 0;
  std::string reason;  // why it is not measured; empty: it is
};

// Each node with CPUs by each node with memory, by number.
std::vector<PlannedPair> PlanMeasurement(const MeasureHost& host);

// 4 last-level caches, in whole MiB of an even number, within the bounds.
int64_t MeasuredBytes(const MeasureHost& host);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_MEASURE_PLAN_H_
