#include "daemon/pmu/counter_group.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <utility>

#include "tests/daemon/pmu/counted_events.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr pid_t kThread = 500;
constexpr int64_t kMs = 1'000'000;
constexpr uint64_t kEventsPerMs = FakePerfEvents::kEventsPerUs * 1'000;

class CounterGroupTest : public ::testing::Test {
 protected:
  explicit CounterGroupTest(FakePerfEvents::Kernel kernel = FakePerfEvents::Host(4)) : kernel_(std::move(kernel)) {
    kernel_.AddThread(kThread, kThread);
  }
  CounterGroup Open(const CounterPlace& place, const std::vector<CountedEvent>& events, const CounterGroup::Options& options = {}) {
    absl::StatusOr<CounterGroup> group = CounterGroup::Open(kernel_, place, events, options);
    EXPECT_TRUE(group.ok()) << group.status();
    return *std::move(group);
  }
  static std::vector<CounterReading> Read(const CounterGroup& group) {
    const auto readings = group.Read();
    EXPECT_TRUE(readings.ok()) << readings.status();
    return readings.value_or(std::vector<CounterReading>(group.size()));
  }
  static void ExpectRead(const CounterGroup& group, absl::StatusCode code, const std::string& text) {
    const auto readings = group.Read();
    EXPECT_EQ(readings.status().code(), code) << readings.status();
    EXPECT_THAT(std::string(readings.status().message()), HasSubstr(text));
  }

  FakePerfEvents kernel_;
};

TEST_F(CounterGroupTest, CountsFromEnableToDisableWhileTheThreadRuns) {
  CounterGroup group = Open({.tid = kThread}, {Cycles(), Instructions()});
  kernel_.Run(kThread, 0, 5 * kMs);
  EXPECT_EQ(Read(group)[0].enabled_ns, 0u) << "it is opened switched off";
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 1, 3 * kMs);
  kernel_.Idle(0, 7 * kMs);
  kernel_.Run(FakePerfEvents::kCaller, 0, 7 * kMs);
  ASSERT_TRUE(group.Disable().ok());
  kernel_.Run(kThread, 0, 5 * kMs);
  for (const CounterReading& reading : Read(group)) {
    EXPECT_EQ(reading.value, 3 * kEventsPerMs);
    EXPECT_EQ(reading.enabled_ns, 3'000'000u);
    EXPECT_TRUE(reading.exact());
    EXPECT_EQ(reading.lost, 0u);
  }
}

TEST_F(CounterGroupTest, ACpusEventsCountWhoeverRunsThereAndIdleness) {
  CounterGroup group = Open({.tid = -1, .cpu = 1}, {Cycles()});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 1, kMs);
  kernel_.Idle(1, kMs);
  kernel_.Run(kThread, 0, kMs);
  ASSERT_EQ(Read(group).size(), 1u) << "what the group needs for itself is nobody's reading";
  EXPECT_EQ(Read(group)[0].value, 2 * kEventsPerMs);
}

TEST_F(CounterGroupTest, ReadingsGoToTheirEventsByIdWhateverTheirOrder) {
  CounterGroup group = Open({.tid = kThread}, {Raw(1), Raw(2), Raw(3)});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  kernel_.SetCount(1, 11);
  kernel_.SetCount(2, 22);
  kernel_.SetCount(3, 33);
  kernel_.DamageReadings([](std::vector<uint64_t>& words) {
    for (size_t i = 0; i < 3; ++i) std::swap(words[3 + i], words[9 + i]);
  });
  const std::vector<CounterReading> readings = Read(group);
  EXPECT_EQ(readings[0].value, 11u);
  EXPECT_EQ(readings[1].value, 22u);
  EXPECT_EQ(readings[2].value, 33u);
}

TEST_F(CounterGroupTest, MoreGroupsThanCountersAreMultiplexedAndSaySo) {
  CounterGroup three = Open({.tid = kThread}, RawEvents(3));
  CounterGroup two = Open({.tid = kThread}, RawEvents(2));
  ASSERT_TRUE(three.Enable().ok());
  ASSERT_TRUE(two.Enable().ok());
  kernel_.Run(kThread, 0, 10 * kMs);
  for (const CounterGroup* group : {&three, &two}) {
    for (const CounterReading& reading : Read(*group)) {
      EXPECT_TRUE(reading.multiplexed());
      EXPECT_FALSE(reading.exact());
      EXPECT_EQ(reading.running_ns, 5'000'000u);
      EXPECT_EQ(reading.value, 5 * kEventsPerMs);
      EXPECT_EQ(reading.Scaled(), 10 * kEventsPerMs);
    }
  }
}

