#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class SpikeStreamTest : public ServiceFixture {
 protected:
  // The next message; the test fails when the stream ended instead.
  static v1::StreamSpikesResponse Next(Subscription* subscription) {
    v1::StreamSpikesResponse message;
    EXPECT_TRUE(subscription->reader->Read(&message)) << subscription->reader->Finish().error_message();
    return message;
  }
};

TEST_F(SpikeStreamTest, TheFirstMessageCarriesNoSpikeAndFollowingOnesDo) {
  AppendSpike(98 * kSecondNs, 400'000);  // before the subscription
  Subscription subscription = Subscribe({});
  ASSERT_TRUE(subscription.in_force);
  EXPECT_FALSE(subscription.first.has_spike());
  EXPECT_EQ(subscription.first.lost_records(), 5u);
  EXPECT_EQ(subscription.first.time().monotonic_ns(), kNowNs);
  AppendSpike(99 * kSecondNs, 400'000);
  const v1::StreamSpikesResponse message = Next(&subscription);
  EXPECT_EQ(message.spike().id(), 2u);
  EXPECT_EQ(message.spike().duration_ns(), 400'000);
  EXPECT_EQ(message.dropped(), 0u);
  EXPECT_EQ(message.spike().causes_size(), 1);
}

TEST_F(SpikeStreamTest, ASpikeCarriesThePairOfTheEpochItBeganInAndSaysThatOneEnded) {
  Subscription subscription = Subscribe({});
  ASSERT_TRUE(subscription.in_force);
  time_.StepWallClock(98 * kSecondNs, 98 * kSecondNs + 10'000'000, -kSecondNs);
  AppendSpike(98 * kSecondNs + 5'000'000, 6'000'000);
  const v1::Spike across = Next(&subscription).spike();
  EXPECT_TRUE(across.inconclusive());
  EXPECT_THAT(across.inconclusive_reason(), HasSubstr("clock epoch 2: the wall clock stepped by -1s"));
  AppendSpike(97 * kSecondNs, 400'000);
  const v1::StreamSpikesResponse before = Next(&subscription);
  EXPECT_FALSE(before.spike().inconclusive());
  EXPECT_EQ(before.spike().start_error_ns(), 400);
  EXPECT_EQ(before.time().epoch(), 1u);
  EXPECT_EQ(before.time().realtime_ns() - before.time().monotonic_ns(), 1'000'000);
  EXPECT_EQ(before.time().tai_offset_ns(), 37 * kSecondNs);
  AppendSpike(99 * kSecondNs, 400'000);
  const v1::StreamSpikesResponse after = Next(&subscription);
  EXPECT_FALSE(after.spike().inconclusive());
  EXPECT_EQ(after.time().epoch(), 2u);
  EXPECT_EQ(after.time().realtime_ns() - after.time().monotonic_ns(), 1'000'000 - kSecondNs);
}

TEST_F(SpikeStreamTest, TheFirstMessageSaysHowManyThreadsHaveNoSlot) {
  targets_.unslotted_thread_count = 3;
  targets_.Add(77);
  Subscription subscription = Subscribe({});
  ASSERT_TRUE(subscription.in_force);
  EXPECT_EQ(subscription.first.unslotted_thread_count(), 3u);
}

TEST_F(SpikeStreamTest, TheLeaseIsHeldWhileOpenAndReleasedByCancel) {
  v1::StreamSpikesRequest request;
  request.set_threshold_ns(20'000);
  request.set_blocked_threshold_ns(3'000'000);
  Subscription subscription = Subscribe(request);
  ASSERT_TRUE(subscription.in_force);
  EXPECT_EQ(targets_.leases.count(), 1);
  EXPECT_EQ(targets_.leased_spike_ns, 20'000);
  EXPECT_EQ(targets_.leased_blocked_ns, 3'000'000);
  subscription.context->TryCancel();
  EXPECT_EQ(subscription.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(targets_.leases.AwaitCount(0));
}

TEST_F(SpikeStreamTest, WithoutAThresholdTheDaemonsDefaultIsLeased) {
  Subscription subscription = Subscribe({});
  ASSERT_TRUE(subscription.in_force);
  EXPECT_EQ(targets_.leased_spike_ns, 0) << "the default, also when it changes";
  EXPECT_EQ(targets_.leased_blocked_ns, 0);
}

TEST_F(SpikeStreamTest, ADeadlineEndsTheStreamAndReleasesTheLease) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  auto reader = stub_->StreamSpikes(&context, {});
  v1::StreamSpikesResponse message;
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(targets_.leases.AwaitCount(0));
}

TEST_F(SpikeStreamTest, ALeaseThatIsRefusedRefusesTheStream) {
  targets_.next_lease_error = absl::ResourceExhaustedError("64 leases are out: close a stream");
  Subscription subscription = Subscribe({});
  EXPECT_FALSE(subscription.in_force);
  EXPECT_EQ(subscription.reader->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(server_->stream_count(), 0u);
}

TEST_F(SpikeStreamTest, PidsThresholdsAndKindsFilter) {
  targets_.Add(2000);
  const ThreadKey other{.tid = 2001, .tgid = 2000, .start_ns = 200};
  v1::StreamSpikesRequest request;
  request.add_pids(2000);
  request.set_threshold_ns(100'000);
  request.set_blocked_threshold_ns(2'000'000);
  Subscription subscription = Subscribe(request);
  ASSERT_TRUE(subscription.in_force);
  AppendSpike(99 * kSecondNs, 900'000);                                // another target's
  AppendSpike(99 * kSecondNs, 90'000, SpikeKind::kRunQueue, other);    // too short
  AppendSpike(99 * kSecondNs, 1'900'000, SpikeKind::kBlocked, other);  // too short for its kind
  AppendSpike(99 * kSecondNs, 110'000, SpikeKind::kPreempted, other);  // 4
  AppendSpike(99 * kSecondNs, 2'100'000, SpikeKind::kBlocked, other);  // 5
  EXPECT_EQ(Next(&subscription).spike().id(), 4u);
  EXPECT_EQ(Next(&subscription).spike().id(), 5u);
}

TEST_F(SpikeStreamTest, ATargetAttachedLaterIsIncludedWithItsOwnThreshold) {
  Subscription subscription = Subscribe({});
  ASSERT_TRUE(subscription.in_force);
  v1::AttachRequest attach;
  attach.add_pids(2000);
  attach.mutable_options()->set_spike_threshold_ns(300'000);
  v1::AttachResponse attached;
  ASSERT_TRUE(stub_->Attach(Context().get(), attach, &attached).ok());
  const ThreadKey other{.tid = 2001, .tgid = 2000, .start_ns = 200};
  AppendSpike(99 * kSecondNs, 200'000, SpikeKind::kPreempted, other);
  AppendSpike(99 * kSecondNs, 400'000, SpikeKind::kPreempted, other);
  AppendSpike(99 * kSecondNs, 60'000);
  EXPECT_EQ(Next(&subscription).spike().id(), 2u);
  EXPECT_EQ(Next(&subscription).spike().id(), 3u);
}

TEST_F(SpikeStreamTest, AProcessThatIsNoTargetIsNotFound) {
  v1::StreamSpikesRequest request;
  request.add_pids(777);
  Subscription subscription = Subscribe(request);
  EXPECT_FALSE(subscription.in_force);
  const grpc::Status status = subscription.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("hftmon attach 777"));
  EXPECT_EQ(targets_.leases.taken(), 0);
}

TEST_F(SpikeStreamTest, TheSixtyFifthSubscriberIsRefusedUntilOneLeaves) {
  std::vector<Subscription> subscriptions;
  for (size_t i = 0; i < static_cast<size_t>(limits_.spike_streams_max); ++i) {
    subscriptions.push_back(Subscribe({}));
    ASSERT_TRUE(subscriptions.back().in_force);
  }
  Subscription refused = Subscribe({});
  EXPECT_FALSE(refused.in_force);
  const grpc::Status status = refused.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "SUBSCRIBER_LIMIT");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("limit"), "spike_streams_max");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("value"), "64");
  EXPECT_THAT(status.error_message(), HasSubstr("raise spike_streams_max (now 64) in hftmond's configuration"));
  EXPECT_EQ(targets_.leases.count(), limits_.spike_streams_max);

  AppendSpike(99 * kSecondNs, 400'000);
  for (Subscription& subscription : subscriptions) EXPECT_EQ(Next(&subscription).spike().id(), 1u);
  for (Subscription& subscription : subscriptions) {
    subscription.context->TryCancel();
    EXPECT_EQ(subscription.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  ASSERT_TRUE(targets_.leases.AwaitCount(0));
  // The place is given back after the lease: ask until it is.
  Subscription again = Subscribe({});
  while (!again.in_force && again.reader->Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) again = Subscribe({});
  EXPECT_TRUE(again.in_force);
}

TEST_F(SpikeStreamTest, ASlowReaderLosesTheOldestAndEveryLossIsCounted) {
  v1::StreamSpikesRequest request;
  request.set_queue_limit(16);
  const auto narrow = NarrowStub();
  Subscription slow = Subscribe(narrow.get(), request);
  request.set_queue_limit(4'096);
  Subscription quick = Subscribe(request);
  ASSERT_TRUE(slow.in_force && quick.in_force);
  // The quick reader takes each chunk whole: so all of it was offered to the slow one too, which reads nothing until far more has
  // come than the connection holds.
  constexpr uint64_t kChunk = 500;
  uint64_t last_id = 0;
  for (int chunk = 0; chunk < 10; ++chunk) {
    for (uint64_t i = 0; i < kChunk; ++i) AppendSpike(99 * kSecondNs + static_cast<int64_t>(last_id + i), 400'000);
    last_id += kChunk;
    v1::StreamSpikesResponse message;
    while (message.spike().id() < last_id) ASSERT_TRUE(quick.reader->Read(&message)) << "the stream ended";
    ASSERT_EQ(message.dropped(), 0u);
  }
  uint64_t received = 0;
  uint64_t previous_id = 0;
  uint64_t dropped = 0;
  v1::StreamSpikesResponse message;
  while (previous_id < last_id && slow.reader->Read(&message)) {
    ++received;
    EXPECT_GT(message.spike().id(), previous_id) << "in order, none twice";
    EXPECT_GE(message.dropped(), dropped);
    previous_id = message.spike().id();
    dropped = message.dropped();
  }
  EXPECT_EQ(previous_id, last_id) << "the newest is never dropped";
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(received + dropped, last_id);
  EXPECT_EQ(server_->dropped_message_count(), dropped);
}

TEST_F(SpikeStreamTest, StoppingEndsStreamsWithUnavailableAndReleasesLeases) {
  Subscription first = Subscribe({});
  Subscription second = Subscribe({});
  ASSERT_TRUE(first.in_force && second.in_force);
  server_->Shutdown(60 * kSecondNs);
  v1::StreamSpikesResponse message;
  EXPECT_FALSE(first.reader->Read(&message));
  const grpc::Status status = first.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "STOPPING");
  EXPECT_EQ(second.reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(targets_.leases.count(), 0);
}

TEST_F(SpikeStreamTest, StreamsComeAndGoWhileSpikesArriveAndNothingIsLeftBehind) {
  std::atomic<bool> stop{false};
  std::thread writer([this, &stop] {
    for (int64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      AppendSpike(99 * kSecondNs + i, 400'000);
      std::this_thread::yield();
    }
  });
  std::vector<std::future<void>> clients;
  for (int client = 0; client < 4; ++client) {
    clients.push_back(std::async(std::launch::async, [this] {
      for (int round = 0; round < 10; ++round) {
        Subscription subscription = Subscribe({});
        ASSERT_TRUE(subscription.in_force);
        EXPECT_TRUE(Next(&subscription).has_spike());
        subscription.context->TryCancel();
        subscription.reader->Finish();
      }
    }));
  }
  for (auto& client : clients) client.get();
  stop.store(true, std::memory_order_relaxed);
  writer.join();
  EXPECT_TRUE(targets_.leases.AwaitCount(0));
  EXPECT_EQ(targets_.leases.taken(), 40);
  server_->Shutdown(60 * kSecondNs);
  EXPECT_EQ(server_->stream_count(), 0u);
}

}  // namespace
}  // namespace hftmon
