// RealTimeLimits: by what the kernel takes a CPU from a real-time thread for threads of lower rank.
//
// There are three: its limit for real-time threads (kernel.sched_rt_runtime_us); from Linux 6.12 on the fair server, a deadline server that
// runs waiting ordinary threads for some time of each period (50 ms of a second), and which leaves the limit to kernels with
// CONFIG_RT_GROUP_SCHED; and of a SCHED_DEADLINE thread its own runtime. A record of a switch does not say which.
// Reads: /proc/sys/kernel/{osrelease,sched_rt_runtime_us}, /boot/config-RELEASE,
// /sys/kernel/debug/sched/fair_server/cpuN/{runtime,period} (debugfs may not be there, or not be readable). Any thread; system calls.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_REAL_TIME_LIMITS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_REAL_TIME_LIMITS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "daemon/advice/fact.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct RealTimeLimits {
  std::optional<int64_t> rt_runtime_us;                            // -1: no limit; absent: not known
  std::optional<bool> can_have_fair_server;                        // by the kernel's release; absent: not known
  std::optional<bool> group_scheduling;                            // CONFIG_RT_GROUP_SCHED; absent: not known
  std::function<std::optional<int64_t>(int cpu)> fair_runtime_ns;  // 0: that CPU's is off; absent: not known
};

RealTimeLimits ReadRealTimeLimits(const FileRoot& files);

// "rt_limit", "fair_server"; "either": which of the two is not known. Of a real-time thread on these CPUs.
std::string LimiterOf(const RealTimeLimits& limits, const CpuList& cpus);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_REAL_TIME_LIMITS_H_
