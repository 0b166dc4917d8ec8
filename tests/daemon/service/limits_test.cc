// Each limit of the service: enforced, named in its error, shown with its use, and changed while it runs.
#include <gmock/gmock.h>

#include <thread>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class LimitsTest : public ServiceFixture {
 protected:
  Bound BoundOf(const std::string& name) const {
    for (const Bound& bound : server_->Bounds()) {
      if (bound.name == name) return bound;
    }
    return {};
  }
  void ExpectReached(const grpc::Status& status, const std::string& setting, int64_t value) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("raise " + setting + " (now " + std::to_string(value) + ")"));
    EXPECT_EQ(ErrorInfoOf(status).metadata().at("limit"), setting);
    EXPECT_EQ(ErrorInfoOf(status).metadata().at("value"), std::to_string(value));
  }
  grpc::Status Spikes(const v1::DetectSpikesRequest& request, v1::DetectSpikesResponse* response) {
    const auto context = Context();
    return stub_->DetectSpikes(context.get(), request, response);
  }
};

TEST_F(LimitsTest, AWindowOrAListLongerThanTheLimitIsRefusedAsARequestThatCanNeverFit) {
  server_->SetLimits({.stream_queue_max = 7, .window_max_ns = 5'000, .answer_rows_max = 3});
  v1::DetectSpikesRequest request;
  request.set_window_ns(5'001);
  request.set_max_spikes(4);
  v1::DetectSpikesResponse response;
  const grpc::Status status = Spikes(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("window_ns is 5001: give 1 to 5000"));
  EXPECT_THAT(status.error_message(), HasSubstr("window_max in hftmond's configuration"));
  EXPECT_THAT(status.error_message(), HasSubstr("answer_rows_max in hftmond's configuration"));
  v1::StreamSpikesRequest stream;
  stream.set_queue_limit(8);
  const grpc::Status refused = Subscribe(stream).reader->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("stream_queue_max in hftmond's configuration"));
}

TEST_F(LimitsTest, WithoutANumberAnAnswerHasNoMoreRowsThanTheLimit) {
  for (int i = 0; i < 5; ++i) AppendSpike(kNowNs - 1'000 + i, 400'000);
  CloseBucket(kNowNs - kSecondNs, kNowNs);
  server_->SetLimits({.answer_rows_max = 3});
  v1::DetectSpikesResponse response;
  ASSERT_TRUE(Spikes({}, &response).ok());
  EXPECT_EQ(response.spikes_size(), 3);
  EXPECT_TRUE(response.older_left_out());
  EXPECT_EQ(BoundOf("answer_rows").used, 3);
  EXPECT_EQ(BoundOf("answer_rows").limit, 3);
}

TEST_F(LimitsTest, AnAnswerLargerThanTheLimitIsRefusedWithTheLimitsName) {
  for (int i = 0; i < 20; ++i) AppendSpike(kNowNs - 1'000 + i, 400'000);
  CloseBucket(kNowNs - kSecondNs, kNowNs);
  server_->SetLimits({.answer_bytes_max = 500});
  v1::DetectSpikesResponse response;
  ExpectReached(Spikes({}, &response), "answer_bytes_max", 500);
  server_->SetLimits({});
  EXPECT_TRUE(Spikes({}, &response).ok());
  EXPECT_GT(BoundOf("answer_bytes").used, 500);
}

TEST_F(LimitsTest, MoreQueriesThanTheLimitAreRefusedUntilOneHasBeenAnswered) {
  server_->SetLimits({.queries_max = 1});
  // No bucket closes: the first call waits for its window.
  targets_.sampling_interval_ns = 60 * kSecondNs;
  targets_.Add(kPid);
  const v1::DetectSpikesRequest request;
  v1::DetectSpikesResponse waiting_answer;
  grpc::Status waited;
  std::thread waiting([&] { waited = Spikes(request, &waiting_answer); });
  v1::DetectSpikesResponse response;
  grpc::Status status;
  // The handler took its time pair before it counted itself.
  do {
    status = BoundOf("queries").used == 1 ? Spikes(request, &response) : grpc::Status::OK;
  } while (status.ok());
  ExpectReached(status, "queries_max", 1);
  CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  waiting.join();
  EXPECT_TRUE(waited.ok()) << waited.error_message();
  do {
    status = Spikes(request, &response);
  } while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);  // OnDone comes after the answer
  EXPECT_TRUE(status.ok());
}

TEST_F(LimitsTest, ALowerLimitOfStreamsLeavesThoseThatAreOpen) {
  std::vector<Subscription> open;
  for (int i = 0; i < 3; ++i) open.push_back(Subscribe({}));
  server_->SetLimits({.spike_streams_max = 2});
  EXPECT_EQ(BoundOf("spike_streams").used, 3);
  EXPECT_EQ(BoundOf("spike_streams").limit, 2);
  ExpectReached(Subscribe({}).reader->Finish(), "spike_streams_max", 2);
  AppendSpike(99 * kSecondNs, 400'000);
  v1::StreamSpikesResponse message;
  for (Subscription& subscription : open) EXPECT_TRUE(subscription.reader->Read(&message));
  for (Subscription& subscription : open) subscription.context->TryCancel();
}

TEST_F(LimitsTest, ARequestLargerThanTheLimitIsRefused) {
  v1::DetachRequest request;
  request.mutable_pids()->Resize(1 << 20, 1 << 30);  // five bytes each on the wire
  v1::DetachResponse response;
  const auto context = Context();
  EXPECT_EQ(stub_->Detach(context.get(), request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace hftmon
