// Which CPUs a running irqbalance was told to leave alone. Any thread; stateless; a system call or two.
// Reads: /proc/PID/environ, which takes the right to trace that process.
#ifndef HFTMON_DAEMON_OS_IRQBALANCE_BANS_H_
#define HFTMON_DAEMON_OS_IRQBALANCE_BANS_H_

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// IRQBALANCE_BANNED_CPUS (a mask) goes before IRQBALANCE_BANNED_CPULIST, an empty one says nothing. Absent: neither is there, and then
// irqbalance leaves alone those that were isolated or nohz_full when it looked. INVALID_ARGUMENT: it names what is no list.
absl::StatusOr<std::optional<std::vector<int>>> ParseIrqbalanceBans(std::string_view environment);

// Errors as FileRoot, or INVALID_ARGUMENT as above; they name the file.
absl::StatusOr<std::optional<std::vector<int>>> ReadIrqbalanceBans(const FileRoot& root, pid_t pid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_IRQBALANCE_BANS_H_
