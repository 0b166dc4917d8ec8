#include "client/cli/pause.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "client/cli/signal_watch.h"

namespace hftmon {

absl::StatusOr<int> Pause(const Console& console, int64_t duration_ns) {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  int signal = 0;
  auto watch = SignalWatch::Start(console.out_fd(), [&](const StopEvent& event) {
    const std::lock_guard lock(mutex);
    stopped = true;
    if (signal == 0) signal = event.signal;
    changed.notify_all();
  });
  if (!watch.ok()) return watch.status();
  {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::nanoseconds(duration_ns), [&] { return stopped; });
  }
  watch->reset();  // waits for a callback that runs
  return signal;
}

}  // namespace hftmon
