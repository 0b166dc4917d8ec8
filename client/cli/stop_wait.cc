#include "client/cli/stop_wait.h"

#include <chrono>
#include <utility>

namespace hftmon {

absl::StatusOr<std::unique_ptr<StopWait>> StopWait::Start(int out_fd) {
  std::unique_ptr<StopWait> wait(new StopWait);
  auto watch = SignalWatch::Start(out_fd, [raw = wait.get()](const StopEvent& event) {
    const std::lock_guard lock(raw->mutex_);
    raw->stopped_ = true;
    if (raw->signal_ == 0) raw->signal_ = event.signal;
    raw->changed_.notify_all();
  });
  if (!watch.ok()) return watch.status();
  wait->watch_ = *std::move(watch);
  return wait;
}

// Waits for a callback that runs, before what that uses goes.
StopWait::~StopWait() {
  watch_.reset();
}

bool StopWait::WaitFor(int64_t duration_ns) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::nanoseconds(duration_ns), [this] { return stopped_; });
}

bool StopWait::WaitUntil(int64_t monotonic_ns) {
  // The steady clock of this library is CLOCK_MONOTONIC.
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(monotonic_ns)};
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [this] { return stopped_; });
}

int StopWait::signal() const {
  const std::lock_guard lock(mutex_);
  return signal_;
}

}  // namespace hftmon
