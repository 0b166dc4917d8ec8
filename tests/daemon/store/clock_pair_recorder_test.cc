#include "daemon/store/clock_pair_recorder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;

class ClockPairRecorderTest : public ::testing::Test {
 protected:
  // Records of `cpu` every `every_ns` until `end_ns`; CLOCK_MONOTONIC gains `ppm` on the run queue's clock and is read `delay_ns` later.
  void Record(uint16_t cpu, int64_t begin_ns, int64_t end_ns, int64_t every_ns, double ppm, int64_t delay_ns = 300) {
    for (int64_t clock_ns = begin_ns; clock_ns < end_ns; clock_ns += every_ns) {
      OffCpuInterval interval;
      interval.cpu = cpu;
      interval.end_clock_ns = clock_ns;
      interval.end_mono_ns = Mono(clock_ns, ppm) + delay_ns;
      recorder_.OnInterval(interval);
    }
  }
  static int64_t Mono(int64_t clock_ns, double ppm) {
    return clock_ns + kOffsetNs + std::llround(static_cast<double>(clock_ns) * ppm * 1e-6);
  }

  static constexpr int64_t kOffsetNs = 777'000;
  ClockPairRecorder recorder_{4};
};

TEST_F(ClockPairRecorderTest, WithoutRecordsTheErrorIsEstimatedAndNoClockIsListed) {
  EXPECT_TRUE(recorder_.ErrorOfBegin(1, 5'000, 6'000, 1'000).estimated);
  EXPECT_TRUE(recorder_.ErrorOfBegin(99, 5'000, 6'000, 1'000).estimated) << "a CPU beyond the table";
  EXPECT_TRUE(recorder_.Clocks(1'000).empty());
}

TEST_F(ClockPairRecorderTest, RateAndOffsetOfEachCpuAreMeasured) {
  Record(1, kMs, 2'000 * kMs, 3 * kMs, 200);
  Record(3, kMs, 2'000 * kMs, 3 * kMs, 0);
  const auto clocks = recorder_.Clocks(Mono(2'000 * kMs, 200));
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_EQ(clocks[0].cpu, 1);
  ASSERT_TRUE(clocks[0].rate_ppm.has_value());
  EXPECT_NEAR(*clocks[0].rate_ppm, 200, 1);
  EXPECT_EQ(clocks[0].pair_count, 667u);
  EXPECT_NEAR(*clocks[1].rate_ppm, 0, 1);
  const int64_t truth_ns = Mono(2'000 * kMs, 200) - 2'000 * kMs;
  EXPECT_LE(std::abs(clocks[0].offset_ns - truth_ns), clocks[0].error_ns);
}

TEST_F(ClockPairRecorderTest, TheBoundHoldsUnderSlewNowAndLongAfter) {
  Record(1, kMs, 30'000 * kMs, 3 * kMs, 500);
  for (const int64_t end_ns : {5'000 * kMs, 20'000 * kMs, 29'990 * kMs}) {
    const int64_t duration_ns = 40 * kMs;
    const int64_t record_ns = Mono(end_ns, 500) + 300;
    const BeginError error = recorder_.ErrorOfBegin(1, end_ns, record_ns, duration_ns);
    EXPECT_FALSE(error.estimated);
    EXPECT_LE(std::abs(record_ns - duration_ns - Mono(end_ns - duration_ns, 500)), error.bound_ns);
    EXPECT_LT(error.bound_ns, 40'000);
  }
}

TEST_F(ClockPairRecorderTest, ARecordHeldUpBetweenItsReadingsSaysSo) {
  Record(1, kMs, 1'000 * kMs, 3 * kMs, 0);
  const int64_t end_ns = 1'001 * kMs;
  EXPECT_LT(recorder_.ErrorOfBegin(1, end_ns, Mono(end_ns, 0) + 300, kMs).bound_ns, 10'000);
  EXPECT_GE(recorder_.ErrorOfBegin(1, end_ns, Mono(end_ns, 0) + 250'000, kMs).bound_ns, 250'000 - kPairDelayNs);
}

TEST_F(ClockPairRecorderTest, ARateIsNotMeasuredAcrossASilence) {
  Record(1, kMs, 300 * kMs, 3 * kMs, 0);
  Record(1, 60'000 * kMs, 60'150 * kMs, 3 * kMs, 0);
  const auto clocks = recorder_.Clocks(Mono(60'150 * kMs, 0));
  ASSERT_EQ(clocks.size(), 1u);
  EXPECT_FALSE(clocks[0].rate_ppm.has_value());
}

TEST_F(ClockPairRecorderTest, TheOldestAnchorsGiveWay) {
  Record(1, kMs, 5'000'000 * kMs, 60 * kMs, 0);  // more pieces than are kept
  EXPECT_FALSE(recorder_.ErrorOfBegin(1, 4'999'000 * kMs, Mono(4'999'000 * kMs, 0) + 300, kMs).estimated);
  EXPECT_TRUE(recorder_.ErrorOfBegin(1, 1'000 * kMs, Mono(1'000 * kMs, 0) + 300, kMs).estimated);
}

}  // namespace
}  // namespace hftmon
