#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using TargetsRpcTest = ServiceFixture;

TEST_F(TargetsRpcTest, AttachPassesTheOptionsAndAnswersTheTargets) {
  v1::AttachRequest request;
  request.add_pids(2000);
  request.add_pids(2001);
  request.mutable_options()->set_spike_threshold_ns(70'000);
  request.mutable_options()->set_blocked_threshold_ns(1'000'000);
  request.mutable_options()->add_probe_groups("sched");
  v1::AttachResponse response;
  const grpc::Status status = stub_->Attach(Context().get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.targets_size(), 2);
  const v1::Target& target = response.targets(0);
  EXPECT_EQ(target.pid(), 2000);
  EXPECT_EQ(target.comm(), "target2000");
  EXPECT_EQ(target.state(), v1::TARGET_STATE_RUNNING);
  EXPECT_EQ(target.options().spike_threshold_ns(), 70'000);
  EXPECT_EQ(target.options().blocked_threshold_ns(), 1'000'000);
  EXPECT_EQ(target.options().probe_groups(0), "sched");
  EXPECT_TRUE(target.options().follow_children());  // absent = true
}

TEST_F(TargetsRpcTest, TheSamplingIntervalIsWhatTheClosedBucketsSay) {
  v1::ListTargetsResponse response;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &response).ok());
  ASSERT_EQ(response.targets_size(), 1);
  EXPECT_EQ(response.targets(0).sampling_interval_ns(), 0);
  for (int i = 0; i < 4; ++i) CloseBucket(kSecondNs + i * 3'000'000, kSecondNs + (i + 1) * 3'000'000, 0);
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &response).ok());
  EXPECT_EQ(response.targets(0).sampling_interval_ns(), 3'000'000);
}

TEST_F(TargetsRpcTest, AnErrorOfTheRegistryArrivesWithReasonAndDomain) {
  targets_.next_error = absl::ResourceExhaustedError("1024 targets are watched, the bound: detach one");
  v1::AttachRequest request;
  request.add_pids(2000);
  v1::AttachResponse response;
  const grpc::Status status = stub_->Attach(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("detach one"));
  EXPECT_EQ(ErrorInfoOf(status).reason(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(ErrorInfoOf(status).domain(), "hftmon");
}

// A name is whatever bytes its process chose; protobuf refuses a message with a string that is not UTF-8.
TEST_F(TargetsRpcTest, ANameThatIsNotUtf8BreaksNoAnswer) {
  targets_.comm = "evil\xff\xc3";
  v1::AttachRequest request;
  request.add_pids(2000);
  v1::AttachResponse attached;
  const grpc::Status status = stub_->Attach(Context().get(), request, &attached);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(attached.targets(0).comm(), "evil??");
  targets_.next_error = absl::NotFoundError("process 7 (evil\xff) ended");
  v1::AttachResponse refused;
  EXPECT_EQ(stub_->Attach(Context().get(), request, &refused).error_message(), "process 7 (evil?) ended");
}

TEST_F(TargetsRpcTest, DetachAnswersWhatWasDetached) {
  v1::DetachRequest request;
  request.add_pids(kPid);
  v1::DetachResponse response;
  ASSERT_TRUE(stub_->Detach(Context().get(), request, &response).ok());
  ASSERT_EQ(response.pids_size(), 1);
  EXPECT_EQ(response.pids(0), static_cast<int32_t>(kPid));
  EXPECT_EQ(stub_->Detach(Context().get(), request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TargetsRpcTest, DetachAllTakesNoPids) {
  v1::DetachRequest request;
  request.set_all(true);
  v1::DetachResponse response;
  ASSERT_TRUE(stub_->Detach(Context().get(), request, &response).ok());
  EXPECT_EQ(response.pids_size(), 1);
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.targets_size(), 0);
}

TEST_F(TargetsRpcTest, UpdateChangesOnlyWhatTheMaskNames) {
  v1::UpdateTargetRequest request;
  request.set_pid(kPid);
  request.mutable_options()->set_spike_threshold_ns(9'000);
  request.mutable_options()->set_blocked_threshold_ns(8'000);
  request.mutable_options_mask()->add_paths("spike_threshold_ns");
  request.set_state(v1::TARGET_STATE_PAUSED);
  v1::UpdateTargetResponse response;
  ASSERT_TRUE(stub_->UpdateTarget(Context().get(), request, &response).ok());
  EXPECT_EQ(response.target().options().spike_threshold_ns(), 9'000);
  EXPECT_EQ(response.target().options().blocked_threshold_ns(), 0);
  EXPECT_EQ(response.target().state(), v1::TARGET_STATE_PAUSED);
}

}  // namespace
}  // namespace hftmon
