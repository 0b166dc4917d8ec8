#include "daemon/os/listening_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

constexpr mode_t kUmask = 0117;

// A socket's mode is 0777 & ~umask when bind makes it. Process-wide, so only around the bind, at start.
class SocketUmask {
 public:
  SocketUmask() : previous_(umask(kUmask)) {}
  ~SocketUmask() { umask(previous_); }
  SocketUmask(const SocketUmask&) = delete;
  SocketUmask& operator=(const SocketUmask&) = delete;

 private:
  const mode_t previous_;
};

absl::StatusOr<int> Open(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot make a socket");
  return fd;
}

absl::Status BindAndListen(int fd, const sockaddr* address, socklen_t bytes, const std::string& name) {
  if (bind(fd, address, bytes) == 0 && listen(fd, ListeningSocket::kBacklog) == 0) return absl::OkStatus();
  if (errno == EADDRINUSE || errno == EADDRNOTAVAIL) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: the port is taken or the address is not of this host: choose another", name));
  }
  return absl::ErrnoToStatus(errno, fmt::format("cannot listen on {}: choose another address, or let the daemon use this one", name));
}

int PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

absl::StatusOr<ListeningSocket> ListeningSocket::OnPath(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(fmt::format("socket path '{}' is empty or too long: choose another", path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  absl::StatusOr<int> fd = Open(AF_UNIX);
  if (!fd.ok()) return fd.status();
  ListeningSocket listening(*fd, 0);
  const SocketUmask socket_umask;
  absl::Status status = BindAndListen(*fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address), fmt::format("unix:{}", path));
  if (!status.ok()) return status;
  return listening;
}

absl::StatusOr<ListeningSocket> ListeningSocket::OnPort(const std::string& host, int port) {
  const std::string numeric = host == "localhost" ? "127.0.0.1" : host;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = inet_pton(AF_INET6, numeric.c_str(), &v6.sin6_addr) == 1;
  if (!is_v6 && inet_pton(AF_INET, numeric.c_str(), &v4.sin_addr) != 1) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no numeric address: write e.g. 127.0.0.1", host));
  }
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  absl::StatusOr<int> fd = Open(is_v6 ? AF_INET6 : AF_INET);
  if (!fd.ok()) return fd.status();
  ListeningSocket listening(*fd, 0);
  // A restarted daemon gets its port back though old connections still linger; two living ones cannot share it.
  const int one = 1;
  // What is accepted inherits the other: without it the second message of a burst waits for the first one's acknowledgement, 40 ms.
  if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
    return absl::ErrnoToStatus(errno, "cannot set the options of a listening socket");
  }
  const auto* address = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const std::string name = is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  absl::Status status = BindAndListen(*fd, address, is_v6 ? sizeof(v6) : sizeof(v4), name);
  if (!status.ok()) return status;
  listening.port_ = PortOf(*fd);
  return listening;
}

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace hftmon
