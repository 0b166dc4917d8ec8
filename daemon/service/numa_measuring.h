// NumaMeasuring: the seam through which the service has the way between nodes measured. Implemented by the daemon, faked in tests. Any
// thread.
#ifndef HFTMON_DAEMON_SERVICE_NUMA_MEASURING_H_
#define HFTMON_DAEMON_SERVICE_NUMA_MEASURING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/numa/measure_plan.h"

namespace hftmon {

struct MeasuredPair {
  PlannedPair plan;                 // its reason says why there is no value
  std::optional<double> load_ns;    // both or none
  std::optional<double> read_mb_s;  // 10^6 bytes a second
  bool huge_pages = false;
  int64_t page_bytes = 0;               // that the memory was mapped by: the base page's where not all of it was huge; 0: not known
  std::string small_pages_reason = {};  // why they were not huge; empty: they were, or nothing was measured
};

struct NumaMatrix {
  std::vector<MeasuredPair> pairs;  // by the node of the CPU, then of the memory
  uint64_t bytes_moved = 0;         // by those that came to their end
  int64_t elapsed_ns = 0;
};

// All there is: nothing can be chosen yet.
struct NumaMeasureWish {};

// One measurement. Its end is its destructor, which waits until it is over: Cancel first, and wait for the result, where waiting is bad.
class NumaMeasureRun {
 public:
  virtual ~NumaMeasureRun() = default;
  // It ends within 20 ms, with CANCELLED.
  virtual void Cancel() = 0;
  // nullptr until it is over; valid as long as the object. UNAVAILABLE (reason NO_NODES): the host's nodes or CPUs cannot be read.
  virtual const absl::StatusOr<NumaMatrix>* Result() const = 0;
};

class NumaMeasuring {
 public:
  virtual ~NumaMeasuring() = default;
  // FAILED_PRECONDITION: quiet mode (reason QUIET), or off (reason OFF). RESOURCE_EXHAUSTED (reason SAMPLING): somebody measures already.
  // The object must not outlive this one.
  virtual absl::StatusOr<std::unique_ptr<NumaMeasureRun>> Begin(const NumaMeasureWish& wish) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NUMA_MEASURING_H_
