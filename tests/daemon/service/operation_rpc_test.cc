#include "daemon/collectors/quiet_gate.h"
#include "daemon/service/rich_error.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using OperationRpcTest = ServiceFixture;

TEST_F(OperationRpcTest, SetModePassesOnWhatWasAskedAndAnswersWhatIsInForce) {
  v1::SetModeRequest request;
  request.set_mode("auto");
  request.set_scheduling("fifo");
  v1::SetModeResponse response;
  ASSERT_TRUE(stub_->SetMode(Context().get(), request, &response).ok());
  EXPECT_EQ(operation_.scheduling_asked, "fifo");
  EXPECT_EQ(response.operation().asked_mode(), "auto");
  EXPECT_EQ(response.operation().mode(), "balanced");
  EXPECT_EQ(response.operation().mode_reason(), "the host has 2 usable CPUs");
}

TEST_F(OperationRpcTest, AModeThatIsRefusedCarriesTheReason) {
  operation_.next_error = absl::InvalidArgumentError("mode 'fast': there is none: choose auto, latency, balanced or economy");
  v1::SetModeResponse response;
  const grpc::Status status = stub_->SetMode(Context().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ErrorInfoOf(status).domain(), kErrorDomain);
}

TEST_F(OperationRpcTest, WhatTheQuietGateRefusesReachesTheClientWithReasonAndMend) {
  QuietGate gate;
  EXPECT_TRUE(gate.Admit("attaching the programs of 'waker'").ok());
  gate.Close(true);
  const grpc::Status status = ToGrpcStatus(gate.Admit("attaching the programs of 'waker'"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "QUIET");
  EXPECT_NE(status.error_message().find("'waker'"), std::string::npos);
  EXPECT_NE(status.error_message().find("`hftmon quiet off`"), std::string::npos);
  gate.Close(false);
  EXPECT_TRUE(gate.Admit("attaching the programs of 'waker'").ok());
}

TEST_F(OperationRpcTest, OffIsToldWithItsBeginningAndOnWithout) {
  v1::SetCollectingRequest request;
  v1::SetCollectingResponse response;
  ASSERT_TRUE(stub_->SetCollecting(Context().get(), request, &response).ok());
  EXPECT_TRUE(response.operation().off());
  EXPECT_EQ(response.operation().off_since_monotonic_ns(), 777);
  request.set_on(true);
  ASSERT_TRUE(stub_->SetCollecting(Context().get(), request, &response).ok());
  EXPECT_FALSE(response.operation().off());
  EXPECT_FALSE(response.operation().has_off_since_monotonic_ns());
  EXPECT_EQ(response.operation().off_count(), 1u);
}

TEST_F(OperationRpcTest, EveryAnswerAboutAWindowSaysHowMuchOfItWasOff) {
  status_.off_begin_ns = kNowNs - 4 * kSecondNs;
  status_.off_end_ns = kNowNs - 3 * kSecondNs;
  CloseBucket(kNowNs - 10 * kSecondNs, kNowNs + 1);
  v1::QueryContextSwitchesResponse switches;
  ASSERT_TRUE(stub_->QueryContextSwitches(Context().get(), {}, &switches).ok());
  EXPECT_EQ(switches.window().off_ns(), kSecondNs);
  v1::DetectSpikesRequest request;
  request.set_window_ns(kNowNs / 2);
  v1::DetectSpikesResponse spikes;
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &spikes).ok());
  EXPECT_EQ(spikes.window().off_ns(), kSecondNs);
  request.set_window_ns(kSecondNs);
  ASSERT_TRUE(stub_->DetectSpikes(Context().get(), request, &spikes).ok());
  EXPECT_EQ(spikes.window().off_ns(), 0);
}

}  // namespace
}  // namespace hftmon
