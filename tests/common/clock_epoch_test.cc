#include "common/clock_epoch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

// Clocks of our own making, looked at every 10 ms; each reading has an error within its stated bound.
class Clocks {
 public:
  void Look() {
    const int64_t error_ns = 20 + static_cast<int64_t>(random_() % 200);
    const auto off = [&] { return static_cast<int64_t>(random_() % static_cast<uint64_t>(2 * error_ns + 1)) - error_ns; };
    ClockReading reading;
    reading.pair = {.monotonic_ns = mono_ns, .realtime_ns = mono_ns + wall_offset_ns + off(), .error_ns = error_ns};
    reading.boottime_offset_ns = boottime_offset_ns + off();
    reading.boottime_error_ns = error_ns;
    reading.tai_offset_ns = tai_offset_ns;
    reading.wall_notice = std::exchange(notice, false);
    reading.tsc_trusted = tsc_trusted;
    reading.tsc_epoch = tsc_epoch;
    reading.tsc_step_ns = tsc_step_ns;
    reading.tsc_calibrations = calibrations;
    epochs.Observe(reading);
  }
  void Pass(int64_t ns) {
    mono_ns += ns;
    Look();
  }
  const ClockEpoch& current() const { return epochs.epochs().back(); }

  ClockEpochs epochs;
  int64_t mono_ns = 5'000 * kSecond;
  int64_t wall_offset_ns = 1'700'000'000 * kSecond;
  int64_t boottime_offset_ns = 7 * kSecond;
  int64_t tai_offset_ns = 0;
  bool notice = false;
  bool tsc_trusted = true;
  uint32_t tsc_epoch = 0;
  int64_t tsc_step_ns = 0;
  uint64_t calibrations = 0;

 private:
  std::mt19937_64 random_{7};
};

TEST(ClockEpochsTest, EvenClocksStayInTheFirstEpochHoweverTheyAreRead) {
  Clocks clocks;
  for (int i = 0; i < 20'000; ++i) clocks.Pass(10 * kMs + i % 777);
  ASSERT_EQ(clocks.epochs.epochs().size(), 1u);
  EXPECT_EQ(clocks.current().reason, EpochReason::kStart);
  EXPECT_EQ(clocks.current().number, 1u);
  EXPECT_LT(clocks.current().pair.error_ns, 25) << "the tightest pair is kept";
}

TEST(ClockEpochsTest, AStepOfTheWallClockClosesTheEpochBetweenTwoLooks) {
  Clocks clocks;
  clocks.Look();
  clocks.Pass(10 * kMs);
  const int64_t before_ns = clocks.mono_ns;
  clocks.wall_offset_ns += 1'500 * kMs;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  const ClockEpoch& epoch = clocks.current();
  EXPECT_EQ(epoch.reason, EpochReason::kWallStep);
  EXPECT_EQ(epoch.begin_after_mono_ns, before_ns);
  EXPECT_EQ(epoch.begin_mono_ns, clocks.mono_ns);
  EXPECT_NEAR(static_cast<double>(epoch.step_ns), 1.5e9, 1'000);
  EXPECT_EQ(clocks.epochs.epochs()[0].end_mono_ns, epoch.begin_mono_ns);
  EXPECT_EQ(DescribeEpoch(epoch).substr(0, 45), "clock epoch 2: the wall clock stepped by 1.5s");
}

TEST(ClockEpochsTest, EachEpochKeepsThePairThatWasInForce) {
  Clocks clocks;
  clocks.Look();
  const int64_t first_ns = clocks.mono_ns;
  const int64_t first_wall_ns = first_ns + clocks.wall_offset_ns;
  clocks.Pass(10 * kMs);
  clocks.wall_offset_ns -= 3'600 * kSecond;
  clocks.Pass(10 * kMs);
  clocks.Pass(10 * kMs);
  const auto& epochs = clocks.epochs.epochs();
  EXPECT_NEAR(static_cast<double>(WallFromMonotonicNs(EpochOf(epochs, first_ns)->pair, first_ns) - first_wall_ns), 0, 250);
  const int64_t now_wall_ns = clocks.mono_ns + clocks.wall_offset_ns;
  EXPECT_NEAR(static_cast<double>(WallFromMonotonicNs(EpochOf(epochs, clocks.mono_ns)->pair, clocks.mono_ns) - now_wall_ns), 0, 250);
}

TEST(ClockEpochsTest, SuspendMovesBothOffsetsAndIsOneEpoch) {
  Clocks clocks;
  clocks.Look();
  clocks.boottime_offset_ns += 60 * kSecond;
  clocks.wall_offset_ns += 60 * kSecond;
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  EXPECT_EQ(clocks.current().reason, EpochReason::kSuspend);
  EXPECT_NEAR(static_cast<double>(clocks.current().step_ns), 60e9, 1'000);
}

TEST(ClockEpochsTest, ASuspendAfterWhichTheWallClockIsSetIsTwo) {
  Clocks clocks;
  clocks.Look();
  clocks.boottime_offset_ns += 60 * kSecond;
  clocks.wall_offset_ns += 62 * kSecond;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 3u);
  EXPECT_EQ(clocks.epochs.epochs()[1].reason, EpochReason::kSuspend);
  EXPECT_EQ(clocks.current().reason, EpochReason::kWallStep);
  EXPECT_NEAR(static_cast<double>(clocks.current().step_ns), 2e9, 2'000);
}

TEST(ClockEpochsTest, TheKernelsNoticeOfAStepTooSmallToSeeIsBelieved) {
  Clocks clocks;
  clocks.Look();
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  EXPECT_EQ(clocks.current().reason, EpochReason::kWallStep);
}

TEST(ClockEpochsTest, ANoticeThatComesOneLookAfterItsStepIsTheSameStep) {
  Clocks clocks;
  clocks.Look();
  clocks.wall_offset_ns += kSecond;
  clocks.Pass(10 * kMs);
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 2u);
}

TEST(ClockEpochsTest, ANoticeThatComesSomeLooksAfterItsStepIsTheSameStep) {
  Clocks clocks;
  clocks.Look();
  clocks.wall_offset_ns += kSecond;
  for (int i = 0; i < 5; ++i) clocks.Pass(10 * kMs);
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 2u);
  // That one was owed; the next is of a step of its own.
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 3u);
}

