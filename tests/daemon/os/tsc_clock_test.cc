#include "daemon/os/tsc_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "daemon/os/tsc.h"
#include "tests/daemon/os/fake_raw_clocks.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr const char* kClocksource = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
constexpr int64_t kPeriodNs = 100'000'000;

class TscClockTest : public ::testing::Test {
 protected:
  TscClockTest() { tree_.Write(kClocksource, std::string(kTscClocksource) + "\n"); }

  TscClock MakeClock(bool invariant = true) { return TscClock(&clocks_, tree_.root(), invariant); }

  // How far the clock's reading is from CLOCK_MONOTONIC at the moment of its reading.
  int64_t OffNs(const TscClock& clock) {
    const int64_t now_ns = clock.NowNs();
    return now_ns - clocks_.Mono();
  }

  void RunFor(TscClock& clock, int periods) {
    for (int i = 0; i < periods; ++i) {
      clocks_.Pass(kPeriodNs);
      clock.Calibrate();
    }
  }

  FixtureTree tree_;
  FakeRawClocks clocks_;
};

TEST_F(TscClockTest, ReadsTheCounterWhenTheKernelDoes) {
  const TscClock clock = MakeClock();
  EXPECT_EQ(clock.state().source, "tsc");
  EXPECT_EQ(clock.state().reason, "");
  EXPECT_NEAR(clock.state().tsc_hz, 3e9, 3e9 * 20e-6);
  EXPECT_LE(std::abs(OffNs(clock)), clock.error_ns());
}

TEST_F(TscClockTest, StaysWithinItsStatedErrorBetweenCalibrations) {
  TscClock clock = MakeClock();
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 10; ++j) {
      clocks_.Pass(kPeriodNs / 10);
      ASSERT_LE(std::abs(OffNs(clock)), clock.error_ns()) << i << " " << j;
    }
    clock.Calibrate();
  }
  // A steady clock's error shrinks to the brackets of its readings.
  EXPECT_LE(clock.error_ns(), 200);
  EXPECT_NEAR(clock.state().tsc_hz, 3e9, 3e9 * 1e-6);
  EXPECT_EQ(clock.epoch(), 0u);
}

