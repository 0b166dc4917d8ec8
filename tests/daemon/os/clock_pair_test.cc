#include <gtest/gtest.h>

#include <cstdlib>

#include "daemon/os/raw_clocks.h"
#include "tests/daemon/os/fake_raw_clocks.h"

namespace hftmon {
namespace {

TEST(ReadClockPair, ThePairIsWithinItsStatedError) {
  FakeRawClocks clocks;
  const ClockPair pair = ReadClockPair(clocks);
  EXPECT_EQ(pair.error_ns, 20);
  EXPECT_LE(std::abs(pair.realtime_ns - clocks.realtime_offset_ns - pair.monotonic_ns), pair.error_ns);
}

TEST(ReadClockPair, AWideBracketIsStated) {
  FakeRawClocks clocks;
  clocks.pause_ns = 5'000;
  EXPECT_EQ(ReadClockPair(clocks).error_ns, 5'020);
}

TEST(ReadClockPair, ThisHostsPairLiesBetweenItsReadings) {
  const SystemRawClocks clocks;
  const int64_t before_ns = clocks.MonotonicNs();
  const ClockPair pair = ReadClockPair(clocks);
  EXPECT_GE(pair.monotonic_ns, before_ns);
  EXPECT_LE(pair.monotonic_ns, clocks.MonotonicNs());
  EXPECT_GT(pair.realtime_ns, 0);
  EXPECT_GE(pair.error_ns, 0);
}

}  // namespace
}  // namespace hftmon
