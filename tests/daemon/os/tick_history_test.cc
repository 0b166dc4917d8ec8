#include "daemon/os/tick_history.h"

#include <gtest/gtest.h>

#include <array>

namespace hftmon {
namespace {

// A tick is half a nanosecond by the line's own rate.
LinearConversion Line(uint64_t anchor_ticks, int64_t anchor_ns, int64_t error_ns = 50) {
  return {.anchor_ticks = anchor_ticks, .anchor_ns = anchor_ns, .multiplier = uint64_t{1} << 31, .error_ns = error_ns};
}

PlacedTime PlaceOne(const TickHistory& history, uint64_t ticks) {
  const std::array<uint64_t, 1> one = {ticks};
  const std::vector<PlacedTime> placed = history.Place(one);
  return placed.empty() ? PlacedTime{.mono_ns = -1, .error_ns = -1} : placed[0];
}

TEST(TickHistoryTest, WithoutACalibrationNothingIsPlaced) {
  TickHistory history;
  EXPECT_TRUE(history.Place(std::array<uint64_t, 1>{7}).empty());
  history.Note(LinearConversion{}, 0);
  EXPECT_TRUE(history.Place(std::array<uint64_t, 1>{7}).empty());
}

TEST(TickHistoryTest, BetweenTwoCalibrationsTheyTellTheRate) {
  TickHistory history;
  history.Note(Line(1'000'000, 500'000, 40), 0);
  history.Note(Line(1'000'000, 500'000, 40), 0);  // a calibration that was skipped leaves the line
  history.Note(Line(2'000'000, 1'250'000, 60), 0);
  EXPECT_EQ(PlaceOne(history, 1'000'000).mono_ns, 500'000);
  EXPECT_EQ(PlaceOne(history, 1'500'000).mono_ns, 875'000);
  EXPECT_EQ(PlaceOne(history, 1'500'000).error_ns, 60);
}

TEST(TickHistoryTest, BehindTheLastCalibrationItsErrorHoldsForAWhileThenGrows) {
  TickHistory history;
  history.Note(Line(0, 0, 40), 0);
  EXPECT_EQ(PlaceOne(history, 200'000'000).mono_ns, 100'000'000);
  EXPECT_EQ(PlaceOne(history, 200'000'000).error_ns, 40);
  EXPECT_EQ(PlaceOne(history, 2'000'000'000).error_ns, 40 + 1'000'000);
}

TEST(TickHistoryTest, BeforeTheOldestTheErrorGrowsAtOnce) {
  TickHistory history;
  history.Note(Line(10'000'000, 5'000'000, 40), 0);
  EXPECT_EQ(PlaceOne(history, 8'000'000).mono_ns, 4'000'000);
  EXPECT_EQ(PlaceOne(history, 8'000'000).error_ns, 40 + 1'000);
}

TEST(TickHistoryTest, AcrossAStepTheErrorIsTheStep) {
  TickHistory history;
  history.Note(Line(0, 0), 0);
  history.Note(Line(1'000'000, 900'000), 1);
  EXPECT_EQ(PlaceOne(history, 500'000).mono_ns, 250'000);
  EXPECT_EQ(PlaceOne(history, 500'000).error_ns, 50 + 400'000);
}

TEST(TickHistoryTest, OldCalibrationsAreForgotten) {
  TickHistory history;
  for (uint64_t i = 0; i < TickHistory::kKept + 10; ++i) history.Note(Line(1'000 * i, static_cast<int64_t>(700 * i)), 0);
  EXPECT_EQ(PlaceOne(history, 5'000).mono_ns, 7'000 - 2'500) << "by the rate of the oldest that is kept";
}

}  // namespace
}  // namespace hftmon
