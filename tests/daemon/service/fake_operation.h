// FakeOperation: keeps what it was told. Threads: any.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_H_

#include <mutex>
#include <string>
#include <utility>

#include "daemon/control/operation.h"

namespace hftmon {

class FakeOperation : public Operation {
 public:
  absl::Status SetMode(const std::string& mode, const std::string& scheduling) override {
    std::lock_guard lock(mutex_);
    if (!next_error.ok()) return std::exchange(next_error, absl::OkStatus());
    status_.asked_mode = mode;
    status_.mode = mode == "auto" ? "balanced" : mode;
    status_.mode_reason = mode == "auto" ? "the host has 2 usable CPUs" : "asked for";
    scheduling_asked = scheduling;
    return absl::OkStatus();
  }
  void SetQuiet(bool quiet) override {
    std::lock_guard lock(mutex_);
    status_.quiet = quiet;
  }
  absl::Status SetCollecting(bool on) override {
    std::lock_guard lock(mutex_);
    if (!next_error.ok()) return std::exchange(next_error, absl::OkStatus());
    if (on) {
      status_.off_since_mono_ns.reset();
    } else if (!status_.off_since_mono_ns) {
      status_.off_since_mono_ns = 777;
      ++status_.off_count;
    }
    return absl::OkStatus();
  }
  OperationStatus Describe() const override {
    std::lock_guard lock(mutex_);
    return status_;
  }

  // Set between calls.
  absl::Status next_error;
  std::string scheduling_asked;

 private:
  mutable std::mutex mutex_;
  OperationStatus status_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_OPERATION_H_
