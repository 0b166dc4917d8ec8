#include "daemon/service/rich_error.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/error_details.h"

namespace hftmon {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(grpc::ExtractErrorDetails(status, &details).ok());
  return details;
}

TEST(RichErrorTest, EveryErrorCarriesReasonAndDomain) {
  const grpc::Status status = RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_TARGET", "process 7 is not a target");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "process 7 is not a target");
  const google::rpc::Status details = Details(status);
  EXPECT_EQ(details.code(), 5);
  ASSERT_EQ(details.details_size(), 1);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_A_TARGET");
  EXPECT_EQ(info.domain(), "hftmon");
}

TEST(RichErrorTest, FieldViolationsComeAsBadRequest) {
  const grpc::Status status = RichError(grpc::StatusCode::INVALID_ARGUMENT, "BAD_FIELD", "x", {{"pids[1]", "an id is 1 or more"}});
  const google::rpc::Status details = Details(status);
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(1).UnpackTo(&bad_request));
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "pids[1]");
  EXPECT_EQ(bad_request.field_violations(0).description(), "an id is 1 or more");
}

TEST(RichErrorTest, AnInnerErrorKeepsItsCodeAndMessage) {
  const grpc::Status status = ToGrpcStatus(absl::ResourceExhaustedError("1024 targets: detach one"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "1024 targets: detach one");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(Details(status).details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "RESOURCE_EXHAUSTED");
}

TEST(RichErrorTest, AnInnerErrorMayStateItsReason) {
  absl::Status inner = absl::InvalidArgumentError("pid 1 is the daemon");
  inner.SetPayload(kErrorReasonPayload, absl::Cord("PID_IS_DAEMON"));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(Details(ToGrpcStatus(inner)).details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "PID_IS_DAEMON");
}

TEST(RichErrorTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace hftmon
