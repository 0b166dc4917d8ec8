#include <gmock/gmock.h>

#include <optional>

#include "common/metric_catalogue.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr int64_t kPeriodNs = 10'000'000;

class MetricsStreamTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(0, kNowNs, 1);  // the past: in no snapshot
  }
  struct Watch {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<v1::WatchMetricsResponse>> reader;
  };
  Watch Start(const v1::WatchMetricsRequest& request) { return Start(stub_.get(), request); }
  static Watch Start(v1::Monitor::Stub* stub, const v1::WatchMetricsRequest& request) {
    Watch watch{Context(), nullptr};
    watch.reader = stub->WatchMetrics(watch.context.get(), request);
    return watch;
  }
  static std::optional<double> Value(const v1::WatchMetricsResponse& snapshot, const std::string& metric, int32_t tid = 0) {
    for (const v1::MetricSample& sample : snapshot.samples()) {
      if (sample.metric() == metric && sample.tid() == tid) return sample.value();
    }
    return std::nullopt;
  }
  // The stream has begun once the daemon counts it: only then does a bucket belong to it.
  void AwaitStreams(size_t count) {
    while (server_->stream_count() < count) std::this_thread::yield();
  }
  static v1::WatchMetricsRequest Every(int64_t period_ns) {
    v1::WatchMetricsRequest request;
    request.set_period_ns(period_ns);
    return request;
  }
};

TEST_F(MetricsStreamTest, SnapshotsFollowEachOtherWithoutGapOrOverlap) {
  Watch watch = Start(Every(kPeriodNs));
  AwaitStreams(1);
  CloseBucket(kNowNs, kNowNs + kSecondNs, 30);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.window().begin_monotonic_ns(), kNowNs);
  EXPECT_EQ(snapshot.window().end_monotonic_ns(), kNowNs + kSecondNs);
  EXPECT_EQ(Value(snapshot, "context_switches_voluntary_count"), 30);
  EXPECT_EQ(Value(snapshot, "run_queue_wait_sum_ns"), 30'000);
  EXPECT_EQ(Value(snapshot, "run_queue_latency_max_ns").has_value(), true);
  EXPECT_EQ(Value(snapshot, "run_queue_latency_p50_ns").has_value(), true);
  EXPECT_EQ(Value(snapshot, "run_queue_latency_p99_ns"), std::nullopt) << "30 samples carry no p99";
  EXPECT_EQ(Value(snapshot, "run_queue_depth_mean"), 2);
  CloseBucket(kNowNs + kSecondNs, kNowNs + 2 * kSecondNs, 7);
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.window().begin_monotonic_ns(), kNowNs + kSecondNs);
  EXPECT_EQ(Value(snapshot, "context_switches_voluntary_count"), 7);
  EXPECT_EQ(snapshot.dropped(), 0u);
}

TEST_F(MetricsStreamTest, ATargetThatEndedHasItsLastSamplesAndThenNone) {
  targets_.Add(77);
  Watch watch = Start(Every(kPeriodNs));
  AwaitStreams(1);
  targets_.End(77, kNowNs + 1);
  const auto has_77 = [](const v1::WatchMetricsResponse& snapshot) {
    return std::any_of(snapshot.samples().begin(), snapshot.samples().end(), [](const auto& sample) { return sample.pid() == 77; });
  };
  CloseBucket(kNowNs, kNowNs + kSecondNs, 1);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_TRUE(has_77(snapshot));
  CloseBucket(kNowNs + kSecondNs, kNowNs + 2 * kSecondNs, 1);
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_FALSE(has_77(snapshot));
}

TEST_F(MetricsStreamTest, ThreadsWithoutASlotAreSaid) {
  targets_.unslotted_thread_count = 3;
  targets_.Add(77);
  Watch watch = Start(Every(kPeriodNs));
  AwaitStreams(1);
  CloseBucket(kNowNs, kNowNs + kSecondNs, 1);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.unslotted_thread_count(), 3u);
}

TEST_F(MetricsStreamTest, ATargetWithoutActivityHasZeroCountersAndNoPercentiles) {
  Watch watch = Start(Every(kPeriodNs));
  AwaitStreams(1);
  CloseBucket(kNowNs, kNowNs + kSecondNs);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(Value(snapshot, "context_switches_voluntary_count"), 0);
  EXPECT_EQ(Value(snapshot, "spikes_count"), 0);
  EXPECT_EQ(Value(snapshot, "off_cpu_p50_ns"), std::nullopt);
  EXPECT_EQ(Value(snapshot, "off_cpu_max_ns"), std::nullopt);
}

