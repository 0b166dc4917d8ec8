// NumaLook: the seam through which the service has the host's nodes read and processes looked at. Implemented by the daemon, faked in
// tests. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_NUMA_LOOK_H_
#define HFTMON_DAEMON_SERVICE_NUMA_LOOK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/numa/bandwidth_rows.h"
#include "daemon/numa/process_placement.h"
#include "daemon/os/device_locality.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/service/process_growth.h"

namespace hftmon {

struct NumaLookProcess {
  uint32_t pid = 0;
  int64_t start_boottime_ns = 0;  // another process that gets the number is not it
  // Their pages are looked at too: at most kPlacementAddressesMax, as ProcessPlacement::asked_pages.
  std::vector<uint64_t> addresses = {};
};

struct NumaLookPlan {
  std::vector<NumaLookProcess> processes;  // none: the host alone
  bool exact = false;                      // as PlacementWish has it
  bool keep_pages = false;                 // every page is looked at by itself: never with `exact`
  uint64_t pages_max = 0;                  // of each process
  int64_t bandwidth_ns = 0;                // for so long, before the processes; 0: not
  int64_t growth_ns = 0;  // page faults of the processes are sampled for so long, one process after the other; 0: they are not
};

struct LocatedThread {
  uint32_t tid = 0;
  std::string comm;
  std::optional<int> last_cpu;    // however long ago that was; absent: it has ended
  std::vector<int> allowed_cpus;  // sorted; empty: not known
};

struct NumaLookedProcess {
  uint32_t pid = 0;
  absl::StatusOr<ProcessPlacement> placement = absl::UnknownError("not looked at");  // NOT_FOUND: it has ended, or it is another one now
  std::vector<LocatedThread> threads;                                                // by tid
  size_t left_out_thread_count = 0;
  std::optional<ProcessGrowth> growth;  // of NumaLookPlan::growth_ns
};

struct NumaLook {
  NumaNodes nodes;
  bool sub_numa_clustering = false;
  DeviceLocalities devices;
  std::vector<NumaLookedProcess> processes;  // as in the plan
  std::optional<HostBandwidth> bandwidth;    // where it was asked for
};

// One look. Its end is its destructor, which waits until it is over: Cancel first, and wait for the result, where waiting is bad.
class NumaLookRun {
 public:
  virtual ~NumaLookRun() = default;
  // It ends at the next pause, with CANCELLED.
  virtual void Cancel() = 0;
  // nullptr until it is over; valid as long as the object. UNAVAILABLE (reason NO_NODES): the host's nodes cannot be read.
  virtual const absl::StatusOr<NumaLook>* Result() const = 0;
};

class NumaLooks {
 public:
  virtual ~NumaLooks() = default;
  // FAILED_PRECONDITION: exact or growth in quiet mode (reason QUIET), or while the daemon is off (reason OFF). RESOURCE_EXHAUSTED (reason
  // SAMPLING): another look goes on. The object must not outlive this one.
  virtual absl::StatusOr<std::unique_ptr<NumaLookRun>> Begin(const NumaLookPlan& plan) = 0;
  // Why this host samples no memory accesses, without which nothing tells of single cache lines; empty: it does.
  virtual std::string CacheLinesUnavailable() = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NUMA_LOOK_H_
