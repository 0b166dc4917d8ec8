#include "daemon/os/wall_clock_notice.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace hftmon {
namespace {

constexpr int64_t kFarFutureSeconds = 7'258'118'400;  // 2200-01-01

}  // namespace

absl::StatusOr<std::unique_ptr<TimerWallClockNotice>> TimerWallClockNotice::Create() {
  const int fd = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "timerfd_create, for notice of a wall clock that is set");
  std::unique_ptr<TimerWallClockNotice> notice(new TimerWallClockNotice(fd));
  itimerspec timer{};
  timer.it_value.tv_sec = kFarFutureSeconds;
  if (::timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &timer, nullptr) != 0) {
    return absl::ErrnoToStatus(errno, "timerfd_settime, for notice of a wall clock that is set");
  }
  return notice;
}

TimerWallClockNotice::~TimerWallClockNotice() {
  ::close(fd_);
}

bool TimerWallClockNotice::Take() {
  uint64_t expirations;
  // The timer stays armed, and the next step cancels it again.
  return ::read(fd_, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
}

}  // namespace hftmon
