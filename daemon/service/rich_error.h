// RichError: errors on the wire. Every failed answer carries google.rpc.ErrorInfo{reason, domain "hftmon"}; one about the request's
// fields carries google.rpc.BadRequest besides. Pure functions, any thread.
#ifndef HFTMON_DAEMON_SERVICE_RICH_ERROR_H_
#define HFTMON_DAEMON_SERVICE_RICH_ERROR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace hftmon {

inline constexpr char kErrorDomain[] = "hftmon";
// Payload of an absl::Status under which an inner layer may state the reason (UPPER_SNAKE_CASE). Without it the code's name stands.
inline constexpr char kErrorReasonPayload[] = "hftmon/reason";

struct FieldViolation {
  std::string field;        // path, e.g. "options.spike_threshold_ns"
  std::string description;  // what is wrong and what is allowed
};

// `message` names the thing, the cause and the mend.
grpc::Status RichError(grpc::StatusCode code, const std::string& reason, const std::string& message,
                       const std::vector<FieldViolation>& violations = {});

// RESOURCE_EXHAUSTED: `message` says what reached the limit and what helps at once; that the setting can be raised is added. ErrorInfo's
// metadata has `limit` (the setting's name) and `value`.
grpc::Status LimitError(const std::string& reason, const std::string& message, const std::string& setting, int64_t value);

// The same for an error of an inner layer; OK stays OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_RICH_ERROR_H_
