#include "daemon/pmu/counter_budget.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/daemon/os/fixture_tree.h"
#include "tests/daemon/pmu/counted_events.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

FakePerfEvents::Kernel Machine(size_t counters, size_t watchdog_counters = 0) {
  FakePerfEvents::Kernel kernel = FakePerfEvents::Host(counters);
  kernel.watchdog_counters = watchdog_counters;
  kernel.call_ns = 1'000;
  return kernel;
}

constexpr CounterPlace kHere{.tid = 0, .cpu = -1};
constexpr CounterPlace kCpu1{.tid = -1, .cpu = 1};

TEST(CounterBudgetTest, IsWhatTheProcessorHasLessWhatOthersHold) {
  for (const CounterPlace& place : {kHere, kCpu1}) {
    for (const size_t held : {0, 1, 4}) {
      FakePerfEvents kernel(Machine(6, held));
      const auto budget = MeasureCounterBudget(kernel, place, Raw(1));
      ASSERT_TRUE(budget.ok()) << budget.status();
      EXPECT_EQ(budget->events, 6 - held);
      EXPECT_FALSE(budget->at_least);
      EXPECT_EQ(kernel.open_count(), 0u);
    }
  }
}

TEST(CounterBudgetTest, EventsThatNeedNoCounterAreTriedUpToTheBound) {
  FakePerfEvents kernel(Machine(2));
  const auto budget = MeasureCounterBudget(kernel, kHere, PageFaults(), 10);
  ASSERT_TRUE(budget.ok()) << budget.status();
  EXPECT_EQ(budget->events, 10u);
  EXPECT_TRUE(budget->at_least);
}

TEST(CounterBudgetTest, TheGroupsOfOthersOnTheSameCpuCount) {
  FakePerfEvents kernel(Machine(4));
  auto other = CounterGroup::Open(kernel, kCpu1, RawEvents(3), {.pinned = true});
  ASSERT_TRUE(other.ok()) << other.status();
  ASSERT_TRUE(other->Enable().ok());
  EXPECT_EQ(MeasureCounterBudget(kernel, kCpu1, Raw(9))->events, 1u);
  EXPECT_EQ(MeasureCounterBudget(kernel, kHere, Raw(9))->events, 4u) << "the caller is on another CPU";
  EXPECT_TRUE(other->Read().ok()) << "it keeps its own";
}

TEST(CounterBudgetTest, AllOfThemCountOrItIsSaidWhichDoNotAndWhoMayHoldTheCounters) {
  FakePerfEvents kernel(Machine(4, 1));
  EXPECT_TRUE(CheckCounterBudget(kernel, kCpu1, RawEvents(3), {}).ok());
  const absl::Status status = CheckCounterBudget(kernel, kCpu1, RawEvents(4), {.nmi_watchdog = true, .hypervisor = true});
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("4 events do not count at once on CPU 1: 3 do, raw4 finds no counter"),
                                                   HasSubstr("sysctl kernel.nmi_watchdog=0"), HasSubstr("hypervisor")));
  EXPECT_EQ(kernel.open_count(), 0u);
  EXPECT_THAT(std::string(CheckCounterBudget(kernel, kCpu1, RawEvents(4), {.nmi_watchdog = false}).message()),
              AllOf(Not(HasSubstr("watchdog")), Not(HasSubstr("hypervisor")), HasSubstr("other users of perf")));
  EXPECT_THAT(std::string(CheckCounterBudget(kernel, kCpu1, RawEvents(4), {}).message()), HasSubstr("may hold one"));
}

TEST(CounterBudgetTest, NoneIsFree) {
  FakePerfEvents kernel(Machine(2, 2));
  EXPECT_EQ(MeasureCounterBudget(kernel, kCpu1, Raw(1))->events, 0u);
  EXPECT_THAT(std::string(CheckCounterBudget(kernel, kCpu1, RawEvents(2), {}).message()), HasSubstr("0 do, raw1 finds no counter"));
}

TEST(CounterBudgetTest, MoreThanTheProcessorHasAtAllIsNobodysFault) {
  FakePerfEvents kernel(Machine(4));
  const absl::Status status = CheckCounterBudget(kernel, kCpu1, RawEvents(5), {.nmi_watchdog = true});
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("5 events do not count at once on CPU 1: 4 do, raw5 finds no"), Not(HasSubstr("watchdog"))));
  const absl::Status many = CheckCounterBudget(kernel, kCpu1, RawEvents(12), {.nmi_watchdog = true});
  EXPECT_TRUE(absl::IsOutOfRange(many));
  EXPECT_THAT(std::string(many.message()), HasSubstr("12 events do not count at once on CPU 1: 4 do, raw5 finds no"));
  FakePerfEvents shared(Machine(4, 1));
  const absl::Status held = CheckCounterBudget(shared, kCpu1, RawEvents(12), {});
  EXPECT_TRUE(absl::IsResourceExhausted(held)) << "the fourth would fit, did nobody hold it";
  EXPECT_THAT(std::string(held.message()), HasSubstr("3 do, raw4 finds no counter"));
}

TEST(CounterBudgetTest, WhatCannotBeTriedIsRefused) {
  FakePerfEvents kernel(Machine(4));
  kernel.AddThread(500, 500);
  EXPECT_TRUE(absl::IsInvalidArgument(MeasureCounterBudget(kernel, {.tid = 500, .cpu = -1}, Raw(1)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCounterBudget(kernel, {.tid = 500, .cpu = -1}, RawEvents(1), {})));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCounterBudget(kernel, kHere, {}, {})));
  FakePerfEvents guest({});
  EXPECT_TRUE(absl::IsFailedPrecondition(MeasureCounterBudget(guest, kHere, Cycles()).status()));
  FakePerfEvents::Kernel few = Machine(8);
  few.descriptors_max = 3;
  FakePerfEvents poor(few);
  const auto budget = MeasureCounterBudget(poor, kHere, Raw(1));
  EXPECT_TRUE(absl::IsResourceExhausted(budget.status())) << "descriptors ran out, not counters";
  EXPECT_THAT(std::string(budget.status().message()), HasSubstr("LimitNOFILE"));
}

TEST(CounterBudgetTest, OnACoreOfTheOtherKindTheEventDoesNotCount) {
  FakePerfEvents::Kernel hybrid = Machine(4);
  hybrid.pmus = {{.type = PERF_TYPE_RAW, .cpus = {1}}, {.type = 10, .cpus = {0}}};
  FakePerfEvents kernel(hybrid);
  const absl::Status status = MeasureCounterBudget(kernel, kHere, Raw(1)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("other kind"));
}

TEST(CounterBudgetTest, TheWatchdogsStateIsTheKernelsOrUnknown) {
  const FixtureTree on;
  on.Write("/proc/sys/kernel/nmi_watchdog", "1\n");
  EXPECT_EQ(ReadCounterRivals(on.root(), false).nmi_watchdog, true);
  const FixtureTree off;
  off.Write("/proc/sys/kernel/nmi_watchdog", "0\n");
  EXPECT_EQ(ReadCounterRivals(off.root(), true).nmi_watchdog, false);
  EXPECT_TRUE(ReadCounterRivals(off.root(), true).hypervisor);
  const FixtureTree none;
  EXPECT_EQ(ReadCounterRivals(none.root(), false).nmi_watchdog, std::nullopt);
}

}  // namespace
}  // namespace hftmon
