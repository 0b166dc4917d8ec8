// Operation: the seam through which the service changes how the daemon operates. Implemented by the daemon, faked in tests. Any thread.
#ifndef HFTMON_DAEMON_CONTROL_OPERATION_H_
#define HFTMON_DAEMON_CONTROL_OPERATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace hftmon {

struct OperationStatus {
  std::string asked_mode;  // auto, latency, balanced, economy
  std::string mode;        // in force
  std::string mode_reason;
  int64_t poll_gap_min_ns = 0;
  int64_t poll_gap_max_ns = 0;
  bool owns_cpu = false;
  std::string other_cpus;  // a CPU list
  bool quiet = false;
  std::optional<int64_t> off_since_mono_ns;  // set while off
  uint64_t off_count = 0;
  int64_t off_total_ns = 0;
};

class Operation {
 public:
  virtual ~Operation() = default;
  // `mode` as OperationStatus.asked_mode; `scheduling` other, fifo or empty (as it is). INVALID_ARGUMENT: none of these.
  virtual absl::Status SetMode(const std::string& mode, const std::string& scheduling) = 0;
  virtual void SetQuiet(bool quiet) = 0;
  // Returns when it is done: see CollectionSwitch. Idempotent.
  virtual absl::Status SetCollecting(bool on) = 0;
  virtual OperationStatus Describe() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_OPERATION_H_
