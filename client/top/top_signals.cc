#include "client/top/top_signals.h"

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

sigset_t Set(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TopSignals>> TopSignals::Block() {
  const sigset_t read_here = Set({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP});
  const int fd = signalfd(-1, &read_here, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) {
    return absl::ResourceExhaustedError(
        fmt::format("signals: no descriptor: {}: raise the limit of open files (`ulimit -n`)", strerror(errno)));
  }
  sigset_t former;
  pthread_sigmask(SIG_BLOCK, &read_here, &former);
  return std::unique_ptr<TopSignals>(new TopSignals(fd, former));
}

TopSignals::~TopSignals() {
  pthread_sigmask(SIG_SETMASK, &former_, nullptr);
  close(fd_);
}

int TopSignals::Next() {
  signalfd_siginfo info;
  return read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)) ? static_cast<int>(info.ssi_signo) : 0;
}

void TopSignals::StopHere() {
  const sigset_t stop = Set({SIGTSTP});
  // Pending until it is let through, which stops the whole process at once.
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

}  // namespace hftmon
