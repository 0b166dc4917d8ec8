#include "daemon/analysis/wake_up_grid.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/daemon/analysis/wake_up_series.h"

namespace hftmon {
namespace {

std::vector<int64_t> LatenessOf(const WakeUpGrid& grid) {
  std::vector<int64_t> lateness_ns;
  for (const GridWakeUp& wake_up : grid.wake_ups) lateness_ns.push_back(wake_up.lateness_ns);
  std::sort(lateness_ns.begin(), lateness_ns.end());
  return lateness_ns;
}

TEST(WakeUpGridTest, ThePeriodIsFoundAndLatenessIsFromTheEarliest) {
  const auto times_ns = OnGrid(5'000, 1.0 * kMs, LateBy(50 * kUs, 5.0 * kUs));
  const WakeUpGrid grid = FindGrid(times_ns, 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.period_ns, kMs);
  EXPECT_EQ(grid.missed_count, 0u);
  ASSERT_EQ(grid.wake_ups.size(), times_ns.size());
  const std::vector<int64_t> lateness_ns = LatenessOf(grid);
  EXPECT_EQ(lateness_ns.front(), 0) << "what all have is not in it";
  // Of an exponential distribution: ln 2, and ln 100, of its mean.
  EXPECT_NEAR(static_cast<double>(lateness_ns[2'500]), 5'000 * 0.693, 200);
  EXPECT_NEAR(static_cast<double>(lateness_ns[4'950]), 5'000 * 4.605, 2'500);
}

TEST(WakeUpGridTest, ADriftAgainstTheClockIsNoLateness) {
  // 80 ppm: a fifth of a period over the series.
  const double period_ns = 1.0 * kMs * (1 + 80e-6);
  const auto times_ns = OnGrid(2'500, period_ns, LateBy(0, 2.0 * kUs));
  for (const int64_t given_ns : {int64_t{0}, kMs}) {
    const WakeUpGrid grid = FindGrid(times_ns, given_ns);
    ASSERT_EQ(grid.why_not, NoPeriod::kNone) << given_ns;
    EXPECT_EQ(grid.period_ns, 1'000'080);
    EXPECT_LT(LatenessOf(grid)[1'250], 2 * kUs);
    EXPECT_LT(LatenessOf(grid).back(), 40 * kUs);
  }
}

TEST(WakeUpGridTest, MissedPeriodsAreCountedAndTheOthersKeepTheirLateness) {
  const auto times_ns = OnGrid(3'000, 1.0 * kMs, LateBy(0, 3.0 * kUs), [](size_t i) { return i % 10 == 7 || (i > 500 && i < 520); });
  const WakeUpGrid grid = FindGrid(times_ns, 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.period_ns, kMs);
  EXPECT_EQ(grid.wake_ups.size(), times_ns.size());
  EXPECT_EQ(grid.missed_count, 3'000 - times_ns.size());
  EXPECT_LT(LatenessOf(grid).back(), 60 * kUs);
}

TEST(WakeUpGridTest, ABurstOfLateOnesKeepsItsLateness) {
  std::mt19937 engine(3);
  size_t i = 0;
  const auto usual_ns = LateBy(0, 2.0 * kUs);
  // Two bursts: up to 0.7 of a period, which the next interval lacks.
  const auto lateness_ns = [&] {
    const int64_t ns = usual_ns();
    const bool burst = (i >= 700 && i < 740) || (i >= 1'500 && i < 1'520);
    ++i;
    return burst ? ns + 300 * kUs + static_cast<int64_t>(engine() % 400'000) : ns;
  };
  const WakeUpGrid grid = FindGrid(OnGrid(2'000, 1.0 * kMs, lateness_ns), 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.period_ns, kMs);
  EXPECT_EQ(grid.wake_ups.size(), 2'000u);
  EXPECT_EQ(grid.missed_count, 0u);
  const std::vector<int64_t> all_ns = LatenessOf(grid);
  EXPECT_LT(all_ns[1'939], 50 * kUs);
  EXPECT_GE(all_ns[1'940], 300 * kUs) << "sixty of them";
  EXPECT_LE(all_ns.back(), 750 * kUs);
}

TEST(WakeUpGridTest, NoiseBeforeTheTimeMovesTheLineNotThePeriod) {
  std::mt19937 engine(5);
  std::normal_distribution<double> noise(0, 800);
  const WakeUpGrid grid = FindGrid(OnGrid(4'000, 250.0 * kUs, [&] { return std::llround(noise(engine)); }), 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.period_ns, 250 * kUs);
  const std::vector<int64_t> lateness_ns = LatenessOf(grid);
  EXPECT_EQ(lateness_ns.front(), 0) << "none lies before the line";
  EXPECT_NEAR(static_cast<double>(lateness_ns[2'000]), 3.5 * 800, 0.8 * 800) << "the earliest of so many is 3 to 4 deviations early";
}

TEST(WakeUpGridTest, ASmallShareOfOtherWakeUpsIsNoneOfIt) {
  const auto own_ns = OnGrid(3'000, 1.0 * kMs, LateBy(0, 3.0 * kUs));
  std::mt19937 engine(9);
  std::vector<int64_t> others_ns;
  for (size_t i = 0; i < 300; ++i) others_ns.push_back(own_ns[i * 9 + 4] + 100 * kUs + static_cast<int64_t>(engine() % 750'000));
  const WakeUpGrid grid = FindGrid(Merged(own_ns, others_ns), 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.period_ns, kMs);
  EXPECT_EQ(grid.missed_count, 0u);
  EXPECT_EQ(grid.wake_ups.size(), 3'000u);
  EXPECT_LT(LatenessOf(grid).back(), 60 * kUs);
}

TEST(WakeUpGridTest, OneThatASignalWokeEarlyTiltsNothing) {
  for (const size_t at : {size_t{0}, size_t{70}, size_t{499}}) {
    auto times_ns = OnGrid(500, 1.0 * kMs, LateBy(20 * kUs, 3.0 * kUs));
    times_ns[at] -= 110 * kUs;
    const WakeUpGrid grid = FindGrid(times_ns, 0);
    ASSERT_EQ(grid.why_not, NoPeriod::kNone);
    EXPECT_EQ(grid.wake_ups.size(), 499u);
    EXPECT_EQ(grid.period_ns, kMs);
    EXPECT_LT(LatenessOf(grid)[250], 4 * kUs);
  }
  // More of them are no chance.
  auto times_ns = OnGrid(500, 1.0 * kMs, LateBy(20 * kUs, 3.0 * kUs));
  for (size_t i = 0; i < 500; i += 20) times_ns[i] -= 110 * kUs;
  EXPECT_GT(LatenessOf(FindGrid(times_ns, 0))[250], 100 * kUs);
}

TEST(WakeUpGridTest, LatenessThatComesAndGoesSlowlyIsOfTheGrid) {
  size_t i = 0;
  const auto usual_ns = LateBy(0, 1.0 * kUs);
  // Idle states: 500 wake-ups from a deep one, 500 from a light one.
  const auto lateness_ns = [&] { return usual_ns() + (i++ / 500 % 2 == 0 ? 5 * kUs : 50 * kUs); };
  const WakeUpGrid grid = FindGrid(OnGrid(6'000, 1.0 * kMs, lateness_ns), 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_NEAR(static_cast<double>(LatenessOf(grid)[1'500]), 1.0 * kUs, 2.0 * kUs);
  EXPECT_NEAR(static_cast<double>(LatenessOf(grid)[4'500]), 46.0 * kUs, 2.0 * kUs);
}

TEST(WakeUpGridTest, AfterAPauseThePhaseIsAnother) {
  const auto before_ns = OnGrid(400, 1.0 * kMs, LateBy(0, 2.0 * kUs));
  auto after_ns = OnGrid(400, 1.0 * kMs, LateBy(0, 2.0 * kUs, 2));
  for (int64_t& time_ns : after_ns) time_ns += 30'000 * kMs + 412 * kUs;
  const WakeUpGrid grid = FindGrid(Merged(before_ns, after_ns), 0);
  ASSERT_EQ(grid.why_not, NoPeriod::kNone);
  EXPECT_EQ(grid.wake_ups.size(), 800u);
  EXPECT_EQ(grid.wake_ups[400].index, 400u);
  EXPECT_EQ(grid.missed_count, 0u) << "nothing was missed while it did not run";
  EXPECT_LT(LatenessOf(grid).back(), 40 * kUs);
}

TEST(WakeUpGridTest, TooFewAreNone) {
  const auto times_ns = OnGrid(kGridWakeUpsMin, 1.0 * kMs, LateBy(0, 1.0 * kUs));
  EXPECT_EQ(FindGrid(times_ns, 0).why_not, NoPeriod::kNone);
  EXPECT_EQ(FindGrid(std::span(times_ns).first(kGridWakeUpsMin - 1), 0).why_not, NoPeriod::kTooFewWakeUps);
  EXPECT_EQ(FindGrid({}, 0).why_not, NoPeriod::kTooFewWakeUps);
}

// Whatever the seed: what has no period gets no figure.
TEST(WakeUpGridTest, RandomWakeUpsHaveNoPeriod) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    for (const size_t count : {64u, 300u, 3'000u}) {
      const auto times_ns = OneAfterTheOther(count, LateBy(20 * kUs, 1.0 * kMs, seed));
      EXPECT_NE(FindGrid(times_ns, 0).why_not, NoPeriod::kNone) << seed << " " << count;
      EXPECT_NE(FindGrid(times_ns, kMs).why_not, NoPeriod::kNone) << seed << " " << count;
    }
  }
}

TEST(WakeUpGridTest, TwoPeriodsAreNone) {
  const auto of = [](double period_ns, int64_t phase_ns, uint32_t seed) {
    auto times_ns = OnGrid(static_cast<size_t>(2'000.0 * kMs / period_ns), period_ns, LateBy(0, 2.0 * kUs, seed));
    for (int64_t& time_ns : times_ns) time_ns += phase_ns;
    return times_ns;
  };
  EXPECT_EQ(FindGrid(Merged(of(1.0 * kMs, 0, 1), of(1.7 * kMs, 0, 2)), 0).why_not, NoPeriod::kNotPeriodic);
  EXPECT_NE(FindGrid(Merged(of(1.0 * kMs, 0, 1), of(1.0 * kMs, 300 * kUs, 2)), 0).why_not, NoPeriod::kNone);
  EXPECT_EQ(FindGrid(Merged(of(1.0 * kMs, 0, 1), of(2.0 * kMs, 400 * kUs, 2)), 0).why_not, NoPeriod::kNotPeriodic);
  // A quarter of a millisecond would fit them all, and is the period of neither.
  EXPECT_EQ(FindGrid(Merged(of(1.0 * kMs, 0, 1), of(1.0 * kMs, 250 * kUs, 2)), 0).why_not, NoPeriod::kTooManyGaps);
}

// A loop of sleep(1 ms): each period begins where the last one ended. At 64 wake-ups chance may hide it once in some dozen; with more it
// shows.
TEST(WakeUpGridTest, APhaseThatWalksIsNoGrid) {
  int found = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    for (const size_t count : {256u, 1'000u, 10'000u}) {
      const auto times_ns = OneAfterTheOther(count, LateBy(1'055 * kUs, 6.0 * kUs, seed));
      found += FindGrid(times_ns, 0).why_not == NoPeriod::kNone ? 1 : 0;
    }
  }
  EXPECT_LE(found, 3) << "of 600";
}

TEST(WakeUpGridTest, AGivenPeriodIsProvedToo) {
  const auto times_ns = OnGrid(1'000, 1.0 * kMs, LateBy(0, 2.0 * kUs));
  EXPECT_EQ(FindGrid(times_ns, kMs).why_not, NoPeriod::kNone);
  EXPECT_EQ(FindGrid(times_ns, 1'005 * kUs).why_not, NoPeriod::kNone) << "within a hundredth";
  EXPECT_EQ(FindGrid(times_ns, 1'005 * kUs).period_ns, kMs);
  EXPECT_EQ(FindGrid(times_ns, 1'300 * kUs).why_not, NoPeriod::kOtherPeriod);
  EXPECT_EQ(FindGrid(times_ns, 2 * kMs).why_not, NoPeriod::kOtherPeriod);
  // Half the period is one, of which every other is missed: who gives it says so.
  const WakeUpGrid half = FindGrid(times_ns, 500 * kUs);
  ASSERT_EQ(half.why_not, NoPeriod::kNone);
  EXPECT_EQ(half.missed_count, 999u);
}

TEST(RegularTest, IntervalsDecideNotThePhase) {
  const auto walking_ns = OneAfterTheOther(500, LateBy(1'055 * kUs, 6.0 * kUs));
  const WakeUpGrid regular = FindRegular(walking_ns, 0);
  ASSERT_EQ(regular.why_not, NoPeriod::kNone);
  EXPECT_NEAR(static_cast<double>(regular.period_ns), 1'059.0 * kUs, 2.0 * kUs);
  EXPECT_EQ(regular.missed_count, 0u);
  EXPECT_EQ(FindRegular(walking_ns, 1'060 * kUs).why_not, NoPeriod::kNone);
  EXPECT_EQ(FindRegular(walking_ns, 900 * kUs).why_not, NoPeriod::kOtherPeriod);
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    EXPECT_NE(FindRegular(OneAfterTheOther(40, LateBy(20 * kUs, 1.0 * kMs, seed)), 0).why_not, NoPeriod::kNone) << seed;
  }
}

TEST(RegularTest, MissedPeriodsAreCountedAndPausesAreNot) {
  auto times_ns = OnGrid(
      400, 1.0 * kMs, [] { return 0; }, [](size_t i) { return i == 100 || i == 101; });
  for (size_t i = 300; i < times_ns.size(); ++i) times_ns[i] += 5'000 * kMs;
  const WakeUpGrid regular = FindRegular(times_ns, 0);
  ASSERT_EQ(regular.why_not, NoPeriod::kNone);
  EXPECT_EQ(regular.period_ns, kMs);
  EXPECT_EQ(regular.missed_count, 2u);
}

// Of a starved thread: three of four, and more, are gone, and what is left says what the period is.
TEST(RegularTest, ExactTimesTellTheirPeriodWhereMostAreMissed) {
  for (const uint32_t kept : {4u, 6u, 8u}) {
    std::mt19937 engine(kept);
    std::vector<int64_t> times_ns;
    uint64_t last = 0;
    for (uint64_t i = 0; times_ns.size() < 400; ++i) {
      if (engine() % kept != 0) continue;
      times_ns.push_back(kStartNs + static_cast<int64_t>(i) * kMs);
      last = i - static_cast<uint64_t>(times_ns.front() - kStartNs) / kMs;
    }
    const WakeUpGrid regular = FindRegular(times_ns, 0);
    ASSERT_EQ(regular.why_not, NoPeriod::kNone) << kept;
    EXPECT_EQ(regular.period_ns, kMs);
    EXPECT_EQ(regular.missed_count, last + 1 - 400);
    EXPECT_EQ(FindRegular(times_ns, kMs).missed_count, last + 1 - 400) << "given";
  }
}

TEST(RegularTest, TwoPhasesOfExactTimesAreNoShorterPeriod) {
  auto other_ns = OnGrid(300, 1.0 * kMs, [] { return 0; });
  for (int64_t& time_ns : other_ns) time_ns += 250 * kUs;
  EXPECT_NE(FindRegular(Merged(OnGrid(300, 1.0 * kMs, [] { return 0; }), other_ns), 0).why_not, NoPeriod::kNone);
  for (int64_t& time_ns : other_ns) time_ns += 50 * kUs;
  EXPECT_NE(FindRegular(Merged(OnGrid(300, 1.0 * kMs, [] { return 0; }), other_ns), 0).why_not, NoPeriod::kNone);
}

}  // namespace
}  // namespace hftmon
