#include "daemon/analysis/wake_up_jitter.h"

#include <gtest/gtest.h>

#include "tests/daemon/analysis/wake_up_series.h"

namespace hftmon {
namespace {

constexpr int32_t kClockNanosleep = 230;
constexpr int32_t kEpollWait = 232;
constexpr double kPercentiles[] = {50, 99, 99.9};

// Each of 600 us, until that time; `asked` tells whether it is known.
std::vector<WakeUp> Sleeps(const std::vector<int64_t>& asked_ns, const std::function<int64_t()>& lateness_ns, bool asked, int32_t syscall) {
  std::vector<WakeUp> wake_ups;
  for (const int64_t at_ns : asked_ns) {
    const int64_t late_ns = lateness_ns();
    wake_ups.push_back(
        {.out_mono_ns = at_ns - 600 * kUs, .on_cpu_mono_ns = at_ns + late_ns, .asked_for_mono_ns = asked ? at_ns : 0, .syscall = syscall});
  }
  return wake_ups;
}

int64_t None() {
  return 0;
}

TEST(WakeUpJitterTest, LatenessIsFromTheTimeThatWasAskedForWhereItIsKnown) {
  const auto grid_ns = OnGrid(2'000, 1.0 * kMs, None);
  int64_t i = 0;
  // 0 … 1,999 us would be late for the next: 10 … 209.9 us.
  const JitterFinding finding = FindJitter(Sleeps(
                                               grid_ns, [&] { return 10 * kUs + i++ * 100; }, true, kClockNanosleep),
                                           0, kPercentiles);
  ASSERT_TRUE(finding.jitter.has_value());
  EXPECT_EQ(finding.jitter->source, JitterSource::kTimer);
  EXPECT_EQ(finding.jitter->period_ns, kMs);
  EXPECT_EQ(finding.jitter->missed_period_count, 0u);
  const DurationSummary& lateness = finding.jitter->lateness;
  EXPECT_EQ(lateness.count, 2'000u);
  EXPECT_EQ(lateness.max_ns, 10 * kUs + 1'999 * 100) << "what all have is in it";
  EXPECT_FALSE(lateness.max_estimated);
  ASSERT_EQ(lateness.percentiles.size(), 2u) << "p99.9 takes 10,000";
  EXPECT_EQ(lateness.percentiles[0].value_ns, 10 * kUs + 999 * 100) << "nearest rank";
  EXPECT_EQ(lateness.percentiles[1].percent, 99);
  EXPECT_EQ(lateness.percentiles[1].value_ns, 10 * kUs + 1'979 * 100);
  EXPECT_TRUE(lateness.percentiles[1].exact);
  EXPECT_EQ(lateness.sum_ns, 2'000 * 10 * kUs + 100 * 1'999 * 1'000);
}

TEST(WakeUpJitterTest, WhereItIsNotKnownItIsFromTheGrid) {
  const auto grid_ns = OnGrid(2'000, 1.0 * kMs, None);
  const JitterFinding finding = FindJitter(Sleeps(grid_ns, LateBy(40 * kUs, 3.0 * kUs), false, kEpollWait), 0, kPercentiles);
  ASSERT_TRUE(finding.jitter.has_value());
  EXPECT_EQ(finding.jitter->source, JitterSource::kEnvelope);
  EXPECT_EQ(finding.jitter->lateness.count, 2'000u);
  EXPECT_LT(finding.jitter->lateness.percentiles[0].value_ns, 3 * kUs);
  EXPECT_EQ(finding.wake_up_count, 2'000u);
}

TEST(WakeUpJitterTest, SleepsInOtherCallsAreNoneOfIt) {
  auto wake_ups = Sleeps(OnGrid(500, 1.0 * kMs, None), LateBy(0, 3.0 * kUs), false, kEpollWait);
  std::mt19937 engine(4);
  std::vector<int64_t> other_ns;
  for (int64_t i = 0; i < 450; ++i) other_ns.push_back(kStartNs + i * kMs + static_cast<int64_t>(engine() % kMs));
  for (const WakeUp& other : Sleeps(other_ns, None, false, 202)) wake_ups.push_back(other);
  std::sort(wake_ups.begin(), wake_ups.end(), [](const WakeUp& a, const WakeUp& b) { return a.on_cpu_mono_ns < b.on_cpu_mono_ns; });
  const JitterFinding finding = FindJitter(wake_ups, 0, kPercentiles);
  ASSERT_TRUE(finding.jitter.has_value());
  EXPECT_EQ(finding.jitter->lateness.count, 500u);
  EXPECT_EQ(finding.jitter->missed_period_count, 0u);
}

TEST(WakeUpJitterTest, ATimeThatDidNotEndTheSleepIsNotBelieved) {
  const auto grid_ns = OnGrid(300, 1.0 * kMs, None);
  auto wake_ups = Sleeps(
      grid_ns, [] { return 5 * kUs; }, true, kClockNanosleep);
  // By a signal, early.
  wake_ups[10].on_cpu_mono_ns = wake_ups[10].asked_for_mono_ns - 200 * kUs;
  JitterFinding finding = FindJitter(wake_ups, 0, kPercentiles);
  ASSERT_TRUE(finding.jitter.has_value());
  EXPECT_EQ(finding.jitter->source, JitterSource::kTimer);
  EXPECT_EQ(finding.jitter->lateness.count, 299u);
  EXPECT_EQ(finding.jitter->missed_period_count, 1u);
  // A reading that is early by less than clocks differ is on time.
  wake_ups[20].on_cpu_mono_ns = wake_ups[20].asked_for_mono_ns - 300;
  finding = FindJitter(wake_ups, 0, kPercentiles);
  EXPECT_EQ(finding.jitter->lateness.count, 299u);
  EXPECT_EQ(finding.jitter->lateness.sum_ns, 298 * 5 * kUs);
  // In a time namespace all are of another clock: what is left is the grid.
  for (WakeUp& wake_up : wake_ups) wake_up.asked_for_mono_ns += 3'600'000 * kMs;
  finding = FindJitter(wake_ups, 0, kPercentiles);
  ASSERT_TRUE(finding.jitter.has_value());
  EXPECT_EQ(finding.jitter->source, JitterSource::kEnvelope);
}

TEST(WakeUpJitterTest, ALoopOfSleepsIsRegularWhereItsTimesAreKnownAndElseNoGrid) {
  const auto walking_ns = OneAfterTheOther(2'000, LateBy(1'055 * kUs, 6.0 * kUs));
  const JitterFinding known = FindJitter(Sleeps(walking_ns, LateBy(2 * kUs, 1.0 * kUs), true, kClockNanosleep), 0, kPercentiles);
  ASSERT_TRUE(known.jitter.has_value());
  EXPECT_EQ(known.jitter->source, JitterSource::kTimer);
  EXPECT_LT(*known.jitter->lateness.max_ns, 20 * kUs);
  const JitterFinding unknown = FindJitter(Sleeps(walking_ns, LateBy(2 * kUs, 1.0 * kUs), false, kClockNanosleep), 0, kPercentiles);
  EXPECT_FALSE(unknown.jitter.has_value());
  EXPECT_EQ(unknown.why_not, NoPeriod::kNotPeriodic);
}

TEST(WakeUpJitterTest, WithoutAPeriodThereIsNoFigure) {
  const auto random_ns = OneAfterTheOther(2'000, LateBy(20 * kUs, 1.0 * kMs));
  JitterFinding finding = FindJitter(Sleeps(random_ns, LateBy(0, 2.0 * kUs), true, kClockNanosleep), 0, kPercentiles);
  EXPECT_FALSE(finding.jitter.has_value());
  EXPECT_EQ(finding.why_not, NoPeriod::kNotPeriodic);
  finding = FindJitter({}, 0, kPercentiles);
  EXPECT_FALSE(finding.jitter.has_value());
  EXPECT_EQ(finding.why_not, NoPeriod::kTooFewWakeUps);
  const auto few = Sleeps(OnGrid(kTimerWakeUpsMin - 1, 1.0 * kMs, None), None, true, kClockNanosleep);
  finding = FindJitter(few, 0, kPercentiles);
  EXPECT_FALSE(finding.jitter.has_value());
  EXPECT_EQ(finding.why_not, NoPeriod::kTooFewWakeUps);
  EXPECT_EQ(finding.wake_up_count, kTimerWakeUpsMin - 1);
  EXPECT_GT(finding.needed_count, finding.wake_up_count);
}

}  // namespace
}  // namespace hftmon
