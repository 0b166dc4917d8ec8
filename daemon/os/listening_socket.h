// ListeningSocket: a bound socket that listens, on a Unix path or a loopback port. Closed with its owner; the path is not removed (see
// UnixSocketLock). Any thread.
#ifndef HFTMON_DAEMON_OS_LISTENING_SOCKET_H_
#define HFTMON_DAEMON_OS_LISTENING_SOCKET_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace hftmon {

class ListeningSocket {
 public:
  static constexpr int kBacklog = 1024;

  // The socket's file has mode 0660 from the moment it exists. Nothing may stand at the path.
  static absl::StatusOr<ListeningSocket> OnPath(const std::string& path);
  // `host` is a numeric address or "localhost", which is 127.0.0.1; port 0 lets the kernel choose. Two daemons never share a port.
  static absl::StatusOr<ListeningSocket> OnPort(const std::string& host, int port);

  ListeningSocket(ListeningSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return fd_; }
  int port() const { return port_; }  // 0 on a path

 private:
  ListeningSocket(int fd, int port) : fd_(fd), port_(port) {}

  int fd_;
  int port_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_LISTENING_SOCKET_H_
