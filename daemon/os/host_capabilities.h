// HostCapabilities: what this host can measure, and for what it cannot, why and the mend. The `doctor` list. Any thread but the loop.
// Reads: /sys/kernel/btf, /proc/self/schedstat, clock source, perf_event_paranoid, CPU lists, NUMA nodes, cgroups, tracefs, msr PMU.
#ifndef HFTMON_DAEMON_OS_HOST_CAPABILITIES_H_
#define HFTMON_DAEMON_OS_HOST_CAPABILITIES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/os/kernel_clock.h"
#include "daemon/os/privileges.h"

namespace hftmon {

class PtpCalls;

struct HostCapability {
  std::string name;
  bool available = false;
  std::string reason;     // why not; or what was found
  std::string mend;       // the command or change that helps; empty when available
  bool required = false;  // the daemon refuses to start without it
};

// The seams. Nothing is kept open.
struct HostProbes {
  FileRoot root;
  std::string kernel_release;  // uname -r
  bool invariant_tsc = false;
  HasCapability has_capability;
  std::function<int()> open_hardware_counter;       // opens and closes a cycle counter of this thread: 0 or errno
  std::function<size_t()> memory_lock_limit_bytes;  // SIZE_MAX: unlimited
  AdjustClock adjust_clock;
  std::function<int64_t()> tai_offset_ns;  // of CLOCK_TAI; 0: the kernel was told none
  const PtpCalls* ptp_calls = nullptr;     // outlives the reading
};
HostProbes SystemHostProbes();

// Always the same names in the same order.
std::vector<HostCapability> ReadHostCapabilities(const HostProbes& probes);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_HOST_CAPABILITIES_H_