TEST_F(MetricsStreamTest, ChosenMetricsComePerThread) {
  totals_.totals.push_back({.thread = {.tid = 1002, .tgid = kPid, .start_ns = 300}, .alive = true});
  v1::WatchMetricsRequest request = Every(kPeriodNs);
  request.add_pids(kPid);
  request.add_metrics("migrations_count");
  request.add_metrics("spikes_count");
  request.set_per_thread(true);
  Watch watch = Start(request);
  AwaitStreams(1);
  AppendSpike(kNowNs + 10, 400'000);
  AppendSpike(kNowNs + 20, 30'000);              // below its target's threshold
  AppendSpike(kNowNs + kSecondNs + 5, 400'000);  // ends after this window
  CloseBucket(kNowNs, kNowNs + kSecondNs, 30);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.samples_size(), 4);
  EXPECT_EQ(Value(snapshot, "migrations_count", 1001), 3);
  EXPECT_EQ(Value(snapshot, "migrations_count", 1002), 0);
  EXPECT_EQ(Value(snapshot, "spikes_count", 1001), 1);
  CloseBucket(kNowNs + kSecondNs, kNowNs + 2 * kSecondNs, 1);
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(Value(snapshot, "spikes_count", 1001), 1) << "counted in the window in which it ended";
}

TEST_F(MetricsStreamTest, EveryCatalogueMetricHasAValueWhenThereIsEnoughBehindIt) {
  Watch watch = Start(Every(kPeriodNs));
  AwaitStreams(1);
  CloseBucket(kNowNs, kNowNs + kSecondNs, 20'000);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  for (const MetricRow& row : MetricRows()) {
    EXPECT_EQ(Value(snapshot, std::string(row.name)).has_value(), row.origin == MetricOrigin::kThreads) << row.name;
  }
}

TEST_F(MetricsStreamTest, ASlowReaderGetsTheNewestAndItsLossIsCounted) {
  // Large snapshots fill the connection soon: many threads, every metric.
  for (uint32_t tid = 0; tid < 300; ++tid) {
    totals_.totals.push_back({.thread = {.tid = 5'000 + tid, .tgid = kPid, .start_ns = 300}, .alive = true});
  }
  v1::WatchMetricsRequest request = Every(kPeriodNs);
  request.set_per_thread(true);
  const auto narrow = NarrowStub();
  Watch watch = Start(narrow.get(), request);
  AwaitStreams(1);
  int64_t end_ns = kNowNs;
  while (server_->dropped_message_count() < 3) {
    const int asked = status_.asked();
    CloseBucket(end_ns, end_ns + 1'000'000);
    end_ns += 1'000'000;
    status_.AwaitAsked(asked + 1);  // a snapshot of the bucket is made
  }
  // What was made last waits for the reader, and says how many it stands for.
  v1::WatchMetricsResponse snapshot;
  while (snapshot.dropped() < 3) ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_GE(snapshot.dropped(), 3u);
  watch.context->TryCancel();
  watch.reader->Finish();
}

TEST_F(MetricsStreamTest, ADetachedTargetDropsOutAndTheStreamGoesOn) {
  targets_.Add(2000);
  v1::WatchMetricsRequest request = Every(kPeriodNs);
  request.add_pids(kPid);
  request.add_pids(2000);
  request.add_metrics("migrations_count");
  Watch watch = Start(request);
  AwaitStreams(1);
  CloseBucket(kNowNs, kNowNs + kSecondNs);
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  EXPECT_EQ(snapshot.samples_size(), 2);
  v1::DetachRequest detach;
  detach.add_pids(2000);
  v1::DetachResponse detached;
  ASSERT_TRUE(stub_->Detach(Context().get(), detach, &detached).ok());
  CloseBucket(kNowNs + kSecondNs, kNowNs + 2 * kSecondNs);
  ASSERT_TRUE(watch.reader->Read(&snapshot));
  ASSERT_EQ(snapshot.samples_size(), 1);
  EXPECT_EQ(snapshot.samples(0).pid(), static_cast<int32_t>(kPid));
}

TEST_F(MetricsStreamTest, AProcessThatIsNoTargetIsNotFound) {
  v1::WatchMetricsRequest request;
  request.add_pids(777);
  Watch watch = Start(request);
  v1::WatchMetricsResponse snapshot;
  EXPECT_FALSE(watch.reader->Read(&snapshot));
  const grpc::Status status = watch.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("hftmon attach 777"));
}

TEST_F(MetricsStreamTest, CancelAndStopEndTheStream) {
  Watch cancelled = Start(Every(3'600 * kSecondNs));
  Watch stopped = Start(Every(3'600 * kSecondNs));
  AwaitStreams(2);
  cancelled.context->TryCancel();
  EXPECT_EQ(cancelled.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  server_->Shutdown(60 * kSecondNs);
  EXPECT_EQ(stopped.reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server_->stream_count(), 0u);
}

TEST_F(MetricsStreamTest, TheSixtyFifthSubscriberIsRefused) {
  std::vector<Watch> watches;
  for (int64_t i = 0; i < limits_.metric_streams_max; ++i) watches.push_back(Start(Every(3'600 * kSecondNs)));
  AwaitStreams(static_cast<size_t>(limits_.metric_streams_max));
  Watch refused = Start(Every(kPeriodNs));
  const grpc::Status status = refused.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "SUBSCRIBER_LIMIT");
  for (Watch& watch : watches) watch.context->TryCancel();
}

}  // namespace
}  // namespace hftmon
