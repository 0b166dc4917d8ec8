#include "client/cli/signal_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

namespace hftmon {
namespace {

// Made once and kept for the life of the process: a handler that is still running on another thread when a watch ends must not write into
// a descriptor that has become something else. Both ends are non-blocking.
struct EventPipe {
  int read_fd = -1;
  int write_fd = -1;
  int error = 0;
};

EventPipe& ThePipe() {
  static EventPipe pipe = [] {
    std::array<int, 2> fds{-1, -1};
    const int error = pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
    return EventPipe{fds[0], fds[1], error};
  }();
  return pipe;
}

// What travels through the pipe.
struct PipeEvent {
  int signal;  // 0 = the watch ends
  bool from_terminal;
};

void Post(const PipeEvent& event) {
  // A full pipe holds thousands of events that nobody has read yet: one more says nothing new.
  if (write(ThePipe().write_fd, &event, sizeof(event)) < 0) return;
}

void OnSignal(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  Post(PipeEvent{signal, info->si_code > 0});  // the kernel's own, not kill() or sigqueue()
  errno = saved_errno;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignalWatch>> SignalWatch::Start(int output_fd, Callback callback) {
  if (ThePipe().error != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("signals: no pipe: {}: raise the limit of open files (`ulimit -n`)", strerror(ThePipe().error)));
  }
  PipeEvent stale;
  while (read(ThePipe().read_fd, &stale, sizeof(stale)) > 0) {
  }
  return std::unique_ptr<SignalWatch>(new SignalWatch(output_fd, std::move(callback)));
}

SignalWatch::SignalWatch(int output_fd, Callback callback) : output_fd_(output_fd), callback_(std::move(callback)) {
  struct sigaction action = {};
  action.sa_sigaction = &OnSignal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &former_int_);
  sigaction(SIGTERM, &action, &former_term_);
  thread_ = std::thread([this] { Loop(); });
}

SignalWatch::~SignalWatch() {
  sigaction(SIGINT, &former_int_, nullptr);
  sigaction(SIGTERM, &former_term_, nullptr);
  Post(PipeEvent{0, false});
  thread_.join();
}

void SignalWatch::Loop() {
  for (;;) {
    // A negative descriptor is ignored by poll.
    std::array<pollfd, 2> fds{{{ThePipe().read_fd, POLLIN, 0}, {output_fd_, 0, 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if ((fds[1].revents & (POLLERR | POLLHUP)) != 0) {
      output_fd_ = -1;
      callback_(StopEvent{});
    }
    PipeEvent event;
    while (read(ThePipe().read_fd, &event, sizeof(event)) == static_cast<ssize_t>(sizeof(event))) {
      if (event.signal == 0) return;
      callback_(StopEvent{event.signal, event.from_terminal});
    }
  }
}

}  // namespace hftmon
