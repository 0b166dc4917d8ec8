// More events than there are counters: what does not fit is refused, or has no value, or says that it is an estimate.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr uint64_t kRounds = 5'000'000;

TEST(ScarceCounters, AsManyEventsAsCountersAreExactTogether) {
  std::vector<CountedEvent> events = SomeInstructions(kCounters);
  events.push_back(Cycles());  // which have a counter of their own
  absl::StatusOr<CounterGroup> group = Open(events);
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] { RunRounds(kRounds); });
  ASSERT_TRUE(readings.ok()) << readings.status();
  for (const CounterReading& reading : *readings) EXPECT_EQ(NotTheLoop(reading, kRounds), "");
}

// This kernel checks whether a group fits as long as its leader is off without counting the leader: one event too many is taken, and the
// group then never counts.
TEST(ScarceCounters, AGroupWithOneEventTooManyHasNoValue) {
  absl::StatusOr<CounterGroup> group = Open(SomeInstructions(kCounters + 1));
  if (!group.ok()) {
    EXPECT_EQ(group.status().code(), absl::StatusCode::kOutOfRange) << group.status();
    return;
  }
  const auto readings = CountDuring(*group, [] { RunRounds(kRounds); });
  ASSERT_TRUE(readings.ok()) << readings.status();
  ASSERT_EQ(readings->size(), kCounters + 1);
  for (const CounterReading& reading : *readings) {
    EXPECT_GT(reading.enabled_ns, 0u);
    EXPECT_FALSE(reading.counted());
    EXPECT_EQ(reading.Scaled(), std::nullopt);
  }
}

TEST(ScarceCounters, AGroupWithMoreIsRefusedAndNamesTheEvent) {
  const absl::StatusOr<CounterGroup> group = Open(SomeInstructions(kCounters + 2));
  ASSERT_FALSE(group.ok());
  EXPECT_EQ(group.status().code(), absl::StatusCode::kOutOfRange) << group.status();
  EXPECT_THAT(group.status().message(), HasSubstr("instructions:u of the calling thread: the 8th event of the group does not fit"));
}

TEST(ScarceCounters, APinnedGroupThatFindsNoneSaysSo) {
  absl::StatusOr<CounterGroup> holder = Open(SomeInstructions(kCounters), {}, {.pinned = true});
  ASSERT_TRUE(holder.ok()) << holder.status();
  ASSERT_TRUE(holder->Enable().ok());
  absl::StatusOr<CounterGroup> late = Open({Instructions()}, {}, {.pinned = true});
  ASSERT_TRUE(late.ok()) << late.status();
  const auto none = CountDuring(*late, [] { RunRounds(kRounds); });
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), absl::StatusCode::kResourceExhausted) << none.status();
  EXPECT_THAT(none.status().message(), HasSubstr("had to do without counters"));
  // The first one is not disturbed by it.
  ASSERT_TRUE(holder->Disable().ok());
  const auto readings = holder->Read();
  ASSERT_TRUE(readings.ok()) << readings.status();
  for (const CounterReading& reading : *readings) EXPECT_EQ(NotTheLoop(reading, kRounds), "");
}

TEST(ScarceCounters, EventsThatTakeTurnsAreEstimatesAndSaySo) {
  constexpr uint64_t kLongRounds = 50'000'000;
  constexpr uint64_t kExpected = kInstructionsPerRound * kLongRounds;
  constexpr size_t kEvents = 14;
  std::vector<CounterGroup> groups;
  for (size_t i = 0; i < kEvents; ++i) {
    absl::StatusOr<CounterGroup> group = Open({Instructions()});
    ASSERT_TRUE(group.ok()) << group.status();
    groups.push_back(*std::move(group));
  }
  for (CounterGroup& group : groups) ASSERT_TRUE(group.Enable().ok());
  RunRounds(kLongRounds);
  double worst = 0;
  for (CounterGroup& group : groups) {
    ASSERT_TRUE(group.Disable().ok());
    const auto readings = group.Read();
    ASSERT_TRUE(readings.ok()) << readings.status();
    const CounterReading& reading = readings->front();
    EXPECT_TRUE(reading.counted());
    EXPECT_TRUE(reading.multiplexed());
    EXPECT_FALSE(reading.exact());
    EXPECT_LT(reading.value, kExpected);
    ASSERT_TRUE(reading.Scaled().has_value());
    worst = std::max(worst, std::abs(static_cast<double>(*reading.Scaled()) / kExpected - 1));
  }
  // The loop is alike all the time, so is what was counted of it.
  EXPECT_LT(worst, 0.02);
  fmt::print("rig: {} events on {} counters: estimates are off by at most {:.2f} %\n", kEvents, kCounters, 100 * worst);
}

}  // namespace
}  // namespace hftmon
