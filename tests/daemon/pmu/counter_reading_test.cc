#include "daemon/pmu/counter_reading.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

TEST(CounterReadingTest, WhatCountedAllTheTimeIsExact) {
  const CounterReading reading{.value = 12, .enabled_ns = 100, .running_ns = 100};
  EXPECT_TRUE(reading.counted());
  EXPECT_FALSE(reading.multiplexed());
  EXPECT_TRUE(reading.exact());
  EXPECT_EQ(reading.Scaled(), 12u);
}

TEST(CounterReadingTest, WhatHadACounterForAThirdOfTheTimeIsEstimatedAtThreeTimesToTheNearest) {
  const CounterReading reading{.value = 100, .enabled_ns = 300, .running_ns = 101};
  EXPECT_TRUE(reading.multiplexed());
  EXPECT_FALSE(reading.exact());
  EXPECT_EQ(reading.Scaled(), 297u);  // 297.03
  EXPECT_EQ((CounterReading{.value = 5, .enabled_ns = 3, .running_ns = 2}.Scaled()), 8u) << "7.5 is rounded up";
}

TEST(CounterReadingTest, WhatNeverHadACounterHasNoValue) {
  const CounterReading reading{.value = 0, .enabled_ns = 300, .running_ns = 0};
  EXPECT_FALSE(reading.counted());
  EXPECT_FALSE(reading.exact());
  EXPECT_EQ(reading.Scaled(), std::nullopt);
  EXPECT_EQ(CounterReading{}.Scaled(), std::nullopt) << "nor what was never switched on";
}

TEST(CounterReadingTest, AnEstimateBeyondTheRangeSaturates) {
  EXPECT_EQ((CounterReading{.value = UINT64_MAX, .enabled_ns = UINT64_MAX, .running_ns = 1}.Scaled()), UINT64_MAX);
  EXPECT_EQ((CounterReading{.value = UINT64_MAX / 4, .enabled_ns = UINT64_MAX, .running_ns = UINT64_MAX - 1}.Scaled()), UINT64_MAX / 4)
      << "and one within it does not overflow on its way";
}

TEST(CounterReadingTest, AnEventThatAlsoSamplesIsNeverExact) {
  const CounterReading reading{.value = 12, .enabled_ns = 100, .running_ns = 100, .lost = 0, .sampled = true};
  EXPECT_FALSE(reading.exact()) << "while it is throttled it stands still, and its time runs on";
  EXPECT_EQ(reading.Scaled(), 12u);
}

}  // namespace
}  // namespace hftmon
