#include <gmock/gmock.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Request = v1::CorrelateEventsRequest;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kEventNs = kNowNs - 500 * kMs;

class CorrelateRpcTest : public ServiceFixture {
 protected:
  CorrelateRpcTest() { targets_.sampling_interval_ns = 0; }
  grpc::Status Ask(const Request& request) {
    response_.Clear();
    return stub_->CorrelateEvents(Context().get(), request, &response_);
  }
  static Request At(std::initializer_list<int64_t> times, Request::Clock clock = Request::MONOTONIC) {
    Request request;
    request.set_clock(clock);
    for (const int64_t time : times) {
      v1::TimedEvent* event = request.add_events();
      event->set_time(time);
      event->set_id("e" + std::to_string(request.events_size()));
    }
    return request;
  }
  v1::CorrelateEventsResponse response_;
};

TEST_F(CorrelateRpcTest, AnEventIsHitByTheStallsAroundItInTheOrderAsked) {
  AppendSpike(kEventNs + 1 * kMs, 3 * kMs);
  AppendSpike(kEventNs, 1 * kMs, SpikeKind::kInterrupted);
  ASSERT_TRUE(Ask(At({kEventNs + 200 * kMs, kEventNs})).ok());
  ASSERT_EQ(response_.events_size(), 2);
  EXPECT_EQ(response_.events(0).id(), "e1");
  EXPECT_THAT(response_.events(0).spike_ids(), IsEmpty());
  EXPECT_THAT(response_.events(1).spike_ids(), ElementsAre(1u, 2u));
  EXPECT_EQ(response_.events(1).monotonic_ns(), kEventNs);
  EXPECT_EQ(response_.events(1).error_ns(), 0);
  EXPECT_EQ(response_.events(1).stalled_ns(), 100'000) << "of the 100 us before";
  ASSERT_EQ(response_.events(1).spikes_size(), 2);
  EXPECT_EQ(response_.events(1).spikes(0).duration_ns(), 3 * kMs);
  EXPECT_EQ(response_.hit_count(), 1u);
  ASSERT_FALSE(response_.causes().empty());
  EXPECT_EQ(response_.causes(0).kind(), "thread");
  EXPECT_EQ(response_.causes(0).actor(), "thread55");
  EXPECT_EQ(response_.causes(0).event_count(), 1u);
  EXPECT_EQ(response_.causes(0).duration_ns(), 3 * kMs);
  EXPECT_FALSE(response_.incomplete());
  EXPECT_EQ(response_.floor_ns(), 50'000);
}

TEST_F(CorrelateRpcTest, ASpikeStandsAtTheFirstEventThatItTouches) {
  AppendSpike(kEventNs + 1 * kMs, 3 * kMs);
  ASSERT_TRUE(Ask(At({kEventNs, kEventNs + 100, kEventNs - 100})).ok());
  EXPECT_EQ(response_.hit_count(), 3u);
  EXPECT_EQ(response_.events(0).spikes_size(), 1);
  EXPECT_EQ(response_.events(1).spikes_size(), 0);
  EXPECT_THAT(response_.events(1).spike_ids(), ElementsAre(1u));
  EXPECT_EQ(response_.causes(0).event_count(), 3u);
}

TEST_F(CorrelateRpcTest, AStallThatGoesOnCounts) {
  Spike spike = MakeSpike(kNowNs - 2 * kMs, 1 * kMs);
  spike.in_progress = true;
  spike.slot = 3;
  spikes_.Append(&spike);
  spikes_.NoteWait(3, spike.id);
  ASSERT_TRUE(Ask(At({kNowNs - 1 * kMs})).ok());
  EXPECT_THAT(response_.events(0).spike_ids(), ElementsAre(spike.id)) << "it lasts until now";
}

TEST_F(CorrelateRpcTest, BelowItsTargetsThresholdAndOfOthersNothingCounts) {
  AppendSpike(kEventNs, 40'000);
  AppendSpike(kEventNs, 3 * kMs, SpikeKind::kPreempted, {.tid = 3001, .tgid = 3000, .start_ns = 5});
  ASSERT_TRUE(Ask(At({kEventNs})).ok());
  EXPECT_THAT(response_.events(0).spike_ids(), IsEmpty());
  EXPECT_EQ(response_.hit_count(), 0u);
}

TEST_F(CorrelateRpcTest, EachClockIsPlaced) {
  AppendSpike(kEventNs, 1 * kMs);
  ASSERT_TRUE(Ask(At({kEventNs + 1'000'000}, Request::REALTIME)).ok());
  EXPECT_EQ(response_.events(0).monotonic_ns(), kEventNs);
  EXPECT_EQ(response_.events(0).error_ns(), 20);
  EXPECT_EQ(response_.hit_count(), 1u);
  ASSERT_TRUE(Ask(At({kEventNs + 1'000'000 + 37 * kSecondNs}, Request::TAI)).ok());
  EXPECT_EQ(response_.events(0).monotonic_ns(), kEventNs);
  ASSERT_TRUE(Ask(At({2 * kEventNs}, Request::TSC)).ok());
  EXPECT_EQ(response_.events(0).monotonic_ns(), kEventNs);
  EXPECT_EQ(response_.events(0).error_ns(), 40);
}

TEST_F(CorrelateRpcTest, AWallTimeIsPlacedByItsOwnEpoch) {
  time_.StepWallClock(kNowNs - 100 * kMs, kNowNs - 90 * kMs, kSecondNs);
  ASSERT_TRUE(Ask(At({kEventNs + 1'000'000, kNowNs + kSecondNs + 1'000'000 - 50 * kMs}, Request::REALTIME)).ok());
  EXPECT_EQ(response_.events(0).monotonic_ns(), kEventNs);
  EXPECT_EQ(response_.events(1).monotonic_ns(), kNowNs - 50 * kMs);
}

TEST_F(CorrelateRpcTest, ACounterThatIsNoClockIsRefused) {
  time_.ticks_are_a_clock = false;
  const grpc::Status status = Ask(At({5}, Request::TSC));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_CLOCK");
}

TEST_F(CorrelateRpcTest, WhereNothingCanBeKnownTheReasonSaysSo) {
  ASSERT_TRUE(Ask(At({kNowNs + 1, kEventNs, INT64_MAX, INT64_MIN})).ok());
  EXPECT_EQ(response_.events(0).outside(), "in the future");
  EXPECT_EQ(response_.events(1).outside(), "");
  EXPECT_EQ(response_.events(2).outside(), "in the future");
  EXPECT_EQ(response_.events(3).outside(), "before the target was attached");
  status_.off_begin_ns = kEventNs - kMs;
  status_.off_end_ns = kEventNs + kMs;
  ASSERT_TRUE(Ask(At({kEventNs, kEventNs + 20 * kMs})).ok());
  EXPECT_EQ(response_.events(0).outside(), "the programs were off");
  EXPECT_EQ(response_.events(1).outside(), "");
  targets_.End(kPid, kEventNs - 5 * kMs);
  ASSERT_TRUE(Ask(At({kEventNs + 20 * kMs})).ok());
  EXPECT_EQ(response_.events(0).outside(), "after the target ended");
}

TEST_F(CorrelateRpcTest, WhatWasOverwrittenIsOlderThanTheHistory) {
  for (uint64_t i = 0; i < kSpikeRingCapacity + 10; ++i) AppendSpike(kEventNs + static_cast<int64_t>(i) * 100'000, 60'000);
  ASSERT_TRUE(Ask(At({kEventNs - kMs, kEventNs + 5 * kMs})).ok());
  EXPECT_EQ(response_.events(0).outside(), "older than the history");
  EXPECT_EQ(response_.events(1).outside(), "");
  EXPECT_EQ(response_.hit_count(), 1u);
  EXPECT_TRUE(response_.incomplete());
  ASSERT_TRUE(Ask(At({kEventNs + 5 * kMs})).ok());
  EXPECT_FALSE(response_.incomplete()) << "what is asked for is kept";
}

TEST_F(CorrelateRpcTest, WhatIsAskedForIsChecked) {
  EXPECT_EQ(Ask({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Request request = At({1});
  request.set_before_ns(10 * kSecondNs + 1);
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = At({1});
  request.mutable_events(0)->set_id(std::string(65, 'x'));
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = At({1});
  request.set_clock(static_cast<Request::Clock>(9));
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = At({1});
  request.add_pids(4'000'000);
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::NOT_FOUND);
  request = At({});
  for (int i = 0; i < 10'001; ++i) request.add_events();
  EXPECT_EQ(Ask(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CorrelateRpcTest, TenThousandEventsAreOneCall) {
  for (uint64_t i = 0; i < kSpikeRingCapacity; ++i) AppendSpike(kEventNs + static_cast<int64_t>(i) * 100'000, 60'000);
  Request request = At({});
  for (int i = 0; i < 10'000; ++i) {
    v1::TimedEvent* event = request.add_events();
    event->set_time(kEventNs + int64_t{i} * 10'000);
    event->set_id("a line of an order log with an id of its own, " + std::to_string(i));
  }
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(Ask(request).ok());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::printf("10,000 events against %llu spikes, over the socket: %.1f ms\n", static_cast<unsigned long long>(kSpikeRingCapacity),
              took.count());
  EXPECT_EQ(response_.events_size(), 10'000);
  EXPECT_GT(response_.hit_count(), 9'000u);
}

}  // namespace
}  // namespace hftmon
