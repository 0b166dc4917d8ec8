#include "daemon/service/rich_error.h"
#include "common/utf8.h"

#include "absl/strings/cord.h"
#include "daemon/control/limit_reached.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/error_details.h"

namespace hftmon {

namespace {

struct ReachedLimit {
  std::string setting;
  std::string value;
};

grpc::Status MakeError(grpc::StatusCode code, const std::string& reason, const std::string& text,
                       const std::vector<FieldViolation>& violations, const ReachedLimit& limit) {
  const std::string message = ValidUtf8(text);  // it may quote a process's name
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kErrorDomain);
  if (!limit.setting.empty()) {
    (*info.mutable_metadata())["limit"] = limit.setting;
    (*info.mutable_metadata())["value"] = limit.value;
  }
  details.add_details()->PackFrom(info);
  if (!violations.empty()) {
    google::rpc::BadRequest bad_request;
    for (const FieldViolation& violation : violations) {
      auto* field = bad_request.add_field_violations();
      field->set_field(violation.field);
      field->set_description(violation.description);
    }
    details.add_details()->PackFrom(bad_request);
  }
  grpc::Status answer;
  const grpc::Status packed = grpc::SetErrorDetails(details, &answer);
  return packed.ok() ? answer : grpc::Status(code, message);
}

}  // namespace

grpc::Status RichError(grpc::StatusCode code, const std::string& reason, const std::string& message,
                       const std::vector<FieldViolation>& violations) {
  return MakeError(code, reason, message, violations, {});
}

grpc::Status LimitError(const std::string& reason, const std::string& message, const std::string& setting, int64_t value) {
  absl::Status status = LimitReached(message, setting, value);
  status.SetPayload(kErrorReasonPayload, absl::Cord(reason));
  return ToGrpcStatus(status);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string reason = absl::StatusCodeToString(status.code());
  if (const auto payload = status.GetPayload(kErrorReasonPayload)) reason = std::string(*payload);
  // The numbers of both code sets are the canonical ones.
  ReachedLimit limit;
  if (const auto payload = status.GetPayload(kLimitPayload)) {
    const std::string text(*payload);
    const size_t equals = text.find('=');
    if (equals != std::string::npos) limit = {text.substr(0, equals), text.substr(equals + 1)};
  }
  return MakeError(static_cast<grpc::StatusCode>(status.raw_code()), reason, std::string(status.message()), {}, limit);
}

}  // namespace hftmon