TEST(ClockEpochsTest, ANoticeLongAfterAStepIsOfAnother) {
  Clocks clocks;
  clocks.Look();
  clocks.wall_offset_ns += kSecond;
  clocks.Pass(10 * kMs);
  for (int i = 0; i < 101; ++i) clocks.Pass(10 * kMs);
  clocks.notice = true;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 3u);
}

TEST(ClockEpochsTest, ATscStepBeganAfterTheLastComparisonThatFoundItRight) {
  Clocks clocks;
  clocks.Look();
  clocks.Pass(10 * kMs);
  const int64_t good_after_ns = clocks.mono_ns;
  ++clocks.calibrations;
  clocks.Pass(10 * kMs);
  clocks.Pass(10 * kMs);
  ++clocks.calibrations;
  ++clocks.tsc_epoch;
  clocks.tsc_step_ns = -40 * kMs;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  EXPECT_EQ(clocks.current().reason, EpochReason::kTscStep);
  EXPECT_EQ(clocks.current().begin_after_mono_ns, good_after_ns);
  EXPECT_EQ(clocks.current().step_ns, -40 * kMs);
  EXPECT_THAT(DescribeEpoch(clocks.current()), HasSubstr("stepped by -40ms"));
}

TEST(ClockEpochsTest, ACounterThatIsDismissedIsUnstable) {
  Clocks clocks;
  clocks.Look();
  clocks.tsc_trusted = false;
  ++clocks.tsc_epoch;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.current().reason, EpochReason::kTscUnstable);
  EXPECT_EQ(clocks.current().step_ns, 0);
}

TEST(ClockEpochsTest, ALongTimeWithoutALookIsAnEdgeAndAShortOneIsNot) {
  Clocks clocks;
  clocks.Look();
  clocks.Pass(900 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 1u);
  clocks.Pass(5 * kSecond);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  EXPECT_EQ(clocks.current().reason, EpochReason::kStopped);
  EXPECT_EQ(clocks.current().step_ns, 5 * kSecond);
}

TEST(ClockEpochsTest, TheTaiOffsetIsTheLastOfItsEpoch) {
  Clocks clocks;
  clocks.Look();
  clocks.tai_offset_ns = 37 * kSecond;
  clocks.Pass(10 * kMs);
  EXPECT_EQ(clocks.epochs.epochs().size(), 1u) << "being told the offset is no step";
  clocks.wall_offset_ns -= kSecond;  // a leap second
  clocks.tai_offset_ns = 38 * kSecond;
  clocks.Pass(10 * kMs);
  ASSERT_EQ(clocks.epochs.epochs().size(), 2u);
  EXPECT_EQ(clocks.epochs.epochs()[0].tai_offset_ns, 37 * kSecond);
  EXPECT_EQ(clocks.epochs.epochs()[1].tai_offset_ns, 38 * kSecond);
}

TEST(ClockEpochsTest, TheHistoryIsBoundedAndKeepsTheNewest) {
  Clocks clocks;
  clocks.Look();
  for (int i = 0; i < 200; ++i) {
    clocks.wall_offset_ns += kSecond;
    clocks.Pass(10 * kMs);
  }
  const auto& epochs = clocks.epochs.epochs();
  ASSERT_EQ(epochs.size(), ClockEpochs::kKept);
  EXPECT_EQ(epochs.back().number, 201u);
  for (size_t i = 1; i < epochs.size(); ++i) {
    EXPECT_EQ(epochs[i].number, epochs[i - 1].number + 1);
    EXPECT_EQ(epochs[i - 1].end_mono_ns, epochs[i].begin_mono_ns);
  }
  EXPECT_EQ(EpochOf(epochs, 0)->number, epochs.front().number) << "older times have the oldest that is kept";
}

TEST(EpochEdgeWithinTest, AnIntervalThatTouchesTheUncertainEdgeCrossesIt) {
  const std::vector<ClockEpoch> epochs = {{.number = 1, .reason = EpochReason::kStart, .begin_after_mono_ns = 0, .begin_mono_ns = 0},
                                          {.number = 2, .reason = EpochReason::kWallStep, .begin_after_mono_ns = 100, .begin_mono_ns = 110},
                                          {.number = 3, .reason = EpochReason::kSuspend, .begin_after_mono_ns = 200, .begin_mono_ns = 210}};
  EXPECT_EQ(EpochEdgeWithin(epochs, 0, 99), nullptr) << "the daemon's own start is no edge";
  EXPECT_EQ(EpochEdgeWithin(epochs, 0, 100)->number, 2u);
  EXPECT_EQ(EpochEdgeWithin(epochs, 110, 150)->number, 2u);
  EXPECT_EQ(EpochEdgeWithin(epochs, 111, 199), nullptr);
  EXPECT_EQ(EpochEdgeWithin(epochs, 105, 300)->number, 2u) << "the first of several";
  EXPECT_EQ(EpochEdgeWithin(epochs, 111, 300)->number, 3u);
  EXPECT_EQ(EpochOf(epochs, 109)->number, 1u);
  EXPECT_EQ(EpochOf(epochs, 110)->number, 2u);
  EXPECT_EQ(EpochOf({}, 110), nullptr);
}

}  // namespace
}  // namespace hftmon
