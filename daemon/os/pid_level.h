// PidLevel: a process's number in one pid namespace. Passive.
#ifndef HFTMON_DAEMON_OS_PID_LEVEL_H_
#define HFTMON_DAEMON_OS_PID_LEVEL_H_

#include <cstdint>
#include <vector>

namespace hftmon {

struct PidLevel {
  uint64_t inode = 0;  // of the namespace, as in /proc/PID/ns/pid; 0: not known
  int32_t number = 0;
  bool operator==(const PidLevel&) const = default;
};

// From the namespace right below the daemon's own to the innermost. Empty: it is in the daemon's own, or nothing is known.
using PidLevels = std::vector<PidLevel>;

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PID_LEVEL_H_
