// What a stream of metrics tells of what threads count, and why it tells nothing.
#include <gmock/gmock.h>

#include <optional>

#include "common/metric_catalogue.h"
#include "daemon/service/counter_metric_samples.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr char kDoesNotAsk[] = "its target does not ask for it";

class CounterMetricsStreamTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(0, kNowNs, 1);  // the past: in no snapshot
    counters_.now_state.set = {.number = 1,
                               .events = {{.name = "cycles", .metric = "cycles", .counts = ""},
                                          {.name = "instructions", .metric = "instructions", .counts = ""},
                                          {.name = "page-faults", .metric = "", .counts = ""}},
                               .interval_ns = kMs};
    counters_.now_state.unavailable = {{"l3_misses", "this guest has no PMU"}};
    counter_history_.OnCounterSet(counters_.now_state.set);
    targets_.Add(kPid, {.counter_events = {"page-faults"}});
    for (const ThreadKey& thread : {kThread, kOther}) {
      counters_.threads.push_back({.thread = thread, .unavailable = "", .reading_count = 9, .last_mono_ns = kNowNs - kSecondNs, .sum = {}});
      totals_.totals.push_back({.thread = thread, .alive = true, .departure = ThreadDeparture{.out_clock_ns = 5}});
    }
  }
  // One that the stream has, once it has begun: made of a bucket that closes now.
  v1::WatchMetricsResponse Snapshot() {
    CloseBucket(end_ns_, end_ns_ + kSecondNs);
    end_ns_ += kSecondNs;
    v1::WatchMetricsResponse snapshot;
    EXPECT_TRUE(reader_->Read(&snapshot));
    return snapshot;
  }
  void Start(std::vector<std::string> metrics, bool per_thread = false) {
    v1::WatchMetricsRequest request;
    request.set_period_ns(10 * kMs);
    request.add_pids(kPid);
    for (const std::string& metric : metrics) request.add_metrics(metric);
    request.set_per_thread(per_thread);
    context_ = Context();
    reader_ = stub_->WatchMetrics(context_.get(), request);
    while (server_->stream_count() < 1) std::this_thread::yield();
  }
  void Put(int64_t end_ns, const CounterValues& values, const ThreadKey& thread = kThread, uint32_t set = 1) {
    counter_history_.OnCounterSpan({.thread = thread,
                                    .set = set,
                                    .counted = 7,
                                    .begin_mono_ns = end_ns - 2 * kMs,
                                    .end_mono_ns = end_ns,
                                    .on_cpu_ns = kMs,
                                    .enabled_ns = kMs,
                                    .running_ns = kMs,
                                    .values = values});
  }
  static std::optional<double> Value(const v1::WatchMetricsResponse& snapshot, const std::string& metric, int32_t tid = 0) {
    for (const v1::MetricSample& sample : snapshot.samples()) {
      if (sample.metric() == metric && sample.tid() == tid) return sample.value();
    }
    return std::nullopt;
  }
  static std::vector<std::string> Reasons(const v1::WatchMetricsResponse& snapshot) {
    std::vector<std::string> reasons;
    for (const v1::UnavailableMetrics& entry : snapshot.unavailable()) reasons.push_back(entry.reason());
    return reasons;
  }

  int64_t end_ns_ = kNowNs;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchMetricsResponse>> reader_;
};

TEST_F(CounterMetricsStreamTest, ATargetHasTheRatioOfSumsOverItsThreadsAndEachSpanOnce) {
  Put(kNowNs + kMs, {500, 500, 50});  // before the stream
  Start({"instructions_per_cycle", "page_faults_count", "page_faults_per_second", "counted_on_cpu_sum_ns", "migrations_count"});
  Put(kNowNs - kMs, {7, 7, 7});  // ended before it
  Put(kNowNs + kMs, {1'000, 3'000, 4});
  Put(kNowNs + 2 * kMs, {3'000, 3'000, 2}, kOther);
  v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "instructions_per_cycle"), 1.5);
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 6);
  EXPECT_EQ(Value(snapshot, "page_faults_per_second"), 3'000);
  EXPECT_EQ(Value(snapshot, "counted_on_cpu_sum_ns"), 2.0 * kMs);
  EXPECT_TRUE(Value(snapshot, "migrations_count").has_value());
  EXPECT_EQ(snapshot.unavailable_size(), 0);
  EXPECT_FALSE(snapshot.counter_set_changed());
  Put(kNowNs + 3 * kMs, {1'000, 1'000, 9});  // late: of the window before
  snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 9) << "in the snapshot after it came, and no other again";
  snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 0) << "it slept: no faults";
  EXPECT_FALSE(Value(snapshot, "instructions_per_cycle").has_value()) << "and no rate";
  EXPECT_EQ(snapshot.unavailable_size(), 0);
}

