#include "daemon/pmu/counter_total.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

ThreadReadings Of(pid_t tid, const CounterReading& reading) {
  return {.tid = tid, .readings = {reading}};
}

CounterReading Exact(uint64_t value) {
  return {.value = value, .enabled_ns = 10, .running_ns = 10, .lost = 1};
}

TEST(CounterTotalTest, ExactThreadsMakeAnExactSum) {
  const std::vector<CounterTotal> totals = SumOfThreads(std::vector{Of(1, Exact(5)), Of(2, Exact(7)), Of(3, CounterReading{.lost = 0})});
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].count, 12u);
  EXPECT_TRUE(totals[0].exact) << "a thread that was on no CPU did nothing";
  EXPECT_EQ(totals[0].uncounted_thread_count, 0u);
  EXPECT_EQ(totals[0].lost, 2u);
}

TEST(CounterTotalTest, EachThreadIsEstimatedByItsOwnShare) {
  const CounterReading half{.value = 10, .enabled_ns = 20, .running_ns = 10};
  const CounterReading tenth{.value = 1, .enabled_ns = 100, .running_ns = 10};
  const std::vector<CounterTotal> totals = SumOfThreads(std::vector{Of(1, half), Of(2, tenth), Of(3, Exact(1))});
  EXPECT_EQ(totals[0].count, 31u);
  EXPECT_FALSE(totals[0].exact);
}

TEST(CounterTotalTest, AThreadThatRanWithoutCounterIsMissing) {
  const std::vector<CounterTotal> totals = SumOfThreads(std::vector{Of(1, Exact(5)), Of(2, {.enabled_ns = 9})});
  EXPECT_EQ(totals[0].count, 5u);
  EXPECT_FALSE(totals[0].exact);
  EXPECT_EQ(totals[0].uncounted_thread_count, 1u);
}

TEST(CounterTotalTest, NothingCountedIsNoNumber) {
  const std::vector<CounterTotal> totals = SumOfThreads(std::vector{Of(1, {.enabled_ns = 9}), Of(2, {})});
  EXPECT_EQ(totals[0].count, std::nullopt);
  EXPECT_FALSE(totals[0].exact);
  EXPECT_EQ(totals[0].lost, std::nullopt);
  EXPECT_TRUE(SumOfThreads({}).empty());
}

TEST(CounterTotalTest, ASumBeyondTheRangeSaturates) {
  const std::vector<CounterTotal> totals = SumOfThreads(std::vector{Of(1, Exact(UINT64_MAX - 1)), Of(2, Exact(7))});
  EXPECT_EQ(totals[0].count, UINT64_MAX);
}

}  // namespace
}  // namespace hftmon
