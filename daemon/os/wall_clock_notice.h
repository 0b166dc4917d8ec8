// WallClockNotice: the kernel's own word that CLOCK_REALTIME changed discontinuously, also where the step is too small to be read.
#ifndef HFTMON_DAEMON_OS_WALL_CLOCK_NOTICE_H_
#define HFTMON_DAEMON_OS_WALL_CLOCK_NOTICE_H_

#include <memory>

#include "absl/status/statusor.h"

namespace hftmon {

class WallClockNotice {
 public:
  virtual ~WallClockNotice() = default;
  // Whether the clock was set since the last call. Does not block; one thread at a time.
  virtual bool Take() = 0;
};

// A timer of the far future that the kernel cancels when the clock is set (TFD_TIMER_CANCEL_ON_SET). One system call a look; no privilege.
class TimerWallClockNotice final : public WallClockNotice {
 public:
  // The error of timerfd_create or timerfd_settime, with its cause.
  static absl::StatusOr<std::unique_ptr<TimerWallClockNotice>> Create();
  ~TimerWallClockNotice() override;
  TimerWallClockNotice(const TimerWallClockNotice&) = delete;
  TimerWallClockNotice& operator=(const TimerWallClockNotice&) = delete;

  bool Take() override;

 private:
  explicit TimerWallClockNotice(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_WALL_CLOCK_NOTICE_H_
