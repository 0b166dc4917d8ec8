#include "daemon/markers/operation_book.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace hftmon {
namespace {

class RecordingSpanSink : public OperationSpanSink {
 public:
  void OnSpan(const OperationSpan& span) override { spans.push_back(span); }
  std::vector<OperationSpan> spans;
};

// A tick is half a nanosecond.
constexpr LinearConversion kHalf = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << 31, .error_ns = 0};

class OperationBookTest : public testing::Test {
 protected:
  OperationBookTest() {
    book_.OnOperation(1, "in");
    book_.OnOperation(2, "out");
  }
  // One record, `tsc` after the last.
  void Put(MarkerKind kind, uint32_t operation, uint64_t value, uint64_t later = 100, uint32_t gap_count = 0, uint16_t ring = 0) {
    tsc_ += later;
    const MarkerRecord record = {
        .tsc = tsc_, .value = value, .operation = operation, .gap_count = gap_count, .tid = 7, .ring = ring, .kind = kind, .error = fails_};
    book_.OnRecords({&record, 1});
  }
  void Begin(uint32_t operation, uint64_t value) { Put(MarkerKind::kBegin, operation, value); }
  void End(uint32_t operation, uint64_t value, uint64_t later = 100) { Put(MarkerKind::kEnd, operation, value, later); }

  RecordingSpanSink sink_;
  OperationBook book_{kHalf, &sink_};
  uint64_t tsc_ = 1'000;
  bool fails_ = false;
};

