// ListenAddress: where the server listens. Pure parsing, any thread.
#ifndef HFTMON_DAEMON_SERVICE_LISTEN_ADDRESS_H_
#define HFTMON_DAEMON_SERVICE_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace hftmon {

struct ListenAddress {
  enum class Kind { kUnixSocket, kLoopbackPort };
  Kind kind = Kind::kUnixSocket;
  std::string path;  // kUnixSocket: absolute
  std::string host;  // kLoopbackPort: without brackets
  int port = 0;      // kLoopbackPort: 0 = chosen by the kernel

  // As gRPC takes it: "unix:/run/…", "127.0.0.1:50051", "[::1]:50051".
  std::string Text() const;
};

// `unix:PATH` or `HOST:PORT`. INVALID_ARGUMENT names what is wrong; a host other than 127.0.0.0/8, ::1 or localhost is refused: until
// there is mutual TLS nobody on the network may ask.
absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_LISTEN_ADDRESS_H_
