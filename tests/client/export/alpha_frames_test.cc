// Stalls in money: the sum is the time that counts times its price, no moment counts twice, and both forms say the same.
#include "client/export/alpha_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "client/export/alpha_trace.h"
#include "client/export/counted_stalls.h"
#include "client/export/folded_stacks.h"
#include "tests/client/export/decoded_trace.h"
#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 1,000,000 at 0.01 basis points a microsecond: 1 a microsecond, 10 units a nanosecond.
AlphaPrice OneAMicrosecond(const std::vector<std::string>& kinds = {}) {
  const auto price = ParseAlphaPrice("1000000", "0.01", kinds);
  EXPECT_TRUE(price.ok()) << price.status();
  return *price;
}

double SumOf(const std::vector<AlphaFrame>& frames) {
  return std::accumulate(frames.begin(), frames.end(), 0.0, [](double sum, const AlphaFrame& frame) { return sum + frame.units; });
}

RecordedSpike SpikeOf(const std::string& kind, int64_t start_ns, int64_t duration_ns, int32_t tid = kEngineTid) {
  RecordedSpike spike;
  spike.thread.tid = tid;
  spike.kind = kind;
  spike.start_ns = start_ns;
  spike.duration_ns = duration_ns;
  spike.unexplained_ns = duration_ns;
  return spike;
}

TEST(AlphaFramesTest, MoneyIsTimeTimesItsPrice) {
  // 200 + 100 + 60 us of stalls; the order's time is the same again.
  EXPECT_NEAR(SumOf(AlphaFrames(SampleRecording(), OneAMicrosecond())), 360.0 * kAlphaUnitsPerCurrency, 1e-3);
}

TEST(AlphaFramesTest, WhatAnOperationTakesAnywayIsNoLoss) {
  EXPECT_NEAR(SumOf(AlphaFrames(SampleRecording(), OneAMicrosecond({"operation"}))), 220.0 * kAlphaUnitsPerCurrency, 1e-3);
}

TEST(AlphaFramesTest, NoMomentOfAThreadCountsTwice) {
  Recording recording;
  recording.spikes = {SpikeOf("fault", 100, 100), SpikeOf("reclaim", 120, 50), SpikeOf("preempted", 180, 60),
                      SpikeOf("preempted", 180, 60, kGatewayTid), SpikeOf("blocked", 0, 1'000)};
  std::vector<int64_t> counted;
  for (const CountedStall& stall : CountedStalls(recording, CountedByDefault())) counted.push_back(stall.counted_ns);
  EXPECT_THAT(counted, ElementsAre(100, 40, 60))
      << "the reclaim lies within the fault, a part of the preemption too; another thread is its own";
  EXPECT_NEAR(SumOf(AlphaFrames(recording, OneAMicrosecond())), 200 * 10.0, 1e-6);
}

TEST(AlphaFramesTest, OfTwoThatBeginTogetherTheLongerOneHoldsTheOther) {
  Recording recording;
  recording.spikes = {SpikeOf("reclaim", 100, 50), SpikeOf("fault", 100, 100)};
  const std::vector<CountedStall> stalls = CountedStalls(recording, CountedByDefault());
  ASSERT_EQ(stalls.size(), 1u);
  EXPECT_EQ(stalls[0].spike->kind, "fault");
}

TEST(AlphaFramesTest, AFrameLeadsFromTheTargetToTheStack) {
  const std::vector<AlphaFrame> frames = AlphaFrames(SampleRecording(), OneAMicrosecond());
  const auto found =
      std::find_if(frames.begin(), frames.end(), [](const AlphaFrame& frame) { return frame.names[4] == "softirq: NET_RX"; });
  ASSERT_NE(found, frames.end());
  EXPECT_THAT(found->names, ElementsAre("money lost", "process 100", "engine[101]", "preempted", "softirq: NET_RX", "main", "Engine::Run",
                                        "Book::Match", "do_syscall_64", "schedule"));
  EXPECT_NEAR(found->units, 30 * kAlphaUnitsPerCurrency, 1e-6);
}

TEST(AlphaFramesTest, FoldedStacksEscapeWhatTheFormatCannotSay) {
  EXPECT_EQ(FoldedStacks({{{"a;b", "c\nd", ""}, 12.6}, {{"x"}, 0.4}}), "a,b (1 = 0.0001);c d;? 13\n");
}

TEST(AlphaFramesTest, TheTraceHasTheSameWidths) {
  const Recording recording = SampleRecording();
  const std::vector<AlphaFrame> frames = AlphaFrames(recording, OneAMicrosecond());
  const DecodedTrace trace = DecodeTrace(AlphaTrace(recording, frames));
  EXPECT_THAT(trace.errors, IsEmpty());
  int64_t roots_units = 0;
  size_t roots = 0;
  int64_t leaves_units = 0;
  for (const DecodedSlice& slice : trace.slices) {
    if (slice.depth == 0) {
      ++roots;
      roots_units += slice.end_ns - slice.start_ns;
    }
    // Kinds of causes stand at this depth.
    if (slice.depth == 4) leaves_units += slice.end_ns - slice.start_ns;
  }
  EXPECT_EQ(roots, 1u) << "equal beginnings are one slice";
  EXPECT_EQ(roots_units, static_cast<int64_t>(360 * kAlphaUnitsPerCurrency));
  EXPECT_EQ(leaves_units, roots_units);
}

TEST(AlphaFramesTest, APriceThatIsNoneIsRefused) {
  for (const char* text : {"", "0", "-5", "nan", "inf", "1e999", "5x", "1 000"}) {
    EXPECT_THAT(std::string(ParseAlphaPrice(text, "0.01", {}).status().message()), HasSubstr("--notional")) << text;
    EXPECT_THAT(std::string(ParseAlphaPrice("5", text, {}).status().message()), HasSubstr("--bps-per-us")) << text;
  }
  EXPECT_THAT(std::string(ParseAlphaPrice("1e300", "1e300", {}).status().message()), HasSubstr("smaller"));
  EXPECT_THAT(std::string(ParseAlphaPrice("5", "1", {"stall"}).status().message()), HasSubstr("preempted, run_queue"));
}

}  // namespace
}  // namespace hftmon
