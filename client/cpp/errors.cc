#include "client/cpp/errors.h"

#include <fmt/format.h>
#include <grpcpp/support/error_details.h>
#include <grpcpp/support/status.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace hftmon {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

}  // namespace

absl::Status FromGrpc(const grpc::Status& status, const ServerAddress& address, int64_t deadline_ns) {
  if (status.ok()) return absl::OkStatus();
  const bool from_daemon = !status.error_details().empty();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !from_daemon) return ExplainUnreachable(address, status.error_message());
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && !from_daemon && deadline_ns > 0) {
    return absl::DeadlineExceededError(
        fmt::format("hftmond at {} did not answer within {} ms: allow more with --timeout, or see `hftmon status`", address.text,
                    deadline_ns / 1'000'000));
  }
  // The numbers of grpc::StatusCode and absl::StatusCode are the same by definition.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status rich;
  if (from_daemon && grpc::ExtractErrorDetails(status, &rich).ok()) {
    for (const auto& detail : rich.details()) result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  google::rpc::ErrorInfo info;
  if (const auto payload = status.GetPayload(kErrorInfoUrl); payload && info.ParseFromString(std::string(*payload))) {
    details.reason = info.reason();
    details.domain = info.domain();
    details.metadata = {info.metadata().begin(), info.metadata().end()};
  }
  google::rpc::BadRequest bad_request;
  if (const auto payload = status.GetPayload(kBadRequestUrl); payload && bad_request.ParseFromString(std::string(*payload))) {
    for (const auto& violation : bad_request.field_violations()) {
      details.violations.push_back({violation.field(), violation.description()});
    }
  }
  return details;
}

}  // namespace hftmon