TEST_F(CounterMetricsStreamTest, ThreadsHaveTheirOwn) {
  Start({"page_faults_count", "instructions_per_cycle"}, true);
  Put(kNowNs + kMs, {1'000, 3'000, 4});
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "page_faults_count", 1001), 4);
  EXPECT_EQ(Value(snapshot, "instructions_per_cycle", 1001), 3);
  EXPECT_EQ(Value(snapshot, "page_faults_count", 1002), 0);
  EXPECT_FALSE(Value(snapshot, "instructions_per_cycle", 1002).has_value());
  EXPECT_EQ(snapshot.samples_size(), 3);
}

TEST_F(CounterMetricsStreamTest, WhatIsNotCountedSaysWhyOnceUntilItIsOtherwise) {
  Start({"l3_mpki", "l3_mpki_p99", "page_faults_count"});
  v1::WatchMetricsResponse snapshot = Snapshot();
  ASSERT_EQ(snapshot.unavailable_size(), 1);
  EXPECT_THAT(snapshot.unavailable(0).metrics(), ElementsAre("l3_mpki", "l3_mpki_p99"));
  EXPECT_EQ(snapshot.unavailable(0).reason(), "l3_misses: this guest has no PMU");
  EXPECT_EQ(snapshot.unavailable(0).pid(), 0) << "whatever the process";
  EXPECT_EQ(Snapshot().unavailable_size(), 0) << "it is known";
}

TEST_F(CounterMetricsStreamTest, ATargetThatDoesNotAskOrIsNotReadSaysWhyAndHasNoSample) {
  for (ThreadCounterTotal& total : counters_.threads) total.unavailable = kDoesNotAsk;
  Start({"page_faults_count"});
  v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(snapshot.samples_size(), 0);
  ASSERT_THAT(Reasons(snapshot), ElementsAre(kDoesNotAsk));
  EXPECT_EQ(snapshot.unavailable(0).pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(snapshot.unavailable(0).tid(), 0);
  EXPECT_EQ(snapshot.unavailable(0).metrics_size(), 0) << "all of them";
}

TEST_F(CounterMetricsStreamTest, ATargetThatAsksForNoCountersIsToldHowToAsk) {
  targets_.Add(kPid);
  for (const bool per_thread : {false, true}) {
    Start({"page_faults_count", "migrations_count"}, per_thread);
    const v1::WatchMetricsResponse snapshot = Snapshot();
    ASSERT_EQ(snapshot.unavailable_size(), 1);
    EXPECT_THAT(snapshot.unavailable(0).reason(), HasSubstr("attach it with --cache or --counters"));
    EXPECT_EQ(snapshot.unavailable(0).pid(), static_cast<int32_t>(kPid));
    context_->TryCancel();
    reader_->Finish();
    while (server_->stream_count() > 0) std::this_thread::yield();
  }
}

TEST_F(CounterMetricsStreamTest, WhatTheCoresDoNotHaveOnWhichItRanHasAReason) {
  Start({"page_faults_count", "page_faults_per_second", "instructions_per_cycle"});
  counter_history_.OnCounterSpan({.thread = kThread,
                                  .set = 1,
                                  .counted = 3,
                                  .begin_mono_ns = kNowNs,
                                  .end_mono_ns = kNowNs + kMs,
                                  .on_cpu_ns = kMs,
                                  .enabled_ns = kMs,
                                  .running_ns = kMs,
                                  .values = {1'000, 2'000}});
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "instructions_per_cycle"), 2);
  ASSERT_EQ(snapshot.unavailable_size(), 1);
  EXPECT_THAT(snapshot.unavailable(0).metrics(), ElementsAre("page_faults_count", "page_faults_per_second"));
  EXPECT_THAT(snapshot.unavailable(0).reason(), HasSubstr("of a kind that does not have the event"));
}

