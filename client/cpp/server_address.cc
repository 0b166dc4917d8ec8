#include "client/cpp/server_address.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"

namespace hftmon {
namespace {

absl::Status Invalid(const std::string& text, const char* cause, const char* mend) {
  return absl::InvalidArgumentError(fmt::format("server address '{}': {}: {}", text, cause, mend));
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.rfind("127.", 0) == 0 && host.find_first_not_of("0123456789.") == std::string::npos);
}

// 0 when the socket accepts, else the errno of the failed connection.
int ConnectError(const std::string& socket_path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, socket_path.data(), std::min(socket_path.size(), sizeof(name.sun_path) - 1));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int error = connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

absl::StatusOr<ServerAddress> ServerAddress::Parse(const std::string& text) {
  constexpr char kUnix[] = "unix:";
  if (text.rfind(kUnix, 0) == 0) {
    std::string path = text.substr(strlen(kUnix));
    if (path.rfind("///", 0) == 0) path = path.substr(2);
    if (path.empty()) return Invalid(text, "the socket's path is missing", "write unix:PATH");
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Invalid(text, "the path is longer than the 107 bytes that a Unix socket can have", "use a shorter one");
    }
    return ServerAddress{text, kUnix + path, path};
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return Invalid(text, "neither a socket nor a host with a port", "write unix:PATH or HOST:PORT");
  std::string host = text.substr(0, colon);
  int port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return Invalid(text, "the port is not a number from 1 to 65535", "write HOST:PORT, such as localhost:50051");
  }
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!IsLoopback(host)) {
    return Invalid(text, "only loopback hosts can be reached without mutual TLS, which this release does not have",
                   "forward the port with `ssh -L` and name localhost:PORT");
  }
  return ServerAddress{text, "dns:///" + text, ""};
}

absl::Status ExplainUnreachable(const ServerAddress& address, const std::string& transport_error) {
  const std::string mend = fmt::format(
      "start it with `systemctl start hftmond` or `hftmond --listen {}`, or name another with --server; if it was started just now, wait "
      "for its "
      "line `listening on`",
      address.text);
  if (address.socket_path.empty()) {
    return absl::UnavailableError(fmt::format("no hftmond answers at {}: {}: {}", address.text, transport_error, mend));
  }
  const int error = ConnectError(address.socket_path);
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(
        fmt::format("{}: {}: run as root, or as a member of the group that owns the socket", address.text, strerror(error)));
  }
  if (error == 0 || error == EAGAIN) {
    return absl::UnavailableError(
        fmt::format("hftmond at {} accepts but broke off ({}): see `journalctl -u hftmond` and try again", address.text, transport_error));
  }
  return absl::UnavailableError(fmt::format("no hftmond answers at {} ({}): {}", address.text, strerror(error), mend));
}

}  // namespace hftmon
