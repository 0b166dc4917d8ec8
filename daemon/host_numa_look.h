// HostNumaLooks: reads the host's nodes and looks where processes' memory lies, on request, in a thread of its own.
//
// Owner: the daemon; what `parts` points to outlives it, and it outlives its runs. Threads: any. Nothing of it runs but while somebody
// asks. One look at a time, of one process after another: a process is never looked at twice at once, and what a look costs stays what its
// answer says. Its thread runs wherever the daemon's other threads may, not on the loop's CPU. In quiet mode and while off no numa_maps is
// read and no fault is sampled.
#ifndef HFTMON_DAEMON_HOST_NUMA_LOOK_H_
#define HFTMON_DAEMON_HOST_NUMA_LOOK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/growth_look.h"
#include "daemon/numa/address_range.h"
#include "daemon/numa/page_locations.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/file_root.h"
#include "daemon/sampled_process.h"
#include "daemon/service/numa_look.h"

namespace hftmon {

// Memory that a program names itself. Passive data.
struct NamedMemory {
  std::vector<AddressRange> ranges;
  std::string why_missing;  // why there is none, or not all; empty: it is all
};

class HostNumaLooks final : public NumaLooks {
 public:
  static constexpr size_t kThreadsMax = 1'024;  // told of a process

  struct Parts {
    FileRoot files;
    PageLocations* locations = nullptr;
    const MonotonicClock* clock = nullptr;
    int64_t page_bytes = 4'096;  // the base page's
    std::function<absl::StatusOr<CpuTopology>()> topology;
    std::function<absl::Status()> admit;  // not OK: quiet mode, or off
    GrowthParts growth;
    LookAtProcess look_at;
    std::function<std::string()> cache_lines_unavailable;  // as NumaLooks::CacheLinesUnavailable
    // As MeasureHostBandwidth.
    std::function<absl::StatusOr<HostBandwidth>(int64_t duration_ns, const std::function<bool(int64_t)>& wait)> bandwidth;
    std::function<NamedMemory(uint32_t pid)> named_memory;  // absent: no process names any
    // Gives free memory back to the kernel: after a look at a process with more than kWholeMappingsMax mappings, whose rows and texts
    // would stay the daemon's. By whoever lets go of the run. Absent: it stays.
    std::function<void()> give_back_memory;
  };

  explicit HostNumaLooks(Parts parts) : parts_(std::move(parts)) {}

  absl::StatusOr<std::unique_ptr<NumaLookRun>> Begin(const NumaLookPlan& plan) override;
  std::string CacheLinesUnavailable() override { return parts_.cache_lines_unavailable(); }

 private:
  class Run;

  const Parts parts_;
  std::atomic<bool> busy_{false};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_NUMA_LOOK_H_
