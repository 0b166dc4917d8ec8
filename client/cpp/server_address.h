// ServerAddress: where a daemon listens, as the user writes it.
#ifndef HFTMON_CLIENT_CPP_SERVER_ADDRESS_H_
#define HFTMON_CLIENT_CPP_SERVER_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hftmon {

// Where the packaged service listens.
inline constexpr char kDefaultServerAddress[] = "unix:/run/hftmon/hftmond.sock";

struct ServerAddress {
  std::string text;         // as written, for messages
  std::string grpc_target;  // what a gRPC channel takes
  std::string socket_path;  // of a Unix socket; empty for TCP

  // "unix:PATH" or "HOST:PORT" (also "[::1]:PORT") with a loopback host. INVALID_ARGUMENT says what is wrong and what to write.
  static absl::StatusOr<ServerAddress> Parse(const std::string& text);
};

// Why nobody answered at `address`: tries a connection of its own to a Unix socket, so that a missing daemon, a missing right and a
// daemon that hangs up are told apart. Always an UNAVAILABLE or PERMISSION_DENIED status; `transport_error` is gRPC's own words.
absl::Status ExplainUnreachable(const ServerAddress& address, const std::string& transport_error);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_SERVER_ADDRESS_H_
