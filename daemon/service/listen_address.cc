#include "daemon/service/listen_address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace hftmon {
namespace {

constexpr size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::StatusOr<ListenAddress> ParseUnix(const std::string& text, std::string path) {
  if (path.empty() || path[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("listen address '", text, "': the socket's path is not absolute: write unix:/run/hftmon/hftmond.sock"));
  }
  if (path.size() > kUnixPathMax) {
    return absl::InvalidArgumentError(absl::StrCat("listen address '", text, "': the socket's path has ", path.size(),
                                                   " bytes and the kernel takes ", kUnixPathMax, ": choose a shorter one"));
  }
  ListenAddress address;
  address.kind = ListenAddress::Kind::kUnixSocket;
  address.path = std::move(path);
  return address;
}

}  // namespace

std::string ListenAddress::Text() const {
  if (kind == Kind::kUnixSocket) return absl::StrCat("unix:", path);
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) return ParseUnix(text, std::string(rest));

  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen address '", text, "' is neither unix:PATH nor HOST:PORT: write e.g. 127.0.0.1:50051"));
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!IsLoopback(host)) {
    return absl::InvalidArgumentError(absl::StrCat("listen address '", text, "': '", host,
                                                   "' is not a loopback address, and remote clients are refused until there is mutual TLS: "
                                                   "use 127.0.0.1, ::1, localhost or unix:PATH"));
  }
  ListenAddress address;
  address.kind = ListenAddress::Kind::kLoopbackPort;
  address.host = std::move(host);
  address.port = port;
  return address;
}

}  // namespace hftmon
