// /proc/PID/cgroup: which cgroups a process is in. Pure parser, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_CGROUP_H_
#define HFTMON_DAEMON_OS_PROC_CGROUP_H_

#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

// The path in each hierarchy (v1) and in the unified one (v2), each once, without the kernel's " (deleted)". Lines that are none are left
// out. Paths are relative to the reader's cgroup namespace.
std::vector<std::string> ParseProcCgroup(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_CGROUP_H_
