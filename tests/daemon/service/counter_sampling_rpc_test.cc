#include <gmock/gmock.h>

#include <thread>

#include "daemon/service/rich_error.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kMs = 1'000'000;

class CounterSamplingRpcTest : public ServiceFixture {
 protected:
  CounterSamplingRpcTest() {
    request_.set_pid(kPid);
    request_.set_duration_ns(2 * kMs);
    CounterSamples samples{.begin_mono_ns = 1'000, .end_mono_ns = 2'001'000};
    samples.set = {.number = 1, .events = {{.name = "page-faults", .metric = "", .counts = ""}}};
    samples.rates = RatesOf(samples.set);
    samples.overflow_event = "cpu-clock";
    samples.overflow_period = 100'000;
    samples.overflow_reason = "no PMU in this guest";
    samples.sample_rate_max_hz = 63'000;
    samples.unavailable = {{"l3_misses", "no PMU"}};
    SampledCounters spinning{.tid = kThread.tid, .counts = {.sample_count = 18, .lost_count = 2}, .window = {}, .widths = {}};
    for (const int64_t wide_ns : {90'000, 100'000, 200'000}) spinning.widths.Add(wide_ns);
    for (int64_t i = 1; i <= 20; ++i) spinning.window.Add(samples.rates, SpanOf(i * 100'000, static_cast<uint64_t>(i)));
    samples.threads.push_back(std::move(spinning));
    samples.threads.push_back({.tid = 1002, .born = true, .counts = {}, .window = {}});
    samples.counts = {.thread_count = 2, .born_thread_count = 1, .event_count = 4, .cross_call_count_max = 12, .ring_bytes = 8'192};
    samples.daemon_cpu_ns = 12'000;
    counter_sampling_.result = std::move(samples);
  }
  static CounterSpan SpanOf(int64_t end_ns, uint64_t faults) {
    return {.thread = {},
            .set = 1,
            .counted = 1,
            .begin_mono_ns = end_ns - 100'000,
            .end_mono_ns = end_ns,
            .on_cpu_ns = 100'000,
            .enabled_ns = 100'000,
            .running_ns = 100'000,
            .values = {faults}};
  }
  grpc::Status Sample() {
    response_.Clear();
    return stub_->SampleCounters(Context().get(), request_, &response_);
  }

  v1::SampleCountersRequest request_;
  v1::SampleCountersResponse response_;
};

TEST_F(CounterSamplingRpcTest, RatesSpansRateAndCostAreTold) {
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(response_.time().monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(response_.begin_monotonic_ns(), 1'000);
  EXPECT_EQ(response_.end_monotonic_ns(), 2'001'000);
  EXPECT_FALSE(response_.process_ended());
  EXPECT_EQ(response_.overflow().event(), "cpu-clock");
  EXPECT_EQ(response_.overflow().period(), 100'000u);
  EXPECT_EQ(response_.overflow().reason(), "no PMU in this guest");
  EXPECT_EQ(response_.overflow().asked_rate_hz(), 1'000);
  EXPECT_DOUBLE_EQ(response_.overflow().achieved_rate_hz(), 10'000) << "20 interrupts in 2 ms on a CPU";
  EXPECT_EQ(response_.overflow().max_sample_rate_hz(), 63'000);
  EXPECT_EQ(response_.narrowest_span_ns(), 90'000);
  EXPECT_EQ(response_.mean_span_ns(), 130'000) << "of spans that ended with an overflow, not of the window's";
  EXPECT_EQ(response_.widest_span_ns(), 200'000);
  ASSERT_EQ(response_.events_size(), 1);
  ASSERT_EQ(response_.rates_size(), 1);
  EXPECT_EQ(response_.rates(0).name(), "page-faults_per_second");
  EXPECT_EQ(response_.cost().interrupt_count(), 20u);
  EXPECT_EQ(response_.cost().event_count(), 4u);
  EXPECT_EQ(response_.cost().cross_call_count_max(), 12u);
  EXPECT_EQ(response_.cost().ring_bytes(), 8'192u);
  EXPECT_EQ(response_.cost().daemon_cpu_ns(), 12'000);
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).part(), "l3_misses");
  counter_sampling_.AwaitEnded(1);
}

TEST_F(CounterSamplingRpcTest, EachThreadHasItsWindowAndItsInterrupts) {
  totals_.totals = {{.thread = kThread, .alive = true}};
  request_.add_percentiles(50);
  ASSERT_TRUE(Sample().ok());
  ASSERT_EQ(response_.threads_size(), 2);
  const v1::CounterSampledThread& thread = response_.threads(0);
  EXPECT_EQ(thread.cache().thread().tid(), static_cast<int32_t>(kThread.tid));
  EXPECT_EQ(thread.cache().thread().start_boottime_ns(), kThread.start_ns) << "it is a watched one";
  EXPECT_TRUE(thread.cache().available());
  EXPECT_EQ(thread.cache().on_cpu_ns(), 2 * kMs);
  EXPECT_EQ(thread.cache().span_count(), 20u);
  EXPECT_DOUBLE_EQ(thread.cache().counters(0).value(), 210);
  EXPECT_FALSE(thread.cache().counters(0).has_total());
  ASSERT_EQ(thread.cache().rates_size(), 1);
  EXPECT_DOUBLE_EQ(thread.cache().rates(0).mean(), 105'000);
  ASSERT_EQ(thread.cache().rates(0).percentiles_size(), 1);
  EXPECT_NEAR(thread.cache().rates(0).percentiles(0).value(), 100'000, 1'000);
  EXPECT_EQ(thread.interrupt_count(), 20u);
  EXPECT_DOUBLE_EQ(thread.achieved_rate_hz(), 10'000);
  EXPECT_EQ(thread.lost_count(), 2u);
  const v1::CounterSampledThread& asleep = response_.threads(1);
  EXPECT_TRUE(asleep.born());
  EXPECT_EQ(asleep.cache().on_cpu_ns(), 0);
  EXPECT_FALSE(asleep.has_achieved_rate_hz());
  EXPECT_THAT(asleep.cache().rates(), IsEmpty());
}

TEST_F(CounterSamplingRpcTest, WhatIsMissingIsTold) {
  CounterSamples& samples = *counter_sampling_.result;
  samples.process_ended = true;
  samples.threads[0].counts = {.sample_count = 10,
                               .undecoded_count = 1,
                               .discarded_count = 2,
                               .lost_count = 3,
                               .damage_count = 4,
                               .throttle_count = 5,
                               .throttled_ns = 6};
  samples.threads[0].throttled_span_count = 7;
  samples.counts.unsampled_thread_count = 8;
  samples.counts.unsampled_reason = "no room";
  ASSERT_TRUE(Sample().ok());
  EXPECT_TRUE(response_.process_ended());
  const v1::CounterSamplingCoverage& coverage = response_.coverage();
  EXPECT_EQ(coverage.sample_count(), 10u);
  EXPECT_EQ(coverage.thread_count(), 2u);
  EXPECT_EQ(coverage.born_thread_count(), 1u);
  EXPECT_EQ(coverage.unsampled_thread_count(), 8u);
  EXPECT_EQ(coverage.unsampled_reason(), "no room");
  EXPECT_EQ(coverage.undecoded_count(), 1u);
  EXPECT_EQ(coverage.discarded_count(), 2u);
  EXPECT_EQ(coverage.lost_count(), 3u);
  EXPECT_EQ(coverage.damage_count(), 4u);
  EXPECT_EQ(coverage.throttle_count(), 5u);
  EXPECT_EQ(coverage.throttled_ns(), 6);
  EXPECT_FALSE(coverage.complete());
  EXPECT_EQ(response_.cost().interrupt_count(), 16u) << "what was lost interrupted too";
  EXPECT_EQ(response_.threads(0).throttle_count(), 5u);
  EXPECT_EQ(response_.threads(0).throttled_span_count(), 7u);
  samples.threads[0].counts = {.sample_count = 10};
  samples.counts.unsampled_thread_count = 0;
  ASSERT_TRUE(Sample().ok());
  EXPECT_TRUE(response_.coverage().complete());
}

TEST_F(CounterSamplingRpcTest, WhatIsAskedForIsHandedOnWithTheDefaults) {
  request_.set_rate_hz(20'000);
  request_.set_by(v1::OVERFLOW_BY_CPU_CLOCK);
  request_.add_events("page-faults");
  request_.set_cache(true);
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(counter_sampling_.plan().pid, kPid);
  EXPECT_EQ(counter_sampling_.plan().duration_ns, 2 * kMs);
  EXPECT_EQ(counter_sampling_.plan().rate_hz, 20'000);
  EXPECT_EQ(counter_sampling_.plan().by, OverflowBy::kCpuClock);
  EXPECT_THAT(counter_sampling_.plan().wish.events, ElementsAre("page-faults"));
  EXPECT_TRUE(counter_sampling_.plan().wish.cache);
  EXPECT_EQ(response_.overflow().asked_rate_hz(), 20'000);
  request_ = {};
  request_.set_pid(kPid);
  counters_.now_state.reason = "nobody asks";
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(counter_sampling_.plan().duration_ns, kSecondNs);
  EXPECT_EQ(counter_sampling_.plan().rate_hz, 1'000);
  EXPECT_EQ(counter_sampling_.plan().by, OverflowBy::kBest);
  EXPECT_TRUE(counter_sampling_.plan().wish.cache) << "nothing is counted, and nothing is named";
  counters_.now_state.reason.clear();
  counters_.now_state.set = {.number = 3, .events = {{.name = "page-faults", .metric = "", .counts = ""}}};
  ASSERT_TRUE(Sample().ok());
  EXPECT_THAT(counter_sampling_.plan().wish.events, ElementsAre("page-faults")) << "what is counted";
  EXPECT_FALSE(counter_sampling_.plan().wish.cache);
}

TEST_F(CounterSamplingRpcTest, WhatCannotBeIsRefusedWithItsField) {
  const v1::SampleCountersRequest good = request_;
  const auto field_of = [&](auto change) {
    request_ = good;
    change(&request_);
    const auto violations = BadRequestOf(Sample());
    return violations.has_value() ? violations->field_violations(0).field() : "";
  };
  EXPECT_EQ(field_of([](auto* bad) { bad->set_pid(0); }), "pid");
  for (const int64_t duration_ns : {int64_t{-1}, kMs - 1, 10 * kSecondNs + 1}) {
    EXPECT_EQ(field_of([&](auto* bad) { bad->set_duration_ns(duration_ns); }), "duration_ns");
  }
  for (const int64_t rate_hz : {int64_t{-1}, int64_t{100'001}, INT64_MAX}) {
    EXPECT_EQ(field_of([&](auto* bad) { bad->set_rate_hz(rate_hz); }), "rate_hz");
  }
  EXPECT_EQ(field_of([](auto* bad) { bad->set_by(static_cast<v1::OverflowBy>(9)); }), "by");
  EXPECT_EQ(field_of([](auto* bad) {
              for (int i = 0; i < 9; ++i) bad->add_events("page-faults");
            }),
            "events");
  EXPECT_EQ(field_of([](auto* bad) { bad->add_events(""); }), "events");
  EXPECT_EQ(field_of([](auto* bad) { bad->add_events(std::string(257, 'x')); }), "events");
  EXPECT_EQ(field_of([](auto* bad) { bad->add_percentiles(100); }), "percentiles[0]");
}

TEST_F(CounterSamplingRpcTest, OnlyATargetThatRunsIsSampled) {
  request_.set_pid(4);
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "NOT_A_TARGET");
  targets_.End(kPid, kNowNs);
  request_.set_pid(kPid);
  const grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "ENDED");
}

TEST_F(CounterSamplingRpcTest, ARefusalAndAnErrorKeepTheirCodeReasonAndWords) {
  counter_sampling_.refusal = absl::FailedPreconditionError("refused in quiet mode");
  counter_sampling_.refusal.SetPayload(kErrorReasonPayload, absl::Cord("QUIET"));
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "QUIET");
  counter_sampling_.refusal = absl::OkStatus();
  absl::Status none = absl::FailedPreconditionError("no PMU in this guest");
  none.SetPayload(kErrorReasonPayload, absl::Cord("NO_COUNTERS"));
  counter_sampling_.result = none;
  const grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NO_COUNTERS");
  EXPECT_THAT(status.error_message(), HasSubstr("no PMU in this guest"));
  counter_sampling_.AwaitEnded(1);
}

TEST_F(CounterSamplingRpcTest, AClientThatGoesAwayEndsIt) {
  counter_sampling_.over.store(false, std::memory_order_seq_cst);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] {
    v1::SampleCountersResponse response;
    status = stub_->SampleCounters(context.get(), request_, &response);
  });
  counter_sampling_.AwaitBegun(1);
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  counter_sampling_.AwaitEnded(1);
  EXPECT_EQ(counter_sampling_.cancelled_count(), 1);
}

TEST_F(CounterSamplingRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "QUERY_LIMIT");
  server_->SetLimits({.answer_rows_max = 2});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "ANSWER_LIMIT");
  server_->SetLimits({});
  EXPECT_TRUE(Sample().ok());
}

}  // namespace
}  // namespace hftmon
