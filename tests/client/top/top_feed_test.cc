// The feed against a scripted daemon.
#include "client/top/top_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "client/top/top_loop.h"
#include "tests/client/cpp/fake_monitor.h"
#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kPatienceNs = 60'000'000'000;  // no test waits that long when all is well
constexpr int64_t kPeriodNs = 20'000'000;

v1::StreamSpikesResponse Message(const TopSpike& spike) {
  v1::StreamSpikesResponse message;
  *message.mutable_spike() = spike.spike;
  *message.mutable_time() = spike.time;
  return message;
}

class TopFeedTest : public ::testing::Test {
 protected:
  TopFeedTest() {
    monitor_.get_status = [](const auto&, auto* response) { return *response = TopStatus(), grpc::Status::OK; };
    monitor_.list_targets = [](const auto&, auto* response) { return *response = TopTargets(), grpc::Status::OK; };
    monitor_.query_threads = [](const auto&, auto* response) { return *response = TopThreads(), grpc::Status::OK; };
    monitor_.detect_spikes = [](const auto&, auto* response) {
      *response->add_spikes() = TopSpikeOf(1).spike;
      *response->mutable_time() = TopTime();
      return grpc::Status::OK;
    };
    monitor_.watch_metrics = [](const v1::WatchMetricsRequest& request) {
      return StreamScript<v1::WatchMetricsResponse>{{TopSnapshot(request.per_thread()).snapshot}, true};
    };
    monitor_.stream_spikes = [](const auto&) {
      return StreamScript<v1::StreamSpikesResponse>{{v1::StreamSpikesResponse(), Message(TopSpikeOf(2))}, true};
    };
  }

  std::unique_ptr<Client> Connect() { return Client::Connect(monitor_.address()).value(); }

