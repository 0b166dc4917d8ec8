#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ThreadKey kOther{.tid = 1002, .tgid = kPid, .start_ns = 300};
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kWindowBeginNs = kNowNs - 100 * kMs;

class CacheRpcTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
    counters_.now_state.set = {.number = 1,
                               .events = {{.name = "cycles", .metric = "cycles", .counts = ""},
                                          {.name = "instructions", .metric = "instructions", .counts = ""},
                                          {.name = "l3_misses", .metric = "l3_misses", .counts = "loads", .number_unchecked = true},
                                          {.name = "page-faults", .metric = "", .counts = ""}},
                               .interval_ns = kMs};
    counters_.now_state.cross_call_count = 14;
    counter_history_.OnCounterSet(counters_.now_state.set);
  }

  static CounterSpan SpanOf(int64_t end_ns, const CounterValues& values, const ThreadKey& thread = kThread, uint32_t set = 1) {
    return {.thread = thread,
            .set = set,
            .counted = 0xf,
            .begin_mono_ns = end_ns - 2 * kMs,
            .end_mono_ns = end_ns,
            .on_cpu_ns = kMs,
            .enabled_ns = kMs,
            .running_ns = kMs,
            .values = values};
  }
  // The thread is counted, and was read last at that time.
  void AddTotal(const ThreadKey& thread, int64_t last_ns, const CounterValues& values = {}) {
    ThreadCounterTotal total{.thread = thread, .unavailable = "", .reading_count = 9, .last_mono_ns = last_ns, .sum = {}};
    total.sum = SpanOf(last_ns, values, thread);
    total.sum.begin_mono_ns = last_ns - kSecondNs;
    counters_.threads.push_back(total);
  }
  grpc::Status Query(v1::QueryCacheRequest request = {}) {
    if (request.window_ns() == 0) request.set_window_ns(100 * kMs);
    response_.Clear();
    return stub_->QueryCache(Context().get(), request, &response_);
  }

  v1::QueryCacheResponse response_;
};

TEST_F(CacheRpcTest, AThreadOfAPausedTargetHasNoFiguresAndSaysWhy) {
  AddTotal(kThread, kWindowBeginNs - kSecondNs);
  targets_.Pause(kPid);
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_FALSE(response_.threads(0).available());
  EXPECT_THAT(response_.threads(0).reason(), HasSubstr("targets --resume"));
}

