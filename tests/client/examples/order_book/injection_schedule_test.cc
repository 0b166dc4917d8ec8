#include "client/examples/order_book/injection_schedule.h"

#include <gtest/gtest.h>

#include "client/examples/order_book/injection_log.h"

namespace hftmon::order_book {
namespace {

TEST(InjectionScheduleTest, EndsWithTheRunOrTheCount) {
  const InjectionSchedule timed{.first_ns = 50, .every_ns = 100, .end_ns = 350};
  EXPECT_TRUE(timed.Has(2, 2));   // 250
  EXPECT_FALSE(timed.Has(3, 3));  // 350
  const InjectionSchedule counted{.first_ns = 50, .every_ns = 100, .end_ns = 1'000'000, .count_max = 2};
  EXPECT_TRUE(counted.Has(1, 1));
  EXPECT_FALSE(counted.Has(2, 2));
  EXPECT_TRUE(counted.Has(7, 1)) << "what was missed does not count";
}

TEST(InjectionScheduleTest, WhatWasMissedIsNotCaughtUpWithInABurst) {
  const InjectionSchedule schedule{.first_ns = 50, .every_ns = 100, .end_ns = 10'000};
  EXPECT_EQ(schedule.Following(0, 60), 1u);
  EXPECT_EQ(schedule.Following(0, 150), 1u);
  EXPECT_EQ(schedule.Following(0, 151), 2u);
  EXPECT_EQ(schedule.Following(0, 5'020), 50u);
  EXPECT_GE(schedule.DueNs(schedule.Following(0, 5'020)), 5'020);
}

TEST(InjectionLogTest, CountsWhatItDoesNotKeep) {
  InjectionLog log;
  for (uint64_t i = 0; i < InjectionLog::kEventsMax + 5; ++i) log.Add(i, i + 2);
  EXPECT_EQ(log.count(), InjectionLog::kEventsMax + 5);
  EXPECT_EQ(log.events().size(), InjectionLog::kEventsMax);
  EXPECT_EQ(log.total_ticks(), 2 * log.count());
}

}  // namespace
}  // namespace hftmon::order_book
