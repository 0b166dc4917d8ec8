#include "daemon/operations/file_spans.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

// A tick is a nanosecond.
constexpr LinearConversion kTicks = {.anchor_ticks = 0, .anchor_ns = 0, .multiplier = uint64_t{1} << LinearConversion::kShift};

OperationSpan SpanOf(uint32_t operation, int64_t duration_ns, bool heartbeat = false) {
  return {.begin_tsc = 5'000,
          .duration_tsc = static_cast<uint64_t>(duration_ns),
          .duration_ns = duration_ns,
          .value = 4711,
          .operation = operation,
          .tid = 101,
          .heartbeat = heartbeat};
}

TEST(FileSpansTest, WithAFixedThresholdASlowSpanIsKeptAndAShortOneIsNot) {
  FileSpans spans({.pid = 100, .number = 0});
  spans.SetWishes(50'000, 10'000);
  spans.OnOperation(1, "order");
  spans.OnSpan(SpanOf(1, 9'000), kTicks);
  spans.OnSpan(SpanOf(1, 20'000), kTicks);
  spans.OnSpan(SpanOf(1, 60'000), kTicks);
  ASSERT_EQ(spans.pending()->size(), 2u) << "a stall may have hit the second one too";
  EXPECT_FALSE(spans.pending()->at(0).slow);
  EXPECT_TRUE(spans.pending()->at(1).slow);
  EXPECT_FALSE(spans.pending()->at(1).adaptive);
  EXPECT_EQ(spans.pending()->at(1).start_mono_ns, 5'000);
  EXPECT_EQ(spans.operation(1)->name, "order");
  EXPECT_EQ(spans.operation(2), nullptr);
}

TEST(FileSpansTest, AdaptivelyASpanIsSlowByWhatWasUsualBeforeIt) {
  FileSpans spans({.pid = 100, .number = 0});
  spans.SetWishes(0, INT64_MAX);
  for (int i = 0; i < 1'024; ++i) spans.OnSpan(SpanOf(0, 500), kTicks);
  EXPECT_TRUE(spans.pending()->empty());
  spans.OnSpan(SpanOf(0, 20'000), kTicks);
  ASSERT_EQ(spans.pending()->size(), 1u);
  const FileSpans::Pending& pending = spans.pending()->front();
  EXPECT_TRUE(pending.slow);
  EXPECT_TRUE(pending.adaptive);
  EXPECT_EQ(pending.threshold_ns, 8 * pending.usual_ns);
  EXPECT_EQ(spans.lowest_threshold_ns(), pending.threshold_ns);
}

TEST(FileSpansTest, GapsHaveABaselineOfTheirOwn) {
  FileSpans spans({.pid = 100, .number = 0});
  spans.SetWishes(0, INT64_MAX);
  for (int i = 0; i < 1'024; ++i) spans.OnSpan(SpanOf(0, 10'000, true), kTicks);
  for (int i = 0; i < 1'024; ++i) spans.OnSpan(SpanOf(0, 500), kTicks);
  spans.OnSpan(SpanOf(0, 20'000, true), kTicks);
  EXPECT_TRUE(spans.pending()->empty()) << "twice the usual gap";
  spans.OnSpan(SpanOf(0, 20'000), kTicks);
  EXPECT_EQ(spans.pending()->size(), 1u);
}

TEST(FileSpansTest, WhatFindsNoPlaceIsCounted) {
  FileSpans spans({.pid = 100, .number = 0});
  spans.SetWishes(1'000, 1'000);
  for (size_t i = 0; i < FileSpans::kPendingMax + 7; ++i) spans.OnSpan(SpanOf(1, 5'000), kTicks);
  EXPECT_EQ(spans.pending()->size(), FileSpans::kPendingMax);
  EXPECT_EQ(spans.operation(1)->slowness.uncompared_count, 7u);
  EXPECT_EQ(spans.operation(1)->slowness.untold_count, 7u);
}

TEST(FileSpansTest, AnOperationBeyondTheBoundIsNotJudged) {
  FileSpans spans({.pid = 100, .number = 0});
  spans.SetWishes(1'000, 1'000);
  spans.OnSpan(SpanOf(FileSpans::kOperationsMax, 5'000), kTicks);
  EXPECT_TRUE(spans.pending()->empty());
  EXPECT_EQ(spans.operation(FileSpans::kOperationsMax), nullptr);
  spans.OnSpan(SpanOf(FileSpans::kOperationsMax - 1, 5'000), kTicks);
  EXPECT_EQ(spans.pending()->size(), 1u);
}

}  // namespace
}  // namespace hftmon
