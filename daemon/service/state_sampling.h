// StateSampling: the seam through which the service has CPUs' states sampled. Implemented by the daemon, faked in tests. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_STATE_SAMPLING_H_
#define HFTMON_DAEMON_SERVICE_STATE_SAMPLING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/ingest/state_samples.h"

namespace hftmon {

struct StateSamplingPlan {
  std::vector<int> cpus;  // sorted, each once; empty: those that watched threads ran on last
  int64_t duration_ns = 0;
  int64_t interval_ns = 0;
};

// What a sample cannot have, and why.
struct UnsampledState {
  std::string name;
  std::string reason;
};

class StateSampling {
 public:
  virtual ~StateSampling() = default;
  // Begins; OK: the sampling is the caller's until End. NOT_FOUND: a CPU that is not there or not online. FAILED_PRECONDITION: the programs
  // are off, no watched thread says which CPU is meant, or ticks that fast would take a shared CPU from others (reason SHARED_CPU).
  // RESOURCE_EXHAUSTED (reason SAMPLING): somebody samples already.
  virtual absl::Status Begin(const StateSamplingPlan& plan) = 0;
  // nullptr until it is over; valid until End.
  virtual const StateSamples* Result() const = 0;
  virtual void End() = 0;
  virtual std::vector<UnsampledState> Unsampled(const StateSamples& samples) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_STATE_SAMPLING_H_
