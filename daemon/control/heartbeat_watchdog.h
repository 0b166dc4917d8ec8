// HeartbeatWatchdog: feeds the service manager's watchdog only while the housekeeping loop's counter advances, so that a loop that hangs is
// restarted although the control thread still runs.
//
// Threads: Check() by the control thread, as a periodic job, at an interval well above one turn of the loop.
#ifndef HFTMON_DAEMON_CONTROL_HEARTBEAT_WATCHDOG_H_
#define HFTMON_DAEMON_CONTROL_HEARTBEAT_WATCHDOG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace hftmon {

class HeartbeatWatchdog {
 public:
  // `heartbeat` reads the loop's counter of turns; `feed` tells the service manager.
  HeartbeatWatchdog(std::function<uint64_t()> heartbeat, std::function<void()> feed)
      : heartbeat_(std::move(heartbeat)), feed_(std::move(feed)) {}

  // Feeds when the counter moved since the last call, or at the first call.
  void Check() {
    const uint64_t beat = heartbeat_();
    if (last_beat_ == beat) {
      ++missed_count_;
      return;
    }
    last_beat_ = beat;
    feed_();
  }

  uint64_t missed_count() const { return missed_count_; }

 private:
  const std::function<uint64_t()> heartbeat_;
  const std::function<void()> feed_;
  std::optional<uint64_t> last_beat_;
  uint64_t missed_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_HEARTBEAT_WATCHDOG_H_
