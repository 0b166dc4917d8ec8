// Errors of calls: gRPC's statuses as absl::Status, with the daemon's details kept.
#ifndef HFTMON_CLIENT_CPP_ERRORS_H_
#define HFTMON_CLIENT_CPP_ERRORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/server_address.h"

namespace grpc {
class Status;
}

namespace hftmon {

// A field of the request that the daemon refused (google.rpc.BadRequest).
struct FieldViolation {
  std::string field;  // path in the request, such as "options.spike_threshold_ns"
  std::string description;
};

// What the daemon said beyond the message. Empty when it said nothing (or when the call never reached it).
struct ErrorDetails {
  std::string reason;                           // google.rpc.ErrorInfo.reason, e.g. "NO_SUCH_PROCESS"; stable, for programs
  std::string domain;                           // "hftmon"
  std::map<std::string, std::string> metadata;  // google.rpc.ErrorInfo.metadata
  std::vector<FieldViolation> violations;
};

// The status of a finished call as absl::Status: same code and message, details as payloads under their type URLs. A daemon that cannot
// be reached and a deadline that passed are explained with their mend. `deadline_ns` 0 = none.
absl::Status FromGrpc(const grpc::Status& status, const ServerAddress& address, int64_t deadline_ns);

// The details that FromGrpc kept.
ErrorDetails DetailsOf(const absl::Status& status);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_ERRORS_H_
