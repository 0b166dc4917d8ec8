#include "daemon/analysis/counter_history.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/daemon/analysis/counter_spans.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kStart = 1'000 * kMinute + 13 * kMs;
constexpr ThreadKey kFirst{.tid = 12, .tgid = 10, .start_ns = 5};
constexpr ThreadKey kSecondThread{.tid = 13, .tgid = 10, .start_ns = 6};

bool All(const ThreadKey&) {
  return true;
}

// Spans of `width_ns` of two threads in turn, the values known by their number.
std::vector<CounterSpan> SomeSpans(int count, int64_t width_ns) {
  std::vector<CounterSpan> spans;
  for (int i = 0; i < count; ++i) {
    const auto cycles = static_cast<uint64_t>(1'000 + i % 97);
    spans.push_back(SpanOf({cycles, cycles * static_cast<uint64_t>(1 + i % 3)}, kStart + (i + 1) * width_ns, width_ns,
                           i % 2 == 0 ? kFirst : kSecondThread));
  }
  return spans;
}

void Put(const std::vector<CounterSpan>& spans, CounterHistory* history) {
  for (const CounterSpan& span : spans) history->OnCounterSpan(span);
}

// The answer is what adding the spans of the window that it states, one by one, gives.
void ExpectWholeAnswer(const CounterAnswer& answer, const std::vector<CounterSpan>& spans) {
  WindowsOfThreads expected;
  for (const CounterSpan& span : spans) {
    if (answer.begin_mono_ns < span.end_mono_ns && span.end_mono_ns <= answer.end_mono_ns) expected[span.thread].Add(answer.rates, span);
  }
  ASSERT_EQ(answer.threads.size(), expected.size());
  for (const auto& [thread, window] : answer.threads) {
    const CounterWindow& truth = expected.at(thread);
    EXPECT_EQ(window.span_count, truth.span_count);
    EXPECT_EQ(window.on_cpu_ns, truth.on_cpu_ns);
    EXPECT_EQ(window.widest_ns, truth.widest_ns);
    EXPECT_EQ(window.events[0].value, truth.events[0].value);
    EXPECT_EQ(window.events[1].value, truth.events[1].value);
    ASSERT_EQ(window.rates.size(), truth.rates.size());
    EXPECT_EQ(window.rates[0].on_cpu_ns, truth.rates[0].on_cpu_ns);
  }
}

class CounterHistoryTest : public testing::Test {
 protected:
  CounterHistoryTest() { history_.OnCounterSet(SetOf({"cycles", "instructions"})); }
  CounterHistory history_;
};

TEST(CounterHistoryMemoryTest, ItTakesNoneBeforeTheFirstSetAndKeepsItsBoundsAfter) {
  CounterHistory history({.spans_max = 1'000, .second_bytes_max = 100'000, .minute_bytes_max = 50'000});
  const size_t before = history.bytes();
  EXPECT_LT(before, 128u << 10);
  EXPECT_EQ(history.bytes_max(), before + 1'000 * sizeof(CounterSpan) + 150'000);
  history.OnCounterSet(SetOf({"cycles", "instructions"}));
  EXPECT_EQ(history.bytes(), before + 1'000 * sizeof(CounterSpan));
  Put(SomeSpans(50'000, 10 * kMs), &history);
  EXPECT_LE(history.bytes(), history.bytes_max());
  EXPECT_GT(history.bytes(), before + 1'000 * sizeof(CounterSpan) + 100'000);
}

TEST_F(CounterHistoryTest, AWindowHasTheSpansThatEndedInIt) {
  Put(SomeSpans(10, kMs), &history_);
  const CounterAnswer answer = history_.Query(kStart + 3 * kMs, kStart + 7 * kMs, &All);
  EXPECT_FALSE(answer.truncated);
  EXPECT_FALSE(answer.set_changed);
  EXPECT_EQ(answer.begin_mono_ns, kStart + 3 * kMs);
  EXPECT_EQ(answer.end_mono_ns, kStart + 7 * kMs);
  ASSERT_EQ(answer.threads.size(), 2u);
  EXPECT_EQ(answer.threads.at(kFirst).span_count, 2u);
  EXPECT_EQ(answer.threads.at(kFirst).events[0].value, 1'004u + 1'006u);
  const CounterAnswer one = history_.Query(0, kStart + kMinute, [](const ThreadKey& thread) { return thread == kSecondThread; });
  ASSERT_EQ(one.threads.size(), 1u);
  EXPECT_EQ(one.threads.at(kSecondThread).span_count, 5u);
}

TEST_F(CounterHistoryTest, WindowsOfAnyLengthEqualTheSumOfTheirSpans) {
  const std::vector<CounterSpan> spans = SomeSpans(20'000, 17 * kMs);  // 340 s, all still in the ring
  Put(spans, &history_);
  const int64_t end_ns = spans.back().end_mono_ns;
  std::mt19937_64 random(3);
  for (int i = 0; i < 100; ++i) {
    const int64_t begin_ns = end_ns - static_cast<int64_t>(random() % static_cast<uint64_t>(i < 50 ? 3 * kSecond : 340 * kSecond));
    const CounterAnswer answer = history_.Query(begin_ns, end_ns, &All);
    EXPECT_EQ(answer.begin_mono_ns, begin_ns);
    EXPECT_FALSE(answer.truncated);
    ExpectWholeAnswer(answer, spans);
  }
}

// What is kept one by one, and by second: less than a second and less than a minute, and each more than the other.
struct KeptCase {
  const char* name;
  CounterHistory::Bounds bounds;
};

class CounterHistoryKeptTest : public testing::TestWithParam<KeptCase> {};

TEST_P(CounterHistoryKeptTest, WhatTheRingNoLongerHasIsAnsweredFromSecondsAndMinutesWithTheirEdges) {
  CounterHistory history(GetParam().bounds);
  history.OnCounterSet(SetOf({"cycles", "instructions"}));
  const std::vector<CounterSpan> spans = SomeSpans(40'000, 17 * kMs);  // 680 s
  std::mt19937_64 random(5);
  size_t put = 0;
  // Ends at all parts of a minute.
  for (size_t until = 30'000; until < spans.size(); until += 431) {
    while (put < until) history.OnCounterSpan(spans[put++]);
    const std::vector<CounterSpan> so_far(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(put));
    const int64_t end_ns = so_far.back().end_mono_ns - static_cast<int64_t>(random() % (50 * kMs));
    for (const int64_t longest_ns : {500 * kMs, 4 * kSecond, 100 * kSecond, 400 * kSecond}) {
      const int64_t begin_ns = end_ns - static_cast<int64_t>(random() % static_cast<uint64_t>(longest_ns));
      const CounterAnswer answer = history.Query(begin_ns, end_ns, &All);
      EXPECT_FALSE(answer.truncated);
      EXPECT_LE(answer.begin_mono_ns, begin_ns);
      EXPECT_LT(begin_ns - answer.begin_mono_ns, kMinute);
      ExpectWholeAnswer(answer, so_far);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Bounds, CounterHistoryKeptTest,
                         testing::Values(KeptCase{"SecondsAndARing", {.spans_max = 100, .second_bytes_max = 100'000}},
                                         KeptCase{"LessThanASecond", {.spans_max = 10, .second_bytes_max = 100'000}},
                                         KeptCase{"MinutesAlone", {.spans_max = 10, .second_bytes_max = 4'000}},
                                         KeptCase{"MoreSpansThanSeconds", {.spans_max = 2'000, .second_bytes_max = 10'000}}),
                         [](const auto& kept) { return std::string(kept.param.name); });

TEST(CounterHistoryLateTest, ASpanOfATimeThatWentBringsNothingOfItBack) {
  const std::vector<CounterSpan> spans = SomeSpans(40'000, 17 * kMs);
  int64_t begin_ns[2] = {};
  for (const bool late : {false, true}) {
    CounterHistory history({.spans_max = 10, .second_bytes_max = 20'000, .minute_bytes_max = 4'000});
    history.OnCounterSet(SetOf({"cycles", "instructions"}));
    Put({spans.begin(), spans.begin() + 35'000}, &history);
    if (late) history.OnCounterSpan(spans[3]);
    for (size_t i = 35'000; i < spans.size(); ++i) {
      history.OnCounterSpan(spans[i]);
      if (i % 50 != 0) continue;
      const CounterAnswer answer = history.Query(kStart, spans[i].end_mono_ns, &All);
      ASSERT_TRUE(answer.truncated);
      begin_ns[late ? 1 : 0] += answer.begin_mono_ns / kMs;
      ExpectWholeAnswer(answer, {spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(i) + 1});
    }
  }
  EXPECT_EQ(begin_ns[0], begin_ns[1]);
}

TEST_F(CounterHistoryTest, AWindowThatReachesBeyondWhatIsKeptIsTruncatedAndSaysWhereItBegins) {
  CounterHistory history({.spans_max = 100, .second_bytes_max = 20'000, .minute_bytes_max = 10'000});
  history.OnCounterSet(SetOf({"cycles", "instructions"}));
  const std::vector<CounterSpan> spans = SomeSpans(60'000, 17 * kMs);
  Put(spans, &history);
  const CounterAnswer answer = history.Query(kStart, spans.back().end_mono_ns, &All);
  EXPECT_TRUE(answer.truncated);
  EXPECT_GT(answer.begin_mono_ns, kStart);
  EXPECT_LT(answer.begin_mono_ns, spans.back().end_mono_ns - kMinute);
  ExpectWholeAnswer(answer, spans);
}

TEST_F(CounterHistoryTest, SecondsTooLargeForTheirBoundAreNotHalfAnswered) {
  CounterHistory history({.spans_max = 10, .second_bytes_max = 1, .minute_bytes_max = 1});
  history.OnCounterSet(SetOf({"cycles", "instructions"}));
  const std::vector<CounterSpan> spans = SomeSpans(100, 17 * kMs);
  Put(spans, &history);
  const CounterAnswer answer = history.Query(kStart, spans.back().end_mono_ns, &All);
  EXPECT_TRUE(answer.truncated);
  ExpectWholeAnswer(answer, spans);
  ASSERT_EQ(answer.threads.size(), 2u);
  EXPECT_EQ(answer.threads.at(kFirst).span_count + answer.threads.at(kSecondThread).span_count, 10u);
}

TEST_F(CounterHistoryTest, SpansOfAnotherCpuMayComeLate) {
  std::vector<CounterSpan> spans = SomeSpans(4'000, 5 * kMs);
  for (size_t i = 0; i + 7 < spans.size(); i += 8) std::swap(spans[i], spans[i + 7]);
  Put(spans, &history_);
  ExpectWholeAnswer(history_.Query(kStart + 1'234 * kMs, kStart + 17'003 * kMs, &All), spans);
}

TEST_F(CounterHistoryTest, SpansOfTwoSetsAreNeverAddedUp) {
  std::vector<CounterSpan> spans = SomeSpans(20, kMs);
  for (size_t i = 0; i < 10; ++i) history_.OnCounterSpan(spans[i]);
  history_.OnCounterSet(SetOf({"instructions", "l3_misses"}, 2));
  for (size_t i = 10; i < 20; ++i) {
    spans[i].set = 2;
    history_.OnCounterSpan(spans[i]);
  }
  history_.OnCounterSpan(spans[9]);  // late
  const CounterAnswer answer = history_.Query(kStart, spans.back().end_mono_ns, &All);
  EXPECT_TRUE(answer.set_changed);
  EXPECT_EQ(answer.set.number, 2u);
  EXPECT_EQ(answer.rates[0].name, "l3_mpki");
  EXPECT_EQ(answer.begin_mono_ns, spans[9].end_mono_ns);
  EXPECT_EQ(answer.threads.at(kFirst).span_count + answer.threads.at(kSecondThread).span_count, 10u);
  EXPECT_FALSE(history_.Query(spans[12].end_mono_ns, spans.back().end_mono_ns, &All).set_changed);
}

TEST_F(CounterHistoryTest, WhatWasCountedStaysWhenNobodyAsksAnyMore) {
  Put(SomeSpans(10, kMs), &history_);
  history_.OnCounterSet({.number = 2, .events = {}});
  const CounterAnswer answer = history_.Query(kStart, kStart + kSecond, &All);
  EXPECT_EQ(answer.set.number, 1u);
  EXPECT_EQ(answer.threads.size(), 2u);
}

TEST_F(CounterHistoryTest, LostSpansCountInTheWindowsThatTheyMayBelongTo) {
  history_.OnCounterLoss(1, 7, kStart + 2 * kMs, kStart + 4 * kMs);
  history_.OnCounterLoss(0, 2, kStart + 50 * kMs, kStart + 60 * kMs);
  EXPECT_EQ(history_.Query(kStart, kStart + 100 * kMs, &All).lost_count, 9u);
  EXPECT_EQ(history_.Query(kStart + 3 * kMs, kStart + 20 * kMs, &All).lost_count, 7u);
  EXPECT_EQ(history_.Query(kStart + 10 * kMs, kStart + 20 * kMs, &All).lost_count, 0u);
}

TEST(CounterHistoryEmptyTest, WithoutASetThereIsNothing) {
  CounterHistory history;
  history.OnCounterSpan(SpanOf({1, 2}));
  const CounterAnswer answer = history.Query(0, kSecond, &All);
  EXPECT_EQ(answer.set.number, 0u);
  EXPECT_TRUE(answer.threads.empty());
}

TEST_F(CounterHistoryTest, ACursorHasEachSpanOnceInTheOrderInWhichTheyCame) {
  const std::vector<CounterSpan> spans = SomeSpans(10, kMs);
  Put({spans.begin(), spans.begin() + 3}, &history_);
  CounterCursor cursor = history_.Now();
  std::vector<int64_t> ends;
  const auto note = [&ends](const std::vector<CounterRate>& rates, const CounterSpan& span) {
    EXPECT_EQ(rates.size(), 1u);
    ends.push_back(span.end_mono_ns);
  };
  Put({spans[7], spans[4]}, &history_);
  EXPECT_EQ(history_.TakeNew(&cursor, note).set.number, 1u);
  EXPECT_EQ(ends, (std::vector<int64_t>{spans[7].end_mono_ns, spans[4].end_mono_ns})) << "late as it is, and none of before";
  history_.TakeNew(&cursor, note);
  EXPECT_EQ(ends.size(), 2u);
  Put({spans[5]}, &history_);
  const CounterArrivals arrivals = history_.TakeNew(&cursor, note);
  EXPECT_EQ(ends.size(), 3u);
  EXPECT_EQ(arrivals.lost_count, 0u);
}

TEST_F(CounterHistoryTest, WhatWasOverwrittenBeforeItWasTakenIsLostAndToldOnce) {
  CounterHistory small({.spans_max = 4});
  small.OnCounterSet(SetOf({"cycles", "instructions"}));
  CounterCursor cursor = small.Now();
  const std::vector<CounterSpan> spans = SomeSpans(11, kMs);
  std::vector<int64_t> ends;
  const auto note = [&ends](const std::vector<CounterRate>&, const CounterSpan& span) { ends.push_back(span.end_mono_ns); };
  Put({spans.begin(), spans.begin() + 3}, &small);
  EXPECT_EQ(small.TakeNew(&cursor, note).lost_count, 0u);
  Put({spans.begin() + 3, spans.end()}, &small);
  small.OnCounterLoss(0, 5, kStart, kStart + kMs);
  EXPECT_EQ(small.TakeNew(&cursor, note).lost_count, 4u + 5);
  EXPECT_EQ(small.TakeNew(&cursor, note).lost_count, 0u);
  ASSERT_EQ(ends.size(), 3u + 4);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(ends[3 + i], spans[7 + i].end_mono_ns) << i;
}

TEST_F(CounterHistoryTest, ACursorOfAnotherSetTakesTheNewOnesAlone) {
  CounterCursor cursor = history_.Now();
  Put(SomeSpans(3, kMs), &history_);
  history_.OnCounterSet(SetOf({"cycles"}, 2));
  CounterSpan span = SpanOf({1'000}, kStart + kSecond);
  span.set = 2;
  history_.OnCounterSpan(span);
  size_t count = 0;
  const CounterArrivals arrivals = history_.TakeNew(&cursor, [&count](const std::vector<CounterRate>&, const CounterSpan&) { ++count; });
  EXPECT_EQ(arrivals.set.number, 2u);
  EXPECT_EQ(arrivals.lost_count, 0u) << "other events are no loss of these";
  EXPECT_EQ(count, 1u);
}

}  // namespace
}  // namespace hftmon