TEST_F(CacheRpcTest, EachThreadHasWhatItsSpansOfTheWindowSumUpTo) {
  AddTotal(kThread, kNowNs - kMs, {9'000, 9'900, 7, 1});
  counter_history_.OnCounterSpan(SpanOf(kWindowBeginNs, {1, 1, 1, 1}));  // before it
  counter_history_.OnCounterSpan(SpanOf(kNowNs - 5 * kMs, {1'000, 3'000, 3, 0}));
  counter_history_.OnCounterSpan(SpanOf(kNowNs - 2 * kMs, {3'000, 5'000, 1, 4}));
  const grpc::Status status = Query();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response_.available());
  EXPECT_EQ(response_.reason(), "");
  EXPECT_EQ(response_.interval_ns(), kMs);
  EXPECT_EQ(response_.mean_span_ns(), 2 * kMs);
  EXPECT_EQ(response_.window().begin_monotonic_ns(), kWindowBeginNs);
  EXPECT_EQ(response_.window().end_monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.window().resolution_ns(), 2 * kMs);
  EXPECT_FALSE(response_.window().truncated());
  EXPECT_EQ(response_.total_cross_call_count(), 14u);
  EXPECT_EQ(response_.cross_call_count(), 0u);
  ASSERT_EQ(response_.events_size(), 4);
  EXPECT_EQ(response_.events(2).counts(), "loads");
  EXPECT_TRUE(response_.events(2).number_unchecked());
  ASSERT_EQ(response_.rates_size(), 3);
  EXPECT_EQ(response_.rates(0).unit(), "per_cycle");
  EXPECT_EQ(response_.rates(1).formula(), "1000 * l3_misses / instructions");
  ASSERT_EQ(response_.threads_size(), 1);
  const v1::ThreadCache& thread = response_.threads(0);
  EXPECT_TRUE(thread.available());
  EXPECT_EQ(thread.thread().comm(), "thread1001");
  EXPECT_EQ(thread.on_cpu_ns(), 2 * kMs);
  EXPECT_DOUBLE_EQ(thread.running_share(), 1);
  EXPECT_EQ(thread.span_count(), 2u);
  EXPECT_EQ(thread.reading_count(), 9u);
  EXPECT_EQ(thread.counted_since_monotonic_ns(), kNowNs - kMs - kSecondNs);
  ASSERT_EQ(thread.counters_size(), 4);
  EXPECT_EQ(thread.counters(0).value(), 4'000);
  EXPECT_EQ(thread.counters(0).total(), 9'000);
  EXPECT_FALSE(thread.counters(2).doubtful());
  ASSERT_EQ(thread.rates_size(), 3);
  EXPECT_DOUBLE_EQ(thread.rates(0).mean(), 2);
  EXPECT_DOUBLE_EQ(thread.rates(0).highest(), 3);
  EXPECT_DOUBLE_EQ(thread.rates(1).mean(), 0.5);
  EXPECT_DOUBLE_EQ(thread.rates(2).mean(), 2'000) << "page faults by second on the CPU";
  EXPECT_EQ(thread.rates(0).percentiles_size(), 0) << "two spans";
}

TEST_F(CacheRpcTest, PercentilesAreThoseAskedForThatHaveEnoughSpans) {
  AddTotal(kThread, kNowNs);
  for (uint64_t i = 1; i <= 100; ++i)
    counter_history_.OnCounterSpan(SpanOf(kNowNs - static_cast<int64_t>(i) * 10'000, {1'000, 1'000 * i, 0, 0}));
  v1::QueryCacheRequest request;
  request.add_percentiles(10);
  request.add_percentiles(90);
  request.add_percentiles(99);
  ASSERT_TRUE(Query(request).ok());
  const v1::RateValue& rate = response_.threads(0).rates(0);
  ASSERT_EQ(rate.percentiles_size(), 2);
  EXPECT_EQ(rate.percentiles(0).percent(), 10);
  EXPECT_NEAR(rate.percentiles(0).value(), 10, 0.079);
  EXPECT_NEAR(rate.percentiles(1).value(), 90, 0.71);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.threads(0).rates(0).percentiles_size(), 1) << "of the default ones p50";
}

TEST_F(CacheRpcTest, AnUncheckedEventThatStaysZeroMakesItsRatesDoubtful) {
  AddTotal(kThread, kNowNs);
  counter_history_.OnCounterSpan(SpanOf(kNowNs - kMs, {1'000, 3'000, 0, 0}));
  ASSERT_TRUE(Query().ok());
  const v1::ThreadCache& thread = response_.threads(0);
  EXPECT_TRUE(thread.counters(2).doubtful());
  EXPECT_FALSE(thread.rates(0).doubtful());
  EXPECT_TRUE(thread.rates(1).doubtful());
}

TEST_F(CacheRpcTest, EventsThatTookTurnsAreEstimated) {
  AddTotal(kThread, kNowNs);
  CounterSpan span = SpanOf(kNowNs - kMs, {1'000, 3'000, 2, 5});
  span.running_ns = kMs / 4;
  counter_history_.OnCounterSpan(span);
  ASSERT_TRUE(Query().ok());
  const v1::ThreadCache& thread = response_.threads(0);
  EXPECT_DOUBLE_EQ(thread.running_share(), 0.25);
  EXPECT_DOUBLE_EQ(thread.counters(0).value(), 4'000);
  EXPECT_TRUE(thread.counters(0).estimated());
  EXPECT_TRUE(thread.rates(0).estimated());
  EXPECT_DOUBLE_EQ(thread.rates(0).mean(), 3);
}

TEST_F(CacheRpcTest, AThreadWithoutSpansSaysWhyOrThatItDidNotRun) {
  AddTotal(kThread, kWindowBeginNs - kMs);
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(response_.threads(0).available());
  EXPECT_THAT(response_.threads(0).reason(), HasSubstr("neither switched nor was its CPU ticked: ask with read_now"));
  EXPECT_FALSE(response_.threads(0).has_running_share());
  EXPECT_FALSE(response_.threads(0).counters(0).has_value());
  EXPECT_TRUE(response_.threads(0).counters(0).has_total());

  totals_.totals.push_back({.thread = kThread, .alive = true, .departure = ThreadDeparture{.out_clock_ns = 5}});
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.threads(0).available()) << response_.threads(0).reason();
  EXPECT_EQ(response_.threads(0).on_cpu_ns(), 0);
  EXPECT_EQ(response_.threads(0).rates_size(), 0);

  counters_.threads[0].last_mono_ns = kNowNs - kMs;
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(response_.threads(0).reason(), HasSubstr("less than 1ms apart"));
  counter_history_.OnCounterLoss(0, 3, kNowNs - 2 * kMs, kNowNs - kMs);
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(response_.threads(0).reason(), HasSubstr("were lost"));
  EXPECT_EQ(response_.lost_span_count(), 3u);

  counters_.threads[0].unavailable = "its target does not ask for counters: attach it with them";
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.threads(0).reason(), counters_.threads[0].unavailable);
  EXPECT_EQ(response_.threads(0).reading_count(), 0u);
}

TEST_F(CacheRpcTest, AThreadThatSleepsSinceItsEventsAreCountedDidNotRunAndIsNoneWithoutFigures) {
  ThreadCounterTotal total{.thread = kThread, .unavailable = "it was not read twice yet", .unread = true, .sum = {}};
  counters_.threads.push_back(total);
  const auto reason_with = [this](const ThreadTotal& switches) {
    totals_.totals = {switches};
    EXPECT_TRUE(Query().ok());
    EXPECT_EQ(response_.threads(0).available(), response_.threads(0).reason().empty());
    EXPECT_EQ(response_.threads(0).on_cpu_ns(), 0);
    EXPECT_EQ(response_.threads(0).rates_size(), 0);
    return response_.threads(0).reason();
  };
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true, .seen = false, .found_asleep_mono_ns = kNowNs - kMs}), "") << "found asleep";
  const ThreadDeparture before{.out_clock_ns = kWindowBeginNs - kMs};
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true, .departure = before}), "") << "it left its CPU before the window";
  const ThreadDeparture within{.out_clock_ns = kWindowBeginNs + 9 * kMs};
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true, .departure = within}), total.unavailable) << "it ran in the window unread";
  counters_.now_state.set.since_mono_ns = kWindowBeginNs + 10 * kMs;
  counter_history_.OnCounterSet(counters_.now_state.set);
  counters_.now_state.set.number = 2;
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true, .departure = within}), "") << "and these events are counted since";
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true}), total.unavailable) << "it runs";
  counters_.threads[0].unread = false;
  counters_.threads[0].unavailable = "its target does not ask for it";
  EXPECT_EQ(reason_with({.thread = kThread, .alive = true, .departure = before}), counters_.threads[0].unavailable);
}

