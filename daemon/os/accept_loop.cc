#include "daemon/os/accept_loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace hftmon {
namespace {

// When the host itself is out of descriptors or memory there is nothing to wait for but time.
constexpr int kPauseMs = 20;
// Below that there is no room for the server's own descriptors and a few clients.
constexpr int64_t kFreeFdsMin = 32;
// Of one socket before the others are looked at.
constexpr int kAcceptsPerTurn = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<AcceptLoop>> AcceptLoop::Create(std::vector<ListeningSocket> sockets, Limits limits,
                                                               OnConnection on_connection) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return absl::ErrnoToStatus(errno, "no descriptor for the accept loop's wake-up");
  // The lowest free number: so many are in use.
  const int64_t free_fds = limits.fds_max() - wake_fd;
  if (free_fds < kFreeFdsMin) {
    close(wake_fd);
    return absl::ResourceExhaustedError(fmt::format(
        "the process may open {} files and has {} open, which leaves too few for clients: raise the limit (ulimit -n, LimitNOFILE)",
        limits.fds_max(), wake_fd));
  }
  limits.reserved_fds = std::min(limits.reserved_fds, free_fds / 2);
  return std::unique_ptr<AcceptLoop>(new AcceptLoop(std::move(sockets), std::move(limits), std::move(on_connection), wake_fd));
}

AcceptLoop::AcceptLoop(std::vector<ListeningSocket> sockets, Limits limits, OnConnection on_connection, int wake_fd)
    : sockets_(std::move(sockets)), limits_(std::move(limits)), on_connection_(std::move(on_connection)), wake_fd_(wake_fd) {}

AcceptLoop::~AcceptLoop() {
  Stop();
  close(wake_fd_);
}

void AcceptLoop::Begin() {
  thread_ = std::thread([this] { Run(); });
}

void AcceptLoop::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    // The counter is zero before: it cannot fail.
    static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
    thread_.join();
  }
  sockets_.clear();
}

void AcceptLoop::Run() {
  std::vector<pollfd> polled;
  for (const ListeningSocket& socket : sockets_) polled.push_back({.fd = socket.fd(), .events = POLLIN, .revents = 0});
  polled.push_back({.fd = wake_fd_, .events = POLLIN, .revents = 0});
  bool pausing = false;
  while (true) {
    // While it pauses only the wake-up is waited for.
    pollfd* const first = pausing ? &polled.back() : polled.data();
    const nfds_t count = pausing ? 1 : polled.size();
    if (poll(first, count, pausing ? kPauseMs : -1) < 0 && errno != EINTR) {
      // No memory, or a limit below the number of sockets: it may pass.
      std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
      continue;
    }
    if (polled.back().revents != 0) return;
    pausing = false;
    for (size_t i = 0; i + 1 < polled.size(); ++i) pausing |= !AcceptFrom(polled[i].fd);
  }
}

// False when it is to be tried again after a pause: the host has no room for a connection.
bool AcceptLoop::AcceptFrom(int listener_fd) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
      // A connection that ended before it was taken; what else comes may stay, and must not be tried without pause.
      if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return false;
      continue;
    }
    // The kernel gives the lowest free number: at least as many are in use.
    if (fd >= limits_.fds_max() - limits_.reserved_fds) {
      refused_count_.fetch_add(1, std::memory_order_relaxed);
      close(fd);
      continue;
    }
    on_connection_(listener_fd, fd);
  }
  return true;
}

}  // namespace hftmon
