// How many events count at once: found out on CPUs of which that is known, with nobody else there and with somebody.
#include "daemon/pmu/counter_budget.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr CounterPlace kThisThread;
constexpr CounterPlace kCpu = {.tid = -1, .cpu = 0};

TEST(CounterBudgetOfAnEmulatedCpu, IsWhatItHas) {
  for (const CounterPlace& place : {kThisThread, kCpu}) {
    const absl::StatusOr<CounterBudget> instructions = MeasureCounterBudget(Calls(), place, Instructions());
    ASSERT_TRUE(instructions.ok()) << instructions.status();
    EXPECT_EQ(instructions->events, kCounters);
    EXPECT_FALSE(instructions->at_least);
    // Cycles have one more, of their own.
    const absl::StatusOr<CounterBudget> cycles = MeasureCounterBudget(Calls(), place, Cycles());
    ASSERT_TRUE(cycles.ok()) << cycles.status();
    EXPECT_EQ(cycles->events, kCounters + 1);
  }
}

TEST(CounterBudgetOfAnEmulatedCpu, IsLessByWhatAnotherHolds) {
  constexpr size_t kHeld = 4;
  absl::StatusOr<CounterGroup> holder = Open(SomeInstructions(kHeld), kCpu, {.pinned = true});
  ASSERT_TRUE(holder.ok()) << holder.status();
  ASSERT_TRUE(holder->Enable().ok());
  for (const CounterPlace& place : {kThisThread, kCpu}) {
    const absl::StatusOr<CounterBudget> budget = MeasureCounterBudget(Calls(), place, Instructions());
    ASSERT_TRUE(budget.ok()) << budget.status();
    EXPECT_EQ(budget->events, kCounters - kHeld);
  }
  // Nor has the holder lost anything by it.
  const auto readings = holder->Read();
  ASSERT_TRUE(readings.ok()) << readings.status();
  for (const CounterReading& reading : *readings) EXPECT_TRUE(reading.exact());
}

TEST(CounterBudgetOfAnEmulatedCpu, OneTooManyIsNamedAndTheNumberThatFits) {
  EXPECT_TRUE(CheckCounterBudget(Calls(), kThisThread, SomeInstructions(kCounters), {}).ok());
  std::vector<CountedEvent> events = SomeInstructions(kCounters);
  events.push_back(Instructions());
  events.back().name = "one too many";
  const absl::Status seven = CheckCounterBudget(Calls(), kThisThread, events, {.nmi_watchdog = true});
  EXPECT_EQ(seven.code(), absl::StatusCode::kResourceExhausted) << seven;
  EXPECT_THAT(seven.message(), HasSubstr("7 events do not count at once on the calling thread: 6 do, one too many finds no counter"));
  EXPECT_THAT(seven.message(), HasSubstr("sysctl kernel.nmi_watchdog=0"));
}

// The kernel does not even open so large a group, and the refusal may be its own.
TEST(CounterBudgetOfAnEmulatedCpu, OfManyTooManyOneIsNamed) {
  const absl::Status many = CheckCounterBudget(Calls(), kThisThread, SomeInstructions(3 * kCounters), {});
  ASSERT_FALSE(many.ok());
  EXPECT_THAT(many.message(), HasSubstr("6 do, instructions:u finds no counter"));
}

}  // namespace
}  // namespace hftmon
