// IdleStates: a CPU's idle states as the kernel's cpuidle keeps them: names, target latencies, how often each was entered.
// Reads: /sys/devices/system/cpu/cpuN/cpuidle, which is memory of the kernel's: nothing is sent to that CPU. Any thread; system calls.
#ifndef HFTMON_DAEMON_OS_IDLE_STATES_H_
#define HFTMON_DAEMON_OS_IDLE_STATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct IdleState {
  int index = 0;
  std::string name;
  std::optional<int64_t> target_latency_ns;  // what the driver says that leaving it takes
  std::optional<uint64_t> entry_count;       // since boot
  std::optional<int64_t> duration_ns;        // since boot
  std::optional<bool> disabled;              // by hand, in `disable`
};

// By index. NOT_FOUND: the kernel has no idle driver for that CPU.
absl::StatusOr<std::vector<IdleState>> ReadIdleStates(const FileRoot& root, int cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_IDLE_STATES_H_