TEST_F(CounterMetricsStreamTest, AThreadThatIsNotReadIsMissingInItsTargetsSamplesAndNamed) {
  totals_.totals[1].departure.reset();  // kOther runs on, and nobody reads it
  Start({"page_faults_count"});
  Put(kNowNs + kMs, {1'000, 3'000, 4});
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 4);
  ASSERT_EQ(snapshot.unavailable_size(), 1);
  EXPECT_EQ(snapshot.unavailable(0).tid(), 1002);
  EXPECT_THAT(snapshot.unavailable(0).reason(), HasSubstr("neither switched nor was its CPU ticked"));
}

TEST_F(CounterMetricsStreamTest, WhereNothingIsCountedTheReasonIsThere) {
  counters_.now_state = {.set = {}, .reason = "nothing is counted: attach a process with --cache", .unavailable = {}};
  Start({});
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_THAT(Reasons(snapshot), ElementsAre("nothing is counted: attach a process with --cache"));
  EXPECT_TRUE(Value(snapshot, "migrations_count").has_value()) << "what is of threads is there";
}

TEST_F(CounterMetricsStreamTest, AnotherSetBeginsAnewAndLossesAreTold) {
  Start({"page_faults_count"});
  Put(kNowNs + kMs, {1'000, 3'000, 4});
  counters_.now_state.set.number = 2;
  counter_history_.OnCounterSet(counters_.now_state.set);
  Put(kNowNs + 2 * kMs, {1'000, 3'000, 5}, kThread, 2);
  counter_history_.OnCounterLoss(0, 3, kNowNs, kNowNs + kMs);
  v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_TRUE(snapshot.counter_set_changed());
  EXPECT_EQ(snapshot.lost_counter_span_count(), 3u);
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 5);
  Put(kNowNs + 3 * kMs, {1'000, 3'000, 6}, kThread, 2);
  snapshot = Snapshot();
  EXPECT_FALSE(snapshot.counter_set_changed());
  EXPECT_EQ(snapshot.lost_counter_span_count(), 0u);
  EXPECT_EQ(Value(snapshot, "page_faults_count"), 6);
}

TEST_F(CounterMetricsStreamTest, EventsWithoutACounterHaveNoValueAndTheReason) {
  Start({"page_faults_count"});
  counter_history_.OnCounterSpan({.thread = kThread,
                                  .set = 1,
                                  .counted = 0,
                                  .begin_mono_ns = kNowNs,
                                  .end_mono_ns = kNowNs + kMs,
                                  .on_cpu_ns = kMs,
                                  .enabled_ns = kMs});
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(snapshot.samples_size(), 0);
  ASSERT_EQ(snapshot.unavailable_size(), 1);
  EXPECT_THAT(snapshot.unavailable(0).reason(), HasSubstr("had no counter in this window"));
}

TEST_F(CounterMetricsStreamTest, ReasonsAreBoundedAndWhatIsBeyondCounted) {
  for (uint32_t tid = 0; tid < 300; ++tid) {
    counters_.threads.push_back({.thread = {.tid = 5'000 + tid, .tgid = kPid, .start_ns = 300}, .unavailable = kDoesNotAsk, .sum = {}});
  }
  Start({"page_faults_count"}, true);
  const v1::WatchMetricsResponse snapshot = Snapshot();
  EXPECT_EQ(snapshot.unavailable_size(), CounterMetricSamples::kUnavailableMax);
  EXPECT_EQ(snapshot.unavailable_dropped_count(), 300u - CounterMetricSamples::kUnavailableMax);
}

TEST_F(CounterMetricsStreamTest, AMistypedRateHasTheRightOneNear) {
  v1::WatchMetricsRequest request;
  request.add_metrics("l3_hit_rate");
  const auto context = Context();
  const auto reader = stub_->WatchMetrics(context.get(), request);
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("l3_hit_ratio"));
}

class NoCountersMetricsStreamTest : public CounterMetricsStreamTest {
 protected:
  NoCountersMetricsStreamTest() { has_counters_ = false; }
};

TEST_F(NoCountersMetricsStreamTest, ADaemonWithoutCountersSaysSo) {
  Start({"page_faults_count"});
  EXPECT_THAT(Snapshot().unavailable(0).reason(), HasSubstr("reads no counters of threads"));
}

}  // namespace
}  // namespace hftmon
