// LastLevelCaches: the caches that stand before memory, and the CPUs that share each. Passive data.
// Reads: /sys/devices/system/cpu/online, cpuN/cache/indexM/{level,id,size,shared_cpu_list}. Any thread; stateless; system calls, some 50 us
// a CPU.
#ifndef HFTMON_DAEMON_OS_LAST_LEVEL_CACHES_H_
#define HFTMON_DAEMON_OS_LAST_LEVEL_CACHES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct LastLevelCache {
  int level = 0;
  std::optional<int> id;         // what resctrl calls its domain; absent: the kernel does not tell
  std::optional<int64_t> bytes;  // absent: the same
  std::vector<int> cpus;         // online ones, sorted
};

// One for each cache, by their lowest CPU; none where the kernel tells none, as in some guests. Errors: those of ReadOnlineCpus.
absl::StatusOr<std::vector<LastLevelCache>> ReadLastLevelCaches(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_LAST_LEVEL_CACHES_H_
