#include "common/placed_time.h"

#include <gtest/gtest.h>

#include <limits>

namespace hftmon {
namespace {

constexpr int64_t kTai = 37;

// Wall time is monotonic time and 1000 at first, from 500 to 510 on (the look before, the look that found it) and `step` more.
std::vector<ClockEpoch> Stepped(int64_t step) {
  return {{.number = 1,
           .begin_mono_ns = 0,
           .end_mono_ns = 510,
           .pair = {.monotonic_ns = 0, .realtime_ns = 1'000, .error_ns = 2},
           .tai_offset_ns = kTai},
          {.number = 2,
           .reason = EpochReason::kWallStep,
           .begin_after_mono_ns = 500,
           .begin_mono_ns = 510,
           .pair = {.monotonic_ns = 510, .realtime_ns = 1'510 + step, .error_ns = 3},
           .tai_offset_ns = kTai}};
}

TEST(PlacedTimeTest, ATimeIsPlacedByThePairOfItsEpoch) {
  const std::vector<ClockEpoch> epochs = Stepped(5'000);
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kRealtime, 1'300).mono_ns, 300);
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kRealtime, 1'300).error_ns, 2);
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kRealtime, 6'700).mono_ns, 700);
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kTai, 6'700 + kTai).mono_ns, 700);
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kRealtime, 400).mono_ns, -600) << "before the first epoch its pair holds";
}

TEST(PlacedTimeTest, ATimeThatTheClockLeftOutIsWhereItWasSet) {
  const PlacedTime placed = PlaceWallTime(Stepped(5'000), WallScale::kRealtime, 3'000);
  EXPECT_EQ(placed.mono_ns, 510);
  EXPECT_GE(placed.error_ns, 1'490);
}

TEST(PlacedTimeTest, ATimeThatTheClockShowedTwiceIsTheLaterAndSaysHowFarTheOtherIs) {
  const PlacedTime placed = PlaceWallTime(Stepped(-200), WallScale::kRealtime, 1'400);
  EXPECT_EQ(placed.mono_ns, 600);
  EXPECT_GE(placed.error_ns, 200);
}

TEST(PlacedTimeTest, NoTimeOverflows) {
  for (const int64_t wall_ns : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{0}}) {
    EXPECT_GE(PlaceWallTime(Stepped(5'000), WallScale::kTai, wall_ns).error_ns, 0);
  }
}

TEST(PlacedTimeTest, TaiIsPlacedByEpochsThatKnowItsOffset) {
  std::vector<ClockEpoch> epochs = Stepped(5'000);
  epochs[0].tai_offset_ns = 0;
  EXPECT_EQ(PlaceWallTime(epochs, WallScale::kTai, 6'700 + kTai).mono_ns, 700);
}

TEST(PlacedTimeTest, WhatWasSleptAfterABirthIsNotSleptBeforeIt) {
  const std::vector<ClockEpoch> epochs = {
      {.end_mono_ns = 300}, {.reason = EpochReason::kSuspend, .begin_after_mono_ns = 290, .begin_mono_ns = 300, .step_ns = 1'000}};
  EXPECT_EQ(MonotonicFromBoottimeNs(epochs, 1'050, 150), 100) << "50 were slept before the daemon began, 1000 after the birth";
  EXPECT_EQ(MonotonicFromBoottimeNs(epochs, 1'050, 1'450), 400);
}

}  // namespace
}  // namespace hftmon