TEST_F(TscClockTest, ASlewThatBeginsIsInTheNextCalibrationsError) {
  TscClock clock = MakeClock();
  RunFor(clock, 20);
  clocks_.slew_ppm = 500;
  RunFor(clock, 1);
  EXPECT_GE(clock.error_ns(), 49'000);
  EXPECT_LE(clock.error_ns(), 51'000);
  // The line now has the slewed rate.
  for (int i = 0; i < 3; ++i) {
    clocks_.Pass(kPeriodNs);
    EXPECT_LE(std::abs(OffNs(clock)), 200);
    clock.Calibrate();
  }
  EXPECT_EQ(clock.epoch(), 0u);
}

TEST_F(TscClockTest, TheErrorOfAnOldSlewIsForgotten) {
  TscClock clock = MakeClock();
  clocks_.slew_ppm = 500;
  RunFor(clock, 2);
  EXPECT_GE(clock.error_ns(), 20'000);
  RunFor(clock, 10);
  EXPECT_LE(clock.error_ns(), 200);
}

TEST_F(TscClockTest, NeverGoesBackByMoreThanItsStatedError) {
  TscClock clock = MakeClock();
  int64_t worst_back_ns = 0;
  for (int i = 0; i < 300; ++i) {
    clocks_.slew_ppm = (i % 7 - 3) * 160;
    clocks_.Pass(kPeriodNs + i * 1'000);
    const int64_t before_ns = clock.NowNs();
    clock.Calibrate();
    const int64_t after_ns = clock.NowNs();
    ASSERT_GE(after_ns, before_ns - clock.error_ns());
    worst_back_ns = std::max(worst_back_ns, before_ns - after_ns);
  }
  EXPECT_GT(worst_back_ns, 0) << "the slews above are meant to make it go back";
}

TEST_F(TscClockTest, InterruptedReadingsAreSkippedUntilTheLineIsOld) {
  TscClock clock = MakeClock();
  RunFor(clock, 10);
  const int64_t error_ns = clock.error_ns();
  clocks_.pause_ns = 50'000;
  RunFor(clock, 5);
  EXPECT_EQ(clock.state().skipped_calibrations, 5u);
  EXPECT_EQ(clock.error_ns(), error_ns);
  RunFor(clock, 20);
  // Two seconds on, a wide bracket is better than none, and stated.
  EXPECT_GE(clock.error_ns(), 50'000);
  EXPECT_LE(std::abs(OffNs(clock)), clock.error_ns());
}

TEST_F(TscClockTest, CalibrationsInQuickSuccessionKeepTheRate) {
  TscClock clock = MakeClock();
  RunFor(clock, 10);
  const double hz = clock.state().tsc_hz;
  for (int i = 0; i < 100; ++i) clock.Calibrate();
  EXPECT_NEAR(clock.state().tsc_hz, hz, hz * 1e-6);
}

TEST_F(TscClockTest, ASteppedCounterOpensAnEpochOnTheRightTime) {
  TscClock clock = MakeClock();
  RunFor(clock, 5);
  clocks_.StepTicks(-int64_t{1} << 49);
  RunFor(clock, 1);
  EXPECT_EQ(clock.epoch(), 1u);
  EXPECT_TRUE(clock.uses_tsc());
  EXPECT_LE(std::abs(OffNs(clock)), clock.error_ns());
  RunFor(clock, 5);
  EXPECT_EQ(clock.epoch(), 1u);
  EXPECT_LE(clock.error_ns(), 1'000);
}

TEST_F(TscClockTest, ACounterThatStepsAgainAndAgainIsGivenUp) {
  TscClock clock = MakeClock();
  for (int i = 0; i < 3; ++i) {
    RunFor(clock, 2);
    clocks_.StepTicks(300'000'000);
    RunFor(clock, 1);
  }
  EXPECT_EQ(clock.state().source, "clock_monotonic");
  EXPECT_THAT(clock.state().reason, HasSubstr("stepped"));
  EXPECT_EQ(OffNs(clock), 0);
  EXPECT_EQ(clock.epoch(), 3u);
}

TEST_F(TscClockTest, StepsFarApartAreNotInstability) {
  TscClock clock = MakeClock();
  for (int i = 0; i < 6; ++i) {
    RunFor(clock, 20);
    clocks_.StepTicks(300'000'000);
  }
  EXPECT_TRUE(clock.uses_tsc());
  EXPECT_EQ(clock.epoch(), 5u);
}

TEST_F(TscClockTest, ACounterThatIsNotInvariantIsNotUsed) {
  TscClock clock = MakeClock(/*invariant=*/false);
  EXPECT_EQ(clock.state().source, "clock_monotonic");
  EXPECT_THAT(clock.state().reason, HasSubstr("invariant"));
  EXPECT_EQ(clock.state().tsc_hz, 0);
  EXPECT_EQ(OffNs(clock), 0);
  EXPECT_EQ(clock.error_ns(), 0);
  RunFor(clock, 2);
  EXPECT_EQ(clock.epoch(), 0u);
}

TEST_F(TscClockTest, AnotherClockSourceIsNamedInTheReason) {
  tree_.Write(kClocksource, "kvm-clock\n");
  EXPECT_THAT(MakeClock().state().reason, HasSubstr("kvm-clock"));
}

TEST_F(TscClockTest, AClockSourceThatCannotBeReadIsTheReason) {
  const FixtureTree empty;
  const TscClock clock(&clocks_, empty.root(), true);
  EXPECT_EQ(clock.state().source, "clock_monotonic");
  EXPECT_THAT(clock.state().reason, HasSubstr("current_clocksource"));
}

TEST_F(TscClockTest, AKernelThatLeavesTheCounterIsFollowed) {
  TscClock clock = MakeClock();
  tree_.Write(kClocksource, "hpet\n");
  RunFor(clock, 50);
  EXPECT_EQ(clock.state().source, "clock_monotonic");
  EXPECT_THAT(clock.state().reason, HasSubstr("hpet"));
  EXPECT_EQ(clock.epoch(), 1u);
}

TEST_F(TscClockTest, AClockThatStandsStillIsNotWaitedForForEver) {
  clocks_.counter_stopped = true;
  EXPECT_THAT(MakeClock().state().reason, HasSubstr("stood still"));
  clocks_.counter_stopped = false;
  clocks_.monotonic_stopped = true;
  EXPECT_THAT(MakeClock().state().reason, HasSubstr("stood still"));
}

TEST_F(TscClockTest, ThisHostsClockAgreesWithClockMonotonic) {
  const SystemRawClocks clocks;
  TscClock clock(&clocks, FileRoot("/"), TscIsInvariant());
  clock.Calibrate();
  const int64_t before_ns = clocks.MonotonicNs();
  const int64_t now_ns = clock.NowNs();
  const int64_t after_ns = clocks.MonotonicNs();
  EXPECT_GE(now_ns, before_ns - clock.error_ns());
  EXPECT_LE(now_ns, after_ns + clock.error_ns());
  EXPECT_EQ(clock.state().source == "tsc", clock.state().reason.empty());
}

}  // namespace
}  // namespace hftmon