TEST_F(CacheRpcTest, WhereNothingIsCountedTheReasonStandsInTheAnswerAndNoFigure) {
  counters_.now_state = {
      .set = {}, .reason = "this machine has no PMU: a guest whose hypervisor gives it none", .unavailable = {{"l3_misses", "no PMU"}}};
  v1::QueryCacheRequest request;
  request.add_tids(77);
  const grpc::Status status = Query(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(response_.available());
  EXPECT_THAT(response_.reason(), HasSubstr("no PMU"));
  EXPECT_EQ(response_.threads_size(), 0);
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).part(), "l3_misses");
}

TEST_F(CacheRpcTest, WhatWasCountedCanBeAskedForWhenItIsNoLonger) {
  counter_history_.OnCounterSpan(SpanOf(kNowNs - kMs, {1'000, 3'000, 1, 0}));
  counter_history_.OnCounterSpan(SpanOf(kNowNs - kMs, {1'000, 3'000, 1, 0}, {.tid = 5, .tgid = 5, .start_ns = 1}));  // nobody's
  counters_.now_state.set = {.number = 2, .events = {}};
  counters_.now_state.reason = "no target asks for counters";
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(response_.available());
  ASSERT_EQ(response_.threads_size(), 1);
  EXPECT_TRUE(response_.threads(0).available());
  EXPECT_DOUBLE_EQ(response_.threads(0).rates(0).mean(), 3);
  EXPECT_EQ(response_.events_size(), 4);
}

