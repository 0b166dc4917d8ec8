// ThermalThrottle: how often, and how long, a CPU's core and package were slowed down because they were hot (Intel).
// Reads: /sys/devices/system/cpu/cpuN/thermal_throttle, counts that the kernel keeps for each CPU: nothing is sent to it. Any thread.
#ifndef HFTMON_DAEMON_OS_THERMAL_THROTTLE_H_
#define HFTMON_DAEMON_OS_THERMAL_THROTTLE_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Since boot; what this kernel does not tell is absent.
struct ThermalThrottle {
  std::optional<uint64_t> core_count;
  std::optional<int64_t> core_ns;
  std::optional<uint64_t> package_count;
  std::optional<int64_t> package_ns;
};

// NOT_FOUND: this CPU has none.
absl::StatusOr<ThermalThrottle> ReadThermalThrottle(const FileRoot& root, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_THERMAL_THROTTLE_H_
