// AccessSampling: the seam through which the service has a process's memory accesses sampled. Implemented by the daemon, faked in tests.
// Any thread.
#ifndef HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_H_
#define HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/memory_access/contended_line.h"
#include "common/memory_access/memory_load_table.h"
#include "daemon/pmu/process_accesses.h"

namespace hftmon {

struct AccessSamplingPlan {
  uint32_t pid = 0;
  int64_t start_boottime_ns = 0;  // of the process: another one that gets the number is not it
  int64_t duration_ns = 0;
  uint32_t load_latency_cycles = 0;  // this and `period` as MemorySamplingWish has them
  uint64_t period = 0;
  LineOrder order = LineOrder::kCycles;
  size_t lines_max = 0;
};

// Where an address lies in the process.
struct AddressPlace {
  std::string mapping;  // a path, "[heap]", "[stack]", …, "[anonymous]", "[kernel]"
  uint64_t offset = 0;  // in the file, where it is one; else from the mapping's begin; 0 of the kernel
  bool kernel = false;
};

// Absent: nothing known was mapped there, or another thing at the end than at the beginning.
struct LinePlaces {
  std::optional<AddressPlace> data;
  std::vector<std::optional<AddressPlace>> code;  // of the line's sites, one each
};

enum class AccessSamplingEnd : uint8_t { kDuration, kProcessEnded };

struct AccessSamples {
  int64_t begin_mono_ns = 0;  // when the first event was switched on
  int64_t end_mono_ns = 0;    // when all were off
  AccessSamplingEnd end = AccessSamplingEnd::kDuration;
  std::vector<std::string> events;
  MemoryLoadTable loads;
  ContendedLineTable table;
  std::vector<LinePlaces> places;         // of table.lines
  std::vector<LinePlaces> shared_places;  // of table.shared_lines
  std::string places_unavailable;         // why the mappings could never be read; empty: they were
  ProcessAccessCounts counts;
  int64_t daemon_cpu_ns = 0;  // what sampling took of the daemon's own CPUs
};

// One sampling. Its end is its destructor, which waits until it is over: Cancel first, and wait for the result, where waiting is bad.
class AccessSamplingRun {
 public:
  virtual ~AccessSamplingRun() = default;
  // It ends soon, with CANCELLED.
  virtual void Cancel() = 0;
  // nullptr until it is over; valid as long as the object. FAILED_PRECONDITION: this host samples no accesses, with the reason and, where
  // there is one, the mend (reason NO_ACCESS_SAMPLING); or it was refused meanwhile as Begin refuses. NOT_FOUND (reason ENDED): the process
  // ended before it began; (reason NOT_A_TARGET): it was detached, before or meanwhile. PERMISSION_DENIED, RESOURCE_EXHAUSTED: as
  // ProcessAccesses::Open.
  virtual const absl::StatusOr<AccessSamples>* Result() const = 0;
};

class AccessSampling {
 public:
  virtual ~AccessSampling() = default;
  // FAILED_PRECONDITION: quiet mode (reason QUIET), or the daemon is off (reason OFF). RESOURCE_EXHAUSTED (reason SAMPLING): the process is
  // sampled already, or as many as may be are. The object must not outlive this one.
  virtual absl::StatusOr<std::unique_ptr<AccessSamplingRun>> Begin(const AccessSamplingPlan& plan) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_H_
