#include "common/clock_conversion.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

namespace hftmon {
namespace {

LinearConversion At(uint64_t ticks, int64_t ns, int64_t hz) {
  // One second of ticks before the anchor to the anchor.
  return *LinearConversion::Through(ticks - static_cast<uint64_t>(hz), ns - 1'000'000'000, ticks, ns);
}

TEST(LinearConversion, PassesThroughBothReadings) {
  const auto conversion = LinearConversion::Through(1'000, 5'000, 4'000, 6'000);
  ASSERT_TRUE(conversion.ok());
  EXPECT_EQ(conversion->ToNs(4'000), 6'000);
  EXPECT_NEAR(static_cast<double>(conversion->ToNs(1'000)), 5'000, 1);
}

TEST(LinearConversion, ADayAwayItIsOffByLessThanFiftyMicroseconds) {
  const int64_t hz = 3'000'000'000;
  const LinearConversion conversion = At(uint64_t{1} << 60, 1'000'000'000'000, hz);
  const int64_t day_s = 86'400;
  const uint64_t ticks = (uint64_t{1} << 60) + static_cast<uint64_t>(day_s * hz);
  EXPECT_LT(std::abs(conversion.ToNs(ticks) - (1'000'000'000'000 + day_s * 1'000'000'000)), 50'000);
  EXPECT_NEAR(conversion.ticks_per_second(), 3e9, 2);
}

TEST(LinearConversion, IsMonotonicThroughItsAnchor) {
  const LinearConversion conversion = At(10'000'000'000, 77'000, 2'900'000'001);
  int64_t last = conversion.ToNs(10'000'000'000 - 1000);
  for (uint64_t ticks = 10'000'000'000 - 999; ticks < 10'000'000'000 + 1000; ++ticks) {
    const int64_t now = conversion.ToNs(ticks);
    EXPECT_GE(now, last);
    EXPECT_LE(now - last, 1);
    last = now;
  }
}

TEST(LinearConversion, TicksThatWrapAroundAreAShortDistance) {
  const LinearConversion conversion = At(UINT64_MAX - 5, 1'000'000, 1'000'000'000);
  EXPECT_EQ(conversion.ToNs(4), 1'000'010);
}

TEST(LinearConversion, TicksAndBackAreWithinATick) {
  const LinearConversion conversion = At(50'000'000'000, 10'000'000'000, 2'500'000'000);
  for (const int64_t ns : {int64_t{9'000'000'000}, int64_t{10'000'000'000}, int64_t{123'456'789'012}}) {
    EXPECT_LE(std::abs(conversion.ToNs(conversion.ToTicks(ns)) - ns), 1);
  }
}

TEST(LinearConversion, AClockThatStandsStillIsRefused) {
  EXPECT_FALSE(LinearConversion::Through(5, 10, 5, 20).ok());
  EXPECT_FALSE(LinearConversion::Through(5, 10, 4, 20).ok());
  EXPECT_FALSE(LinearConversion::Through(5, 10, 9, 10).ok());
  EXPECT_FALSE(LinearConversion::Through(0, INT64_MIN, 1, INT64_MAX).ok());
}

constexpr int64_t kOffsetNs = 5'000'000'000;

TEST(RunQueueClockOffset, IsUnknownBeforeTheFirstPair) {
  RunQueueClockOffset offset;
  EXPECT_FALSE(offset.known());
  EXPECT_EQ(offset.error_ns(0), INT64_MAX);
  offset.Observe(1'000, 1'000 + kOffsetNs);
  EXPECT_TRUE(offset.known());
  EXPECT_EQ(offset.ToMonotonicNs(2'000), 2'000 + kOffsetNs);
}

TEST(RunQueueClockOffset, KeepsTheSmallestDelayOfRecentPairs) {
  RunQueueClockOffset offset;
  int64_t clock_ns = 1'000'000;
  for (int i = 0; i < 1000; ++i, clock_ns += 10'000) {
    const int64_t delay_ns = i % 10 == 0 ? 50 : 400 + 37 * (i % 7);
    offset.Observe(clock_ns, clock_ns + kOffsetNs + delay_ns);
    EXPECT_GE(offset.offset_ns(), kOffsetNs);
  }
  // Nine pairs of 10 us each leak 1000 ppm: 90 ns above the best one.
  EXPECT_LE(offset.offset_ns(), kOffsetNs + 50 + 90);
  EXPECT_EQ(offset.epoch(), 0u);
}

// CLOCK_MONOTONIC slewed by `ppm` against the scheduler's clock: the estimate has to follow both ways.
void FollowsSlew(int64_t ppm) {
  RunQueueClockOffset offset;
  for (int64_t clock_ns = 0; clock_ns < 1'000'000'000; clock_ns += 100'000) {
    const int64_t true_offset_ns = kOffsetNs + clock_ns / 1'000'000 * ppm + clock_ns % 1'000'000 * ppm / 1'000'000;
    const int64_t delay_ns = 100 + (clock_ns / 100'000 % 5) * 300;
    offset.Observe(clock_ns, clock_ns + true_offset_ns + delay_ns);
    ASSERT_GE(offset.offset_ns(), true_offset_ns) << clock_ns;
    ASSERT_LE(offset.offset_ns() - true_offset_ns, offset.error_ns(clock_ns + true_offset_ns)) << clock_ns;
  }
  EXPECT_EQ(offset.epoch(), 0u);
}

TEST(RunQueueClockOffset, FollowsAClockSlewedUpwards) {
  FollowsSlew(500);
}
TEST(RunQueueClockOffset, FollowsAClockSlewedDownwards) {
  FollowsSlew(-500);
}

TEST(RunQueueClockOffset, OneLongPauseBetweenTheReadingsDoesNotMoveIt) {
  RunQueueClockOffset offset;
  offset.Observe(0, kOffsetNs);
  for (int i = 1; i < RunQueueClockOffset::kStepPairs; ++i) offset.Observe(i * 1'000, i * 1'000 + kOffsetNs + 20'000'000);
  EXPECT_LT(offset.offset_ns(), kOffsetNs + 30'000);
  offset.Observe(20'000'000, 20'000'000 + kOffsetNs + 10);
  EXPECT_EQ(offset.offset_ns(), kOffsetNs + 10);
  EXPECT_EQ(offset.epoch(), 0u);
}

TEST(RunQueueClockOffset, AStepUpwardsThatStaysOpensAnEpoch) {
  RunQueueClockOffset offset;
  offset.Observe(0, kOffsetNs);
  const int64_t stepped_ns = kOffsetNs + 300'000'000;
  for (int i = 1; i <= RunQueueClockOffset::kStepPairs; ++i) offset.Observe(i * 1'000, i * 1'000 + stepped_ns + 50 * (1 + i % 3));
  EXPECT_EQ(offset.epoch(), 1u);
  EXPECT_EQ(offset.offset_ns(), stepped_ns + 50);
}

TEST(RunQueueClockOffset, AStepDownwardsOpensAnEpochAtOnce) {
  RunQueueClockOffset offset;
  offset.Observe(1'000'000'000, 1'000'000'000 + kOffsetNs);
  offset.Observe(1'000'001'000, 1'000'001'000 + kOffsetNs - 400'000'000);
  EXPECT_EQ(offset.epoch(), 1u);
  EXPECT_EQ(offset.offset_ns(), kOffsetNs - 400'000'000);
}

TEST(RunQueueClockOffset, SmallElapsedTimesAddUpToTheWholeLeak) {
  RunQueueClockOffset offset;
  offset.Observe(0, kOffsetNs);
  // 1000 steps of 100 ns leak 0.1 ns each.
  for (int i = 1; i <= 1000; ++i) offset.Observe(i * 100, i * 100 + kOffsetNs + 5'000);
  EXPECT_NEAR(static_cast<double>(offset.offset_ns() - kOffsetNs), 100, 6);
}

TEST(RunQueueClockOffset, TheErrorGrowsWithTheAgeOfTheBestPair) {
  RunQueueClockOffset offset;
  offset.Observe(0, kOffsetNs);
  EXPECT_EQ(offset.error_ns(kOffsetNs), 1'000);
  EXPECT_EQ(offset.error_ns(kOffsetNs + 10'000'000), 1'000 + 20'000);
}

TEST(ClockPair, WallTimeAndBack) {
  const ClockPair pair{.monotonic_ns = 100, .realtime_ns = 1'700'000'000'000'000'000, .error_ns = 40};
  EXPECT_EQ(WallFromMonotonicNs(pair, 150), 1'700'000'000'000'000'050);
  EXPECT_EQ(WallFromMonotonicNs(pair, 50), 1'699'999'999'999'999'950);
  EXPECT_EQ(MonotonicFromWallNs(pair, WallFromMonotonicNs(pair, -7)), -7);
}

}  // namespace
}  // namespace hftmon