TEST_F(CacheRpcTest, SpansOfAnEarlierSetAreInNoFigure) {
  AddTotal(kThread, kNowNs - kMs);
  counter_history_.OnCounterSpan(SpanOf(kNowNs - 3 * kMs, {1'000, 3'000, 1, 0}));
  counters_.now_state.set.number = 2;  // the history does not know it yet
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.set_changed());
  EXPECT_EQ(response_.threads(0).span_count(), 0u);
  EXPECT_FALSE(response_.threads(0).available());
  counter_history_.OnCounterSet(counters_.now_state.set);
  counter_history_.OnCounterSpan(SpanOf(kNowNs - kMs, {1'000, 5'000, 1, 0}, kThread, 2));
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.set_changed());
  EXPECT_TRUE(response_.window().truncated());
  EXPECT_EQ(response_.window().begin_monotonic_ns(), kNowNs - 3 * kMs);
  EXPECT_DOUBLE_EQ(response_.threads(0).rates(0).mean(), 5);
}

TEST_F(CacheRpcTest, ReadNowAddsWhatRunsAndSaysWhatItCost) {
  AddTotal(kThread, kNowNs - 10 * kMs);
  AddTotal(kOther, kNowNs - 10 * kMs);
  counter_history_.OnCounterSpan(SpanOf(kNowNs - 10 * kMs, {1'000, 1'000, 0, 0}));
  counter_history_.OnCounterSpan(SpanOf(kNowNs, {1'000, 1'000, 0, 0}, kOther));  // read since
  CounterSpan now = SpanOf(kNowNs + kMs, {1'000, 3'000, 0, 0});
  CounterSpan stale = SpanOf(kNowNs + kMs, {500, 500, 0, 0}, kOther);
  counters_.now = CounterTotals::Now{.spans = {now, stale}, .cross_call_count = 2};
  v1::QueryCacheRequest request;
  request.set_read_now(true);
  request.add_pids(kPid);
  const grpc::Status status = Query(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(counters_.read_now_of, ElementsAre(kPid));
  EXPECT_EQ(response_.cross_call_count(), 2u);
  EXPECT_EQ(response_.window().end_monotonic_ns(), kNowNs + kMs);
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_TRUE(response_.threads(0).read_now());
  EXPECT_EQ(response_.threads(0).span_count(), 2u);
  EXPECT_DOUBLE_EQ(response_.threads(0).rates(0).mean(), 2);
  EXPECT_FALSE(response_.threads(1).read_now());
  EXPECT_EQ(response_.threads(1).span_count(), 1u);

  counters_.now = absl::FailedPreconditionError("the CPUs cannot be interrupted");
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.read_now_error(), "the CPUs cannot be interrupted");
  EXPECT_EQ(response_.threads(0).span_count(), 1u);
  counters_.read_now_of.clear();
  ASSERT_TRUE(Query().ok());
  EXPECT_THAT(counters_.read_now_of, IsEmpty()) << "nobody asked for it";
}

TEST_F(CacheRpcTest, WhoIsNoTargetAndNoThreadIsRefused) {
  AddTotal(kThread, kNowNs);
  v1::QueryCacheRequest request;
  request.add_tids(77);
  EXPECT_EQ(ErrorInfoOf(Query(request)).reason(), "NOT_A_THREAD");
  request.add_pids(12);
  EXPECT_EQ(ErrorInfoOf(Query(request)).reason(), "NOT_A_TARGET");
}

TEST_F(CacheRpcTest, ReadNowOfEveryTargetAndPercentilesThatAreNoneAreRefused) {
  v1::QueryCacheRequest request;
  request.set_read_now(true);
  request.add_percentiles(100);
  request.set_window_ns(-1);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto bad = BadRequestOf(status);
  ASSERT_TRUE(bad.has_value());
  std::vector<std::string> fields;
  for (const auto& violation : bad->field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields, ElementsAre("window_ns", "percentiles[0]", "pids"));
  EXPECT_THAT(counters_.read_now_of, IsEmpty());
}

class NoCountersRpcTest : public CacheRpcTest {
 protected:
  NoCountersRpcTest() { has_counters_ = false; }
};

TEST_F(NoCountersRpcTest, ADaemonWithoutCountersSaysSo) {
  const grpc::Status status = Query();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(response_.available());
  EXPECT_THAT(response_.reason(), HasSubstr("reads no counters of threads"));
  EXPECT_EQ(response_.window().end_monotonic_ns(), kNowNs);
}

}  // namespace
}  // namespace hftmon
