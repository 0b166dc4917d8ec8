// Events that these CPUs do not have: each is refused with the reason, none counts nothing in silence.
#include <fmt/format.h>

#include <array>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kL1DataCacheRefills = 3;  // architectural, and not counted by an emulated CPU: it has no caches

struct GenericEvent {
  uint64_t config;
  const char* name;
  const char* file;  // the event of the PMU that the kernel takes for it, when /sys lists it
};

constexpr std::array kGenericEvents = {
    GenericEvent{PERF_COUNT_HW_CPU_CYCLES, "cycles", "cpu_cycles"},
    GenericEvent{PERF_COUNT_HW_INSTRUCTIONS, "instructions", "inst_retired"},
    GenericEvent{PERF_COUNT_HW_CACHE_REFERENCES, "cache-references", "l1d_cache"},
    GenericEvent{PERF_COUNT_HW_CACHE_MISSES, "cache-misses", "l1d_cache_refill"},
    GenericEvent{PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branches", "br_retired"},
    GenericEvent{PERF_COUNT_HW_BRANCH_MISSES, "branch-misses", "br_mis_pred"},
    GenericEvent{PERF_COUNT_HW_BUS_CYCLES, "bus-cycles", "bus_cycles"},
    GenericEvent{PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, "stalled-cycles-frontend", "stall_frontend"},
    GenericEvent{PERF_COUNT_HW_STALLED_CYCLES_BACKEND, "stalled-cycles-backend", "stall_backend"},
    GenericEvent{PERF_COUNT_HW_REF_CPU_CYCLES, "ref-cycles", "none"},
};

std::string PmuEvent(const std::string& name) {
  return ReadGuestFile("/sys/bus/event_source/devices/armv8_pmuv3/events/" + name);
}

TEST(AbsentEvents, OfTheGenericOnesThoseInSysOpenAndTheOthersSayWhyNot) {
  size_t there = 0;
  for (const GenericEvent& event : kGenericEvents) {
    const absl::StatusOr<CounterGroup> group = Open({Event(event.name, PERF_TYPE_HARDWARE, event.config)});
    if (!PmuEvent(event.file).empty()) {
      ++there;
      EXPECT_TRUE(group.ok()) << group.status();
      continue;
    }
    ASSERT_FALSE(group.ok()) << event.name;
    EXPECT_EQ(group.status().code(), absl::StatusCode::kFailedPrecondition) << group.status();
    EXPECT_THAT(group.status().message(), HasSubstr(fmt::format("{} of the calling thread: this processor has no such event", event.name)));
    // Cycles are there: it is not the PMU that is missing.
    EXPECT_THAT(group.status().message(), Not(HasSubstr("no hardware PMU")));
  }
  EXPECT_GE(there, 2u);
  fmt::print("rig: {} of {} generic events are there\n", there, kGenericEvents.size());
}

TEST(AbsentEvents, NoCacheEventIsThereAndEachSaysWhyNot) {
  for (uint64_t cache = 0; cache < PERF_COUNT_HW_CACHE_MAX; ++cache) {
    for (uint64_t operation = 0; operation < PERF_COUNT_HW_CACHE_OP_MAX; ++operation) {
      for (uint64_t result = 0; result < PERF_COUNT_HW_CACHE_RESULT_MAX; ++result) {
        const uint64_t config = cache | operation << 8 | result << 16;
        const absl::StatusOr<CounterGroup> group = Open({Event("cache event", PERF_TYPE_HW_CACHE, config)});
        ASSERT_FALSE(group.ok()) << config;
        EXPECT_EQ(group.status().code(), absl::StatusCode::kFailedPrecondition) << group.status();
        EXPECT_THAT(group.status().message(), HasSubstr("this processor has no such event"));
      }
    }
  }
}

TEST(AbsentEvents, InAGroupTheOneThatIsMissingIsNamed) {
  const absl::StatusOr<CounterGroup> group =
      Open({Instructions(), Cycles(), Event("cache-misses:u", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES)});
  ASSERT_FALSE(group.ok());
  EXPECT_EQ(group.status().code(), absl::StatusCode::kFailedPrecondition) << group.status();
  EXPECT_THAT(group.status().message(), HasSubstr("cache-misses:u of the calling thread: this processor has no such event"));
}

TEST(AbsentEvents, APmuThatIsNotThereIsNamed) {
  constexpr uint32_t kNoPmu = 9999;
  const absl::StatusOr<CounterGroup> group = Open({Event("a stranger's", kNoPmu, 0)});
  ASSERT_FALSE(group.ok());
  EXPECT_EQ(group.status().code(), absl::StatusCode::kFailedPrecondition) << group.status();
  EXPECT_THAT(group.status().message(), HasSubstr("PMU 9999 is not there"));
}

// Why events by number have to be looked up in /sys first: the kernel refuses none.
TEST(AbsentEvents, ARawOneThatSysDoesNotListIsTakenAndNeverCounts) {
  ASSERT_EQ(PmuEvent("l1d_cache_refill"), "");
  absl::StatusOr<CounterGroup> group = Open({Event("l1d_cache_refill", PmuType(), kL1DataCacheRefills), Instructions()});
  ASSERT_TRUE(group.ok()) << group.status();
  constexpr uint64_t kRounds = 1'000'000;
  const auto readings = CountDuring(*group, [] { RunRounds(kRounds); });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ((*readings)[0].value, 0u);
  EXPECT_TRUE((*readings)[0].counted());
  EXPECT_EQ(NotTheLoop((*readings)[1], kRounds), "");
}

// Only in a guest whose CPUs have no counters at all.
TEST(WithoutPmu, HardwareEventsSayThatThereIsNone) {
  EXPECT_NE(TryCycleCounter(Calls()), 0);
  for (const GenericEvent& event : kGenericEvents) {
    const absl::StatusOr<CounterGroup> group = Open({Event(event.name, PERF_TYPE_HARDWARE, event.config)});
    ASSERT_FALSE(group.ok()) << event.name;
    EXPECT_EQ(group.status().code(), absl::StatusCode::kFailedPrecondition) << group.status();
    EXPECT_THAT(group.status().message(), HasSubstr(fmt::format("{} of the calling thread: no hardware PMU", event.name)));
  }
}

TEST(WithoutPmu, SoftwareEventsAreCountedAllTheSame) {
  absl::StatusOr<CounterGroup> group = Open({Event("task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK)});
  ASSERT_TRUE(group.ok()) << group.status();
  constexpr uint64_t kRounds = 5'000'000;
  const auto readings = CountDuring(*group, [] { RunRounds(kRounds); });
  ASSERT_TRUE(readings.ok()) << readings.status();
  // The guest's clock goes by instructions, one a nanosecond.
  EXPECT_GE(readings->front().value, kInstructionsPerRound * kRounds);
  EXPECT_TRUE(readings->front().exact());
}

}  // namespace
}  // namespace hftmon
