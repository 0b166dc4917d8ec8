#include "daemon/pmu/overflow_event.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <ctime>

#include "tests/daemon/os/fixture_tree.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr CycleRate kClock{.per_second = 3'000'000'000};

TEST(OverflowEventTest, CyclesOverflowAtTheRateOfTheTopFrequency) {
  const auto overflow = ChooseOverflowEvent(OverflowBy::kBest, 10'000, absl::OkStatus(), kClock);
  ASSERT_TRUE(overflow.ok()) << overflow.status();
  EXPECT_EQ(overflow->event.name, "cycles");
  EXPECT_EQ(overflow->period, 300'000u);
  const perf_event_attr& attributes = overflow->event.attributes;
  EXPECT_EQ(attributes.type, static_cast<uint32_t>(PERF_TYPE_HARDWARE));
  EXPECT_EQ(attributes.sample_period, 300'000u);
  EXPECT_EQ(attributes.freq, 0u);
  EXPECT_EQ(attributes.sample_type, static_cast<uint64_t>(PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_READ));
  EXPECT_TRUE(attributes.use_clockid);
  EXPECT_EQ(attributes.clockid, CLOCK_MONOTONIC);
  EXPECT_THAT(overflow->reason, AllOf(HasSubstr("300000"), HasSubstr("3000 MHz"), HasSubstr("the top frequency")));
}

TEST(OverflowEventTest, WhereOnlyTheClockOfNowIsKnownTheReasonSaysThatItMayBecomeMore) {
  const auto overflow =
      ChooseOverflowEvent(OverflowBy::kBest, 10'000, absl::OkStatus(), CycleRate{.per_second = kClock.per_second, .current = true});
  ASSERT_TRUE(overflow.ok()) << overflow.status();
  EXPECT_EQ(overflow->period, 300'000u);
  EXPECT_THAT(overflow->reason,
              AllOf(HasSubstr("at the clock that /proc/cpuinfo tells; more where the CPU runs faster"), Not(HasSubstr("top frequency"))));
}

TEST(OverflowEventTest, WithoutCyclesTheKernelsTimerStandsInAndSaysWhy) {
  const auto guest = ChooseOverflowEvent(OverflowBy::kBest, 10'000, absl::FailedPreconditionError("no hardware PMU"), kClock);
  ASSERT_TRUE(guest.ok());
  EXPECT_EQ(guest->event.name, "cpu-clock");
  EXPECT_EQ(guest->period, 100'000u);
  EXPECT_EQ(guest->event.attributes.config, static_cast<uint64_t>(PERF_COUNT_SW_CPU_CLOCK));
  EXPECT_THAT(guest->reason, AllOf(HasSubstr("100000 ns"), HasSubstr("no hardware PMU")));
  const auto unknown = ChooseOverflowEvent(OverflowBy::kBest, 10'000, absl::OkStatus(), std::nullopt);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->event.name, "cpu-clock");
  EXPECT_THAT(unknown->reason, HasSubstr("cpufreq"));
}

TEST(OverflowEventTest, WhatIsAskedForByNameIsTakenOrRefused) {
  const auto clock = ChooseOverflowEvent(OverflowBy::kCpuClock, 1, absl::OkStatus(), kClock);
  ASSERT_TRUE(clock.ok());
  EXPECT_EQ(clock->event.name, "cpu-clock");
  EXPECT_EQ(clock->period, 1'000'000'000u);
  const auto cycles = ChooseOverflowEvent(OverflowBy::kCycles, 1, absl::FailedPreconditionError("no hardware PMU"), kClock);
  EXPECT_TRUE(absl::IsFailedPrecondition(cycles.status()));
  EXPECT_EQ(cycles.status().message(), "no hardware PMU");
  EXPECT_TRUE(absl::IsFailedPrecondition(ChooseOverflowEvent(OverflowBy::kCycles, 1, absl::OkStatus(), std::nullopt).status()));
}

TEST(OverflowEventTest, TheTimerMayNotTakeAThreadsWholeTime) {
  const absl::Status none = absl::FailedPreconditionError("no hardware PMU");
  EXPECT_TRUE(ChooseOverflowEvent(OverflowBy::kBest, 20'000, none, std::nullopt).ok());
  const absl::Status refused = ChooseOverflowEvent(OverflowBy::kBest, 20'001, none, std::nullopt).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("20000"), HasSubstr("lower rate"), HasSubstr("no hardware PMU")));
  EXPECT_TRUE(absl::IsInvalidArgument(ChooseOverflowEvent(OverflowBy::kCpuClock, 100'000, absl::OkStatus(), kClock).status()));
  EXPECT_TRUE(ChooseOverflowEvent(OverflowBy::kBest, 100'000, absl::OkStatus(), kClock).ok()) << "cycles are bounded by the kernel";
}

TEST(OverflowEventTest, WhetherCyclesAreSampledIsTriedAndNothingStaysOpen) {
  FakeSamplingEvents kernel;
  kernel.threads = {0};
  EXPECT_TRUE(TrySampledCycles(kernel, {}).ok());
  kernel.open_errors = {ENOENT};
  EXPECT_THAT(std::string(TrySampledCycles(kernel, {}).message()), HasSubstr("no hardware PMU"));
  kernel.open_errors = {EOPNOTSUPP};
  EXPECT_THAT(std::string(TrySampledCycles(kernel, {}).message()), HasSubstr("does not sample"));
}

TEST(OverflowEventTest, TheTopFrequencyIsThatOfTheFastestOnlineCpu) {
  const FixtureTree host;
  EXPECT_FALSE(ReadTopCyclesPerSecond(host.root()).has_value());
  host.Write("/proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2100.123\n\nprocessor\t: 1\ncpu MHz\t\t: 2899.998\n");
  const auto current = ReadTopCyclesPerSecond(host.root());
  ASSERT_TRUE(current.has_value());
  EXPECT_EQ(current->per_second, 2'899'000'000u);
  EXPECT_TRUE(current->current) << "the CPUs may run faster";
  host.Write("/sys/devices/system/cpu/online", "0-1\n");
  host.Write("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3700000\n");
  host.Write("/sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq", "5200000\n");
  const auto top = ReadTopCyclesPerSecond(host.root());
  ASSERT_TRUE(top.has_value());
  EXPECT_EQ(top->per_second, 5'200'000'000u);
  EXPECT_FALSE(top->current);
}

TEST(OverflowEventTest, TheKernelsBoundOnSamplesIsReadWhereItTellsIt) {
  const FixtureTree host;
  EXPECT_FALSE(ReadSampleRateMax(host.root()).has_value());
  host.Write("/proc/sys/kernel/perf_event_max_sample_rate", "63000\n");
  EXPECT_EQ(ReadSampleRateMax(host.root()), 63'000);
}

}  // namespace
}  // namespace hftmon