TEST_F(OperationBookTest, ABeginAndItsEndAreASpan) {
  Begin(1, 4711);
  fails_ = true;
  End(1, 4711, 3'000);
  ASSERT_EQ(sink_.spans.size(), 1u);
  const OperationSpan& span = sink_.spans[0];
  EXPECT_EQ(span.begin_tsc, 1'100u);
  EXPECT_EQ(span.duration_tsc, 3'000u);
  EXPECT_EQ(span.duration_ns, 1'500);
  EXPECT_EQ(span.value, 4711u);
  EXPECT_EQ(span.operation, 1u);
  EXPECT_EQ(span.tid, 7u);
  EXPECT_TRUE(span.error);
  EXPECT_FALSE(span.heartbeat);
  EXPECT_EQ(book_.operations()[1].name, "in");
  EXPECT_EQ(book_.operations()[1].error_count, 1u);
}

TEST_F(OperationBookTest, SpansMayNestAndOverlap) {
  Begin(1, 1);
  Begin(2, 1);
  Begin(1, 2);
  End(1, 1);  // not the innermost
  End(1, 2);
  End(2, 1);
  ASSERT_EQ(sink_.spans.size(), 3u);
  EXPECT_EQ(sink_.spans[0].duration_tsc, 300u);
  EXPECT_EQ(sink_.spans[1].duration_tsc, 200u);
  EXPECT_EQ(sink_.spans[2].duration_tsc, 400u);
  EXPECT_EQ(book_.open_count(), 0u);
}

TEST_F(OperationBookTest, RingsDoNotKnowEachOthersBegins) {
  Put(MarkerKind::kBegin, 1, 1, 100, 0, 0);
  Put(MarkerKind::kEnd, 1, 1, 100, 0, 1);
  EXPECT_TRUE(sink_.spans.empty());
  EXPECT_EQ(book_.losses().end_without_begin_count, 1u);
  Put(MarkerKind::kEnd, 1, 1, 100, 0, 0);
  EXPECT_EQ(sink_.spans.size(), 1u);
}

TEST_F(OperationBookTest, FiguresAreThoseOfTheSpans) {
  for (const uint64_t ticks : {200u, 400u, 2'000u}) {
    Begin(1, ticks);
    End(1, ticks, ticks);
  }
  const OperationFigures& figures = book_.operations()[1].spans;
  EXPECT_EQ(figures.count, 3u);
  EXPECT_EQ(figures.sum_ns, 1'300u);
  EXPECT_EQ(figures.min_ns, 100);
  EXPECT_EQ(figures.max_ns, 1'000);
  EXPECT_EQ(figures.mean_ns(), 433);
  EXPECT_EQ(figures.durations.total(), 3u);
  EXPECT_EQ(figures.durations[BucketOf(100)], 1u);
  EXPECT_EQ(figures.durations[BucketOf(200)], 1u);
  EXPECT_EQ(figures.durations[BucketOf(1'000)], 1u);
  EXPECT_EQ(book_.operations()[2].spans.count, 0u);
}

TEST_F(OperationBookTest, AnEndThatWasNeverBegunIsCounted) {
  Begin(1, 1);
  End(1, 2);
  End(2, 1);
  EXPECT_EQ(book_.losses().end_without_begin_count, 2u);
  EXPECT_EQ(book_.open_count(), 1u);
}

TEST_F(OperationBookTest, WhatIsBegunAgainBeginsAgain) {
  Begin(1, 1);
  Begin(1, 1);
  End(1, 1);
  End(1, 1);
  ASSERT_EQ(sink_.spans.size(), 1u);
  EXPECT_EQ(sink_.spans[0].duration_tsc, 100u);
  EXPECT_EQ(book_.losses().begin_replaced_count, 1u);
  EXPECT_EQ(book_.losses().end_without_begin_count, 1u);
}

TEST_F(OperationBookTest, BeyondSixteenTheOldestIsGivenUp) {
  for (uint64_t value = 0; value < 20; ++value) Begin(1, value);
  EXPECT_EQ(book_.open_count(), OperationBook::kOpenMax);
  EXPECT_EQ(book_.losses().begin_evicted_count, 4u);
  for (uint64_t value = 0; value < 20; ++value) End(1, value);
  EXPECT_EQ(sink_.spans.size(), 16u);
  EXPECT_EQ(book_.losses().end_without_begin_count, 4u);
}

TEST_F(OperationBookTest, NothingIsPairedAcrossAGap) {
  Begin(1, 0);
  Begin(2, 0);
  // An end of operation 1 and another begin may have been among the five.
  Put(MarkerKind::kEnd, 1, 0, 100, 5);
  EXPECT_TRUE(sink_.spans.empty());
  EXPECT_EQ(book_.losses().gap_record_count, 5u);
  EXPECT_EQ(book_.losses().begin_lost_count, 2u);
  EXPECT_EQ(book_.losses().end_without_begin_count, 1u);
}

TEST_F(OperationBookTest, AThreadThatEndsLeavesNothingToTheNext) {
  Begin(1, 0);
  Put(MarkerKind::kHeartbeat, 2, 0);
  Put(MarkerKind::kThread, 0, 8);
  Put(MarkerKind::kHeartbeat, 2, 0);
  End(1, 0);
  EXPECT_TRUE(sink_.spans.empty());
  EXPECT_EQ(book_.losses().begin_unfinished_count, 1u);
}

TEST_F(OperationBookTest, HeartbeatsAreTheTimeBetweenThem) {
  Put(MarkerKind::kHeartbeat, 1, 1);
  Put(MarkerKind::kHeartbeat, 1, 2, 600);
  Put(MarkerKind::kHeartbeat, 2, 3);  // another loop
  Put(MarkerKind::kHeartbeat, 2, 4, 800);
  Put(MarkerKind::kHeartbeat, 2, 5, 900, 1);  // some are missing
  ASSERT_EQ(sink_.spans.size(), 2u);
  EXPECT_TRUE(sink_.spans[0].heartbeat);
  EXPECT_EQ(sink_.spans[0].value, 2u);
  EXPECT_EQ(sink_.spans[0].duration_ns, 300);
  EXPECT_EQ(sink_.spans[1].duration_ns, 400);
  EXPECT_EQ(book_.operations()[1].heartbeats.count, 1u);
  EXPECT_EQ(book_.operations()[1].spans.count, 0u);
}

TEST_F(OperationBookTest, HeartbeatsOfTwoOperationsInTurnHaveTheirOwnGaps) {
  for (uint64_t i = 0; i < 10; ++i) {
    Put(MarkerKind::kHeartbeat, 1, i, 200);
    Put(MarkerKind::kHeartbeat, 2, i, 400);
  }
  EXPECT_EQ(book_.operations()[1].heartbeats.count, 9u);
  EXPECT_EQ(book_.operations()[2].heartbeats.count, 9u);
  EXPECT_EQ(book_.operations()[1].heartbeats.min_ns, 300);
  EXPECT_EQ(book_.operations()[1].heartbeats.max_ns, 300);
  EXPECT_EQ(book_.losses().beat_evicted_count, 0u);
}

TEST_F(OperationBookTest, OfMoreHeartbeatsThanItKeepsTheOldestIsGivenUpAndCounted) {
  for (uint32_t operation = 3; operation < 8; ++operation) book_.OnOperation(operation, "more");
  for (uint32_t operation = 1; operation <= OperationBook::kBeatsMax; ++operation) Put(MarkerKind::kHeartbeat, operation, 0);
  Put(MarkerKind::kHeartbeat, 1, 1);  // not the oldest any more
  Put(MarkerKind::kHeartbeat, OperationBook::kBeatsMax + 1, 0);
  EXPECT_EQ(book_.losses().beat_evicted_count, 1u);
  Put(MarkerKind::kHeartbeat, 1, 2);
  EXPECT_EQ(book_.operations()[1].heartbeats.count, 2u);
  Put(MarkerKind::kHeartbeat, 2, 1);
  EXPECT_EQ(book_.operations()[2].heartbeats.count, 0u) << "it was the oldest";
  EXPECT_EQ(book_.losses().beat_evicted_count, 2u);
}

TEST(OperationBookSince, ARateIsMadeOfSpansThatBeganSinceThen) {
  RecordingSpanSink sink;
  OperationBook book(kHalf, &sink, 1'000);
  book.OnOperation(1, "in");
  const auto span = [&](uint64_t from, uint64_t to) {
    const MarkerRecord records[] = {{.tsc = from, .operation = 1, .kind = MarkerKind::kBegin},
                                    {.tsc = to, .operation = 1, .kind = MarkerKind::kEnd}};
    book.OnRecords(records);
  };
  span(100, 200);
  span(900, 1'100);
  span(1'000, 1'300);
  span(1'400, 1'500);
  EXPECT_EQ(book.operations()[1].spans.count, 4u);
  EXPECT_EQ(book.operations()[1].recent_count, 2u);
}

TEST_F(OperationBookTest, InstantsAreCounted) {
  Put(MarkerKind::kInstant, 1, 0);
  Put(MarkerKind::kInstant, 1, 0);
  EXPECT_EQ(book_.operations()[1].instant_count, 2u);
}

TEST_F(OperationBookTest, TheLongestSpanOfTheCounterOverflowsNothing) {
  book_.SetTicks({.anchor_ticks = 0, .anchor_ns = 0, .multiplier = std::numeric_limits<uint64_t>::max(), .error_ns = 0});
  for (int i = 0; i < 3; ++i) {
    tsc_ = 0;
    Put(MarkerKind::kBegin, 1, 0, 0);
    Put(MarkerKind::kEnd, 1, 0, std::numeric_limits<uint64_t>::max());
  }
  ASSERT_EQ(sink_.spans.size(), 3u);
  EXPECT_EQ(sink_.spans[0].duration_ns, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(book_.operations()[1].spans.sum_ns, std::numeric_limits<uint64_t>::max());
}

}  // namespace
}  // namespace hftmon