TEST_F(CounterGroupTest, PinnedEventsThatFindNoCountersSayItInsteadOfCountingLess) {
  CounterGroup first = Open({.tid = kThread}, RawEvents(3), {.pinned = true});
  CounterGroup second = Open({.tid = kThread}, RawEvents(2), {.pinned = true});
  ASSERT_TRUE(first.Enable().ok());
  ASSERT_TRUE(second.Enable().ok());
  kernel_.Run(kThread, 0, 2 * kMs);
  EXPECT_TRUE(Read(first)[0].exact());
  ExpectRead(second, absl::StatusCode::kResourceExhausted, "the 2 events of thread 500 had to do without counters");
}

TEST_F(CounterGroupTest, TheEventThatDoesNotFitIsNamed) {
  const auto group = CounterGroup::Open(kernel_, {.tid = kThread}, RawEvents(5), {});
  EXPECT_TRUE(absl::IsOutOfRange(group.status()));
  EXPECT_THAT(std::string(group.status().message()), HasSubstr("raw5 of thread 500: the 5th event of the group does not fit beside the 4"));
  EXPECT_EQ(kernel_.open_count(), 0u) << "all of them or none";
}

TEST_F(CounterGroupTest, ACpuThatIsNotThereIsNotAFaultOfTheEvent) {
  const auto group = CounterGroup::Open(kernel_, {.tid = -1, .cpu = 99}, RawEvents(1), {});
  EXPECT_TRUE(absl::IsNotFound(group.status())) << group.status();
  EXPECT_THAT(std::string(group.status().message()), HasSubstr("there is no CPU 99"));
}

TEST_F(CounterGroupTest, SoftwareEventsNeedNoCounter) {
  std::vector<CountedEvent> events = RawEvents(4);
  events.insert(events.begin(), PageFaults());
  CounterGroup group = Open({.tid = kThread}, events);
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  for (const CounterReading& reading : Read(group)) EXPECT_TRUE(reading.exact());
}

TEST_F(CounterGroupTest, WhatHeirsDoIsInItAsAsked) {
  CounterGroup alone = Open({.tid = kThread}, {Cycles()});
  CounterGroup threads = Open({.tid = kThread}, {Cycles()}, {.heirs = CounterHeirs::kThreads});
  CounterGroup all = Open({.tid = kThread}, {Cycles()}, {.heirs = CounterHeirs::kThreadsAndProcesses});
  for (CounterGroup* group : {&alone, &threads, &all}) ASSERT_TRUE(group->Enable().ok());
  kernel_.Clone(kThread, 501);
  kernel_.Fork(kThread, 600);
  kernel_.Run(kThread, 0, kMs);
  kernel_.Run(501, 0, kMs);
  kernel_.Run(600, 0, kMs);
  EXPECT_EQ(Read(alone)[0].value, 1 * kEventsPerMs);
  EXPECT_EQ(Read(threads)[0].value, 2 * kEventsPerMs);
  EXPECT_EQ(Read(all)[0].value, 3 * kEventsPerMs);
}

TEST_F(CounterGroupTest, AThreadThatEndedKeepsItsLastReading) {
  CounterGroup group = Open({.tid = kThread}, {Cycles()});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  kernel_.EndThread(kThread);
  EXPECT_EQ(Read(group)[0].value, kEventsPerMs);
}

TEST_F(CounterGroupTest, ACpuThatGoesOfflineTakesItsGroupApart) {
  CounterGroup one = Open({.tid = -1, .cpu = 1}, {Cycles()});
  CounterGroup two = Open({.tid = -1, .cpu = 1}, {Cycles(), Instructions()});
  CounterGroup thread = Open({.tid = kThread}, {Cycles()});
  for (CounterGroup* group : {&one, &two, &thread}) ASSERT_TRUE(group->Enable().ok());
  kernel_.Run(kThread, 1, kMs);
  kernel_.Offline(1);
  for (const CounterGroup* group : {&one, &two}) ExpectRead(*group, absl::StatusCode::kUnavailable, "CPU 1 apart");
  kernel_.Online(1);
  ExpectRead(one, absl::StatusCode::kUnavailable, "open it anew");
  kernel_.Run(kThread, 0, kMs);
  EXPECT_EQ(Read(thread)[0].value, 2 * kEventsPerMs) << "a thread goes on elsewhere";
  one = Open({.tid = -1, .cpu = 1}, {Cycles()});
  ASSERT_TRUE(one.Enable().ok());
  kernel_.Idle(1, kMs);
  EXPECT_EQ(Read(one)[0].value, kEventsPerMs);
}

TEST_F(CounterGroupTest, LostSamplesAreTold) {
  CountedEvent sampled = Raw(1);
  sampled.attributes.sample_period = 1'000;
  CounterGroup group = Open({.tid = kThread}, {sampled, Raw(2)});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  kernel_.LoseSamples(1, 17);
  EXPECT_EQ(Read(group)[0].lost, 17u);
  EXPECT_EQ(Read(group)[1].lost, 0u);
}

