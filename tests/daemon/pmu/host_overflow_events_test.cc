#include "daemon/pmu/host_overflow_events.h"

#include <gmock/gmock.h>

#include "tests/daemon/pmu/pmu_trees.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr size_t kEventsMax = 8;

class HostOverflowEventsTest : public ::testing::Test {
 protected:
  HostOverflowEventsTest() {
    tree_.Write("/sys/devices/system/cpu/online", "0-1\n");
    tree_.Write("/proc/sys/kernel/nmi_watchdog", "0\n");
    tree_.Write("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "4000000\n");
  }
  // Time passes with each call: the caller runs, and its counters count.
  static FakePerfEvents::Kernel Running(FakePerfEvents::Kernel kernel) {
    kernel.call_ns = 1'000;
    return kernel;
  }
  absl::StatusOr<OverflowEvents> Choose(FakePerfEvents& kernel, const std::vector<std::string>& names, OverflowBy by = OverflowBy::kBest) {
    const HostCounters host{.root = tree_.root(), .calls = &kernel, .facts = {}, .has_hypervisor = false};
    return HostOverflowEvents(host, {.events = names}, kEventsMax, by, 10'000);
  }
  static std::vector<std::string> NamesOf(const OverflowEvents& events) {
    std::vector<std::string> names;
    for (const CountedEvent& member : events.members) names.push_back(member.name);
    return names;
  }

  const FixtureTree tree_;
};

TEST_F(HostOverflowEventsTest, CyclesOverflowWhereTheyCountBesideTheOthers) {
  WriteIntelServer(tree_);
  FakePerfEvents kernel(Running(FakePerfEvents::Host(4)));
  const auto events = Choose(kernel, {"r01d1", "page-faults"});
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->overflow.event.name, "cycles");
  EXPECT_EQ(events->overflow.period, 400'000u);
  EXPECT_THAT(NamesOf(*events), ElementsAre("r01d1", "page-faults"));
  ASSERT_EQ(events->events.size(), 2u);
  EXPECT_EQ(events->events[0].name, "r01d1");
  EXPECT_THAT(events->unavailable, IsEmpty());
  EXPECT_EQ(kernel.open_count(), 0u);
}

TEST_F(HostOverflowEventsTest, WhereCyclesFindNoCounterBesideTheOthersTheTimerStandsIn) {
  WriteIntelServer(tree_);
  FakePerfEvents kernel(Running(FakePerfEvents::Host(2)));
  const auto events = Choose(kernel, {"r01d1", "r02d1"});
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->overflow.event.name, "cpu-clock");
  EXPECT_THAT(events->overflow.reason, HasSubstr("3 events do not count at once"));
  EXPECT_FALSE(Choose(kernel, {"r01d1", "r02d1"}, OverflowBy::kCycles).ok());
}

TEST_F(HostOverflowEventsTest, AGuestWithoutAPmuHasTheTimerAndTheKernelsOwnEvents) {
  WriteKernelPmus(tree_);
  FakePerfEvents kernel(Running({}));
  const auto events = Choose(kernel, {"page-faults"});
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->overflow.event.name, "cpu-clock");
  EXPECT_THAT(events->overflow.reason, HasSubstr("no hardware PMU"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Choose(kernel, {"page-faults"}, OverflowBy::kCycles).status()));
  EXPECT_FALSE(Choose(kernel, {"r01d1"}).ok());
  const absl::Status misspelt = Choose(kernel, {"page-fualts"}).status();
  EXPECT_TRUE(absl::IsNotFound(misspelt));
  EXPECT_THAT(std::string(misspelt.message()), HasSubstr("page-faults"));
}

TEST_F(HostOverflowEventsTest, OfAHybridProcessorTheFirstKindIsCountedAndTheOtherIsToldAsMissing) {
  WriteHybrid(tree_);
  tree_.Write("/sys/devices/system/cpu/online", "0,16\n");
  FakePerfEvents kernel(
      Running({.cpus = {0, 16}, .pmus = {{.type = 4, .cpus = {0, 1}, .counters = 6}, {.type = 10, .cpus = {16, 17}, .counters = 6}}}));
  const auto events = Choose(kernel, {"cycles"});
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_THAT(NamesOf(*events), ElementsAre("cycles"));
  EXPECT_THAT(events->unavailable, Contains(Pair("cores of other kinds", AllOf(HasSubstr("is not counted"), HasSubstr("pin")))));
}

}  // namespace
}  // namespace hftmon
