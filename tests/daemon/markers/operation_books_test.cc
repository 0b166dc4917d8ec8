#include "daemon/markers/operation_books.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

class OperationBooksTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kPid = 4711;

  // A tick is a nanosecond.
  static LinearConversion Ticks() { return {.multiplier = uint64_t{1} << LinearConversion::kShift}; }
  static MarkerRecord Record(MarkerKind kind, uint64_t tsc) { return {.tsc = tsc, .value = 1, .operation = 1, .tid = kPid, .kind = kind}; }
  static void Mark(MarkerSink* sink, uint64_t from, uint64_t duration) {
    const MarkerRecord records[] = {Record(MarkerKind::kBegin, from), Record(MarkerKind::kEnd, from + duration)};
    sink->OnRecords(records);
  }
  MarkerSink* Begin(uint32_t number = 0) {
    hft_marker_header header{};
    header.start_ticks = 77;
    MarkerSink* sink = books_.Begin({.pid = kPid, .number = number}, header);
    sink->OnOperation(1, "order");
    return sink;
  }

  FakeMonotonicClock clock_;
  std::set<uint32_t> watched_{kPid};
  OperationBooks books_{{.clock = &clock_, .wants = [this](uint32_t pid) { return watched_.contains(pid); }, .ticks = &Ticks}};
};

TEST_F(OperationBooksTest, WhatAWatchedProgramMarksIsReadWhileItRuns) {
  EXPECT_TRUE(books_.Wants(kPid));
  EXPECT_FALSE(books_.Wants(kPid + 1));
  MarkerSink* const sink = Begin();
  Mark(sink, 1'000, 300);
  Mark(sink, 2'000, 500);
  const std::vector<MarkedProgram> programs = books_.ProgramsOf(kPid);
  ASSERT_EQ(programs.size(), 1u);
  EXPECT_FALSE(programs[0].ended);
  EXPECT_EQ(programs[0].start_ticks, 77u);
  EXPECT_EQ(programs[0].since_mono_ns, clock_.NowNs());
  ASSERT_EQ(programs[0].operations.size(), 2u);
  EXPECT_EQ(programs[0].operations[1].name, "order");
  EXPECT_EQ(programs[0].operations[1].spans.count, 2u);
  EXPECT_EQ(programs[0].operations[1].spans.sum_ns, 800u);
  EXPECT_TRUE(books_.ProgramsOf(kPid + 1).empty());
}

TEST_F(OperationBooksTest, WhatEndedIsKeptWithItsReasonAndItsCounts) {
  MarkerSink* const first = Begin(0);
  MarkerSink* const second = Begin(1);
  Mark(first, 1'000, 300);
  clock_.AdvanceNs(7);
  books_.End({.pid = kPid, .number = 0}, first, {.delivered_count = 2, .overwritten_count = 3, .faults = {}}, absl::DataLossError("cut"));
  Mark(second, 5'000, 100);
  const std::vector<MarkedProgram> programs = books_.ProgramsOf(kPid);
  ASSERT_EQ(programs.size(), 2u);
  EXPECT_TRUE(programs[0].ended);
  EXPECT_EQ(programs[0].until_mono_ns - programs[0].since_mono_ns, 7);
  EXPECT_EQ(programs[0].why_ended.message(), "cut");
  EXPECT_EQ(programs[0].counts.overwritten_count, 3u);
  EXPECT_EQ(programs[0].operations[1].spans.count, 1u);
  EXPECT_FALSE(programs[1].ended);
  EXPECT_EQ(programs[1].operations[1].spans.sum_ns, 100u);
}

TEST_F(OperationBooksTest, OfThoseThatEndedTheOldestAreForgotten) {
  for (uint32_t i = 0; i < OperationBooks::kEndedMax + 3; ++i) {
    MarkerSink* const sink = Begin(i % 256);
    Mark(sink, 1'000, i + 1);
    books_.End({.pid = kPid, .number = i % 256}, sink, {}, absl::OkStatus());
  }
  const std::vector<MarkedProgram> programs = books_.ProgramsOf(kPid);
  ASSERT_EQ(programs.size(), OperationBooks::kEndedMax);
  EXPECT_EQ(programs.front().operations[1].spans.sum_ns, 4u);
  EXPECT_EQ(books_.forgotten_count(), 3u);
  MarkerSink* const live = Begin();
  Mark(live, 1'000, 9);
  EXPECT_EQ(books_.ProgramsOf(kPid).size(), OperationBooks::kEndedMax + 1) << "one that is read takes no place of them";
}

TEST_F(OperationBooksTest, OnlySpansThatBeganSinceItIsReadMakeARate) {
  MarkerSink* const sink = Begin();
  const auto since = static_cast<uint64_t>(clock_.NowNs());
  Mark(sink, since - 500, 300);
  Mark(sink, since + 10, 300);
  const std::vector<MarkedProgram> programs = books_.ProgramsOf(kPid);
  ASSERT_EQ(programs.size(), 1u);
  EXPECT_EQ(programs[0].operations[1].spans.count, 2u);
  EXPECT_EQ(programs[0].operations[1].recent_count, 1u);
}

TEST_F(OperationBooksTest, WhyMarksAreNotBelievedIsHandedOn) {
  EXPECT_TRUE(books_.WhyNotBelieved().ok());
  OperationBooks doubtful({.clock = &clock_,
                           .wants = [](uint32_t) { return true; },
                           .ticks = &Ticks,
                           .why_not_believed = [] { return absl::FailedPreconditionError("no clock"); }});
  EXPECT_EQ(doubtful.WhyNotBelieved().message(), "no clock");
}

}  // namespace
}  // namespace hftmon