TEST_F(CounterGroupTest, AThrottledEventDoesNotPassForExact) {
  CountedEvent sampled = Raw(1);
  sampled.attributes.sample_period = 1'000;
  CounterGroup group = Open({.tid = kThread}, {sampled, Raw(2)});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  kernel_.Throttle(1, true);
  kernel_.Run(kThread, 0, kMs);
  const std::vector<CounterReading> readings = Read(group);
  EXPECT_LT(readings[0].value, readings[1].value);
  EXPECT_FALSE(readings[0].multiplexed()) << "its times do not show it";
  EXPECT_FALSE(readings[0].exact());
  EXPECT_TRUE(readings[1].exact()) << "one that only counts is not throttled";
}

TEST_F(CounterGroupTest, ReadingsThatAreNotUnderstoodAreErrors) {
  CounterGroup group = Open({.tid = kThread}, {Raw(1), Raw(2)});
  ASSERT_TRUE(group.Enable().ok());
  kernel_.Run(kThread, 0, kMs);
  using Words = std::vector<uint64_t>;
  kernel_.DamageReadings([](Words& words) { words[4] = 1; });
  ExpectRead(group, absl::StatusCode::kInternal, "an event with id 1 is none of the group");
  kernel_.DamageReadings([](Words& words) { words[7] = words[4]; });
  ExpectRead(group, absl::StatusCode::kInternal, "is there twice");
  kernel_.DamageReadings([](Words& words) { words[0] = UINT64_MAX; });
  ExpectRead(group, absl::StatusCode::kInternal, "ends too early: values of the group");
  kernel_.DamageReadings([](Words& words) { words[0] = 1; });
  ExpectRead(group, absl::StatusCode::kInternal, "1 events instead of 2");
  kernel_.DamageReadings([](Words& words) { words.push_back(0); });
  ExpectRead(group, absl::StatusCode::kInternal, "its length");
  kernel_.DamageReadings([](Words& words) { words.resize(1'000); });
  ExpectRead(group, absl::StatusCode::kInternal, "its length");
  for (size_t length = 1; length < 9; ++length) {
    kernel_.DamageReadings([length](Words& words) { words.resize(length); });
    ExpectRead(group, absl::StatusCode::kInternal, "ends too early");
  }
  kernel_.DamageReadings(nullptr);
  kernel_.FailReads(ECHILD);
  ExpectRead(group, absl::StatusCode::kUnavailable, "open it anew");
  kernel_.FailReads(EIO);
  ExpectRead(group, absl::StatusCode::kInternal, "Input/output error");
}

TEST_F(CounterGroupTest, DescriptorsAreClosedOnceWhoeverHasTheGroup) {
  {
    CounterGroup first = Open({.tid = kThread}, RawEvents(2));
    CounterGroup second = std::move(first);
    EXPECT_EQ(kernel_.open_count(), 2u);
    second = Open({.tid = kThread}, RawEvents(3));
    EXPECT_EQ(kernel_.open_count(), 3u);
    EXPECT_EQ(second.size(), 3u);
    EXPECT_EQ(second.name(2), "raw3");
    CounterGroup& same = second;
    second = std::move(same);
    EXPECT_EQ(second.size(), 3u);
  }
  EXPECT_EQ(kernel_.open_count(), 0u);
}

FakePerfEvents::Kernel Hybrid() {
  return {.cpus = {0, 1}, .pmus = {{.type = PERF_TYPE_RAW, .cpus = {0}, .counters = 4}, {.type = 10, .cpus = {1}, .counters = 4}}};
}

class HybridCounterGroupTest : public CounterGroupTest {
 protected:
  HybridCounterGroupTest() : CounterGroupTest(Hybrid()) {}
};

TEST_F(HybridCounterGroupTest, AThreadsTimeOnCoresOfTheOtherKindShows) {
  CounterGroup big = Open({.tid = kThread}, {MakeEvent("cpu_core/cycles/", PERF_TYPE_HARDWARE, uint64_t{4} << 32)});
  CounterGroup small = Open({.tid = kThread}, {MakeEvent("cpu_atom/cycles/", PERF_TYPE_HARDWARE, uint64_t{10} << 32)});
  ASSERT_TRUE(big.Enable().ok());
  ASSERT_TRUE(small.Enable().ok());
  kernel_.Run(kThread, 0, 3 * kMs);
  kernel_.Run(kThread, 1, 1 * kMs);
  EXPECT_TRUE(Read(big)[0].multiplexed());
  EXPECT_EQ(Read(big)[0].value + Read(small)[0].value, 4 * kEventsPerMs);
}

TEST_F(HybridCounterGroupTest, ACoreOfTheOtherKindDoesNotCountIt) {
  const auto group = CounterGroup::Open(kernel_, {.tid = -1, .cpu = 1}, std::vector{Raw(1)}, {});
  EXPECT_TRUE(absl::IsFailedPrecondition(group.status()));
  EXPECT_THAT(std::string(group.status().message()), HasSubstr("raw1 of CPU 1: this processor has no such event"));
  EXPECT_THAT(std::string(group.status().message()), HasSubstr("hybrid"));
}

}  // namespace
}  // namespace hftmon