  // Takes what comes into the model until it is so.
  void Await(const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(kPatienceNs);
    for (;;) {
      for (const TopUpdate& update : queue_.Take()) {
        if (const auto* connection = std::get_if<TopConnection>(&update)) troubles_.push_back(connection->trouble);
        model_.Take(update);
      }
      if (is_so()) return;
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      pollfd fd{queue_.fd(), POLLIN, 0};
      poll(&fd, 1, 1'000);
    }
  }

  FakeMonitor monitor_;
  TopQueue queue_;
  TopModel model_;
  std::vector<std::string> troubles_;
};

TEST_F(TopFeedTest, BringsOneOfEachAnswerAndTheSpikesOfThePast) {
  const auto client = Connect();
  TopFeed feed(*client, {.period_ns = kPeriodNs}, &queue_);
  ASSERT_TRUE(feed.Start().ok());
  ASSERT_TRUE(AwaitTopData(queue_, model_, kPatienceNs).ok());
  Await([&] { return model_.Spikes().size() == 2; });
  EXPECT_EQ(model_.Rows().size(), 3u);
}

TEST_F(TopFeedTest, SaysAtTheStartThatNobodyAnswers) {
  const auto client = Client::Connect("unix:/nonexistent/hftmond.sock").value();
  TopFeed feed(*client, {.period_ns = kPeriodNs}, &queue_);
  EXPECT_EQ(feed.Start().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TopFeedTest, AttachesOfTheProcessesAskedForThoseThatAreNoTargets) {
  std::vector<int32_t> attached;
  monitor_.detect_spikes = [](const v1::DetectSpikesRequest& request, v1::DetectSpikesResponse*) {
    if (request.pids_size() == 1 && request.pids(0) == 5) {
      return FakeMonitor::RichError(grpc::StatusCode::NOT_FOUND, "process 5 is not a target", "NOT_A_TARGET");
    }
    return grpc::Status::OK;
  };
  monitor_.attach = [&](const v1::AttachRequest& request, v1::AttachResponse*) {
    attached.assign(request.pids().begin(), request.pids().end());
    return grpc::Status::OK;
  };
  const auto client = Connect();
  TopFeed feed(*client, {.pids = {4711, 5}, .hold = true, .period_ns = kPeriodNs}, &queue_);
  ASSERT_TRUE(feed.Start().ok());
  EXPECT_THAT(attached, ElementsAre(5));
}

TEST_F(TopFeedTest, AttachesNothingElse) {
  // An attach would fail the test: the daemon is not told to expect one.
  const auto client = Connect();
  TopFeed feed(*client, {.pids = {4711}, .hold = true, .period_ns = kPeriodNs}, &queue_);
  ASSERT_TRUE(feed.Start().ok());
  ASSERT_TRUE(AwaitTopData(queue_, model_, kPatienceNs).ok());
}

TEST_F(TopFeedTest, AStreamThatBreaksIsToldAndOpenedAnew) {
  std::atomic<int> opened = 0;
  monitor_.stream_spikes = [&opened](const auto&) {
    const int number = opened.fetch_add(1, std::memory_order_relaxed);
    StreamScript<v1::StreamSpikesResponse> script{{v1::StreamSpikesResponse()}, number > 0};
    if (number == 0) script.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon stops");
    if (number > 0) script.messages.push_back(Message(TopSpikeOf(2)));
    return script;
  };
  const auto client = Connect();
  TopFeed feed(*client, {.period_ns = kPeriodNs}, &queue_);
  ASSERT_TRUE(feed.Start().ok());
  Await([&] { return model_.data().FindSpike(1, 2) != nullptr && model_.data().trouble().empty(); });
  EXPECT_EQ(opened.load(std::memory_order_relaxed), 2);
  EXPECT_THAT(troubles_, ::testing::Contains(HasSubstr("NO ANSWER")));
}

TEST_F(TopFeedTest, AnotherDaemonsSpikesAreNotTakenForThoseOfTheFirst) {
  std::atomic<bool> is_new = false;
  monitor_.get_status = [&is_new](const auto&, v1::GetStatusResponse* response) {
    *response = TopStatus();
    if (is_new.load(std::memory_order_relaxed)) response->mutable_daemon()->set_pid(78);
    return grpc::Status::OK;
  };
  monitor_.stream_spikes = [&is_new](const auto&) {
    const bool first = !is_new.exchange(true, std::memory_order_relaxed);
    StreamScript<v1::StreamSpikesResponse> script{{v1::StreamSpikesResponse()}, !first};
    if (first) script.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon stops");
    return script;
  };
  const auto client = Connect();
  TopFeed feed(*client, {.period_ns = kPeriodNs}, &queue_);
  ASSERT_TRUE(feed.Start().ok());
  Await([&] { return model_.data().FindSpike(1, 1) != nullptr && model_.data().FindSpike(2, 1) != nullptr; });
}

TEST_F(TopFeedTest, ALookAgainBringsTheStackThatWasNotKnownYet) {
  std::atomic<bool> unwound = false;
  monitor_.detect_spikes = [&unwound](const auto&, v1::DetectSpikesResponse* response) {
    v1::Spike* spike = response->add_spikes();
    *spike = TopSpikeOf(1).spike;
    if (unwound.load(std::memory_order_relaxed)) spike->mutable_stack()->mutable_user()->set_state("complete");
    return grpc::Status::OK;
  };
  const auto client = Connect();
  TopFeed feed(*client, {.period_ns = kPatienceNs}, &queue_);  // it does not wait for the period
  ASSERT_TRUE(feed.Start().ok());
  Await([&] { return model_.data().FindSpike(1, 1) != nullptr; });
  EXPECT_FALSE(model_.data().FindSpike(1, 1)->spike.has_stack());
  unwound.store(true, std::memory_order_relaxed);
  feed.LookAgain(*model_.data().FindSpike(1, 1));
  Await([&] { return model_.data().FindSpike(1, 1)->spike.has_stack(); });
}

}  // namespace
}  // namespace hftmon
