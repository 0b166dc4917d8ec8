#include "daemon/control/off_periods.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(OffPeriodsTest, AWindowGetsThePartOfEachPeriodThatLiesInIt) {
  OffPeriods periods;
  EXPECT_EQ(periods.Within(0, 1'000), 0);
  periods.Begin(100);
  periods.End(200);
  periods.Begin(300);
  periods.End(400);
  EXPECT_EQ(periods.Within(0, 1'000), 200);
  EXPECT_EQ(periods.Within(150, 350), 100);
  EXPECT_EQ(periods.Within(200, 300), 0);
  EXPECT_EQ(periods.count(), 2u);
  EXPECT_EQ(periods.total_ns(1'000), 200);
}

TEST(OffPeriodsTest, APeriodThatGoesOnCountsUpToTheWindowsEnd) {
  OffPeriods periods;
  periods.Begin(100);
  EXPECT_EQ(periods.Within(0, 150), 50);
  EXPECT_EQ(periods.Within(0, 50), 0);
  EXPECT_EQ(periods.since_mono_ns(), 100);
  EXPECT_EQ(periods.total_ns(160), 60);
  periods.End(200);
  EXPECT_EQ(periods.since_mono_ns(), std::nullopt);
}

TEST(OffPeriodsTest, OldPeriodsAreForgottenButNotTheirSum) {
  OffPeriods periods;
  const auto count = static_cast<int64_t>(OffPeriods::kKeptMax) + 10;
  for (int64_t i = 0; i < count; ++i) {
    periods.Begin(10 * i);
    periods.End(10 * i + 1);
  }
  EXPECT_EQ(periods.Within(0, 10 * count), static_cast<int64_t>(OffPeriods::kKeptMax));
  EXPECT_EQ(periods.total_ns(10 * count), count);
  EXPECT_EQ(periods.count(), static_cast<uint64_t>(count));
}

TEST(OffPeriodsTest, PeriodsThatTouchAWindowAreToldOneByOne) {
  OffPeriods periods;
  periods.Begin(100);
  periods.End(200);
  periods.Begin(300);
  EXPECT_EQ(periods.SpansWithin(0, 99), std::vector<TimeSpan>());
  EXPECT_EQ(periods.SpansWithin(150, 250), (std::vector<TimeSpan>{{100, 200}}));
  EXPECT_EQ(periods.SpansWithin(0, 1'000), (std::vector<TimeSpan>{{100, 200}, {300, 1'000}}));
}

}  // namespace
}  // namespace hftmon
