// StopWait: while it lives, a signal that asks to stop, or the going away of who reads the output, is remembered, and waiting ends with it.
//
// Threads: one; at most one in a process, as SignalWatch.
#ifndef HFTMON_CLIENT_CLI_STOP_WAIT_H_
#define HFTMON_CLIENT_CLI_STOP_WAIT_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "client/cli/signal_watch.h"

namespace hftmon {

class StopWait {
 public:
  // -1: nobody's going away is looked for.
  static absl::StatusOr<std::unique_ptr<StopWait>> Start(int out_fd);
  ~StopWait();
  StopWait(const StopWait&) = delete;
  StopWait& operator=(const StopWait&) = delete;

  // Waits so long, or until the stop comes; at once where it came before. True: it came.
  bool WaitFor(int64_t duration_ns);
  // The same until a moment of CLOCK_MONOTONIC.
  bool WaitUntil(int64_t monotonic_ns);
  // The signal that stopped it; 0 = none.
  int signal() const;

 private:
  StopWait() = default;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  int signal_ = 0;
  std::unique_ptr<SignalWatch> watch_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_STOP_WAIT_H_
