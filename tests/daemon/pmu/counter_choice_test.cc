#include "daemon/pmu/counter_choice.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "daemon/pmu/host_counters.h"
#include "tests/daemon/pmu/pmu_trees.h"
#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A host whose names, metrics and number of counters the test makes up. Software events need no counter.
class CounterChoiceTest : public ::testing::Test {
 protected:
  CounterChoiceParts Parts() {
    return {.encode = [this](const std::string& name) -> absl::StatusOr<std::vector<EventEncoding>> {
              const auto known = events_.find(name);
              if (known == events_.end()) return absl::NotFoundError("event '" + name + "': near ones: page-faults");
              return std::vector<EventEncoding>{known->second};
            },
            .encode_metric = [this](HardwareMetric metric) -> absl::StatusOr<std::vector<MetricEvent>> {
              if (missing_.contains(metric)) return absl::FailedPreconditionError("this processor has no such event");
              return std::vector<MetricEvent>{
                  {{.name = "VENDOR", .pmu = "cpu", .type = 4, .config = static_cast<uint64_t>(metric)}, "retired"}};
            },
            .fits =
                [this](std::span<const ChosenEvent> events) {
                  size_t needed = 0;
                  for (const ChosenEvent& event : events) needed += event.encodings.front().pmu != "software" ? 1 : 0;
                  return needed <= counters_ ? absl::OkStatus() : absl::OutOfRangeError("the NMI watchdog holds one");
                }};
  }
  absl::StatusOr<CounterChoice> Choose(const CounterWish& wish) { return ChooseCounters(wish, Parts(), 8); }
  static std::vector<std::string> NamesOf(const CounterChoice& choice) {
    std::vector<std::string> names;
    for (const ChosenEvent& event : choice.events) names.push_back(event.name);
    return names;
  }

  size_t counters_ = 20;
  std::set<HardwareMetric> missing_;
  std::map<std::string, EventEncoding> events_ = {{"page-faults", {.name = "page-faults", .pmu = "software", .type = 1, .config = 2}},
                                                  {"r01cd", {.name = "r01cd", .pmu = "cpu", .type = 4, .number_unchecked = true}},
                                                  {"amd_l3/x/", {.name = "amd_l3/x/", .pmu = "amd_l3", .per_thread = false}},
                                                  {"cycles:p", {.name = "cycles:p", .pmu = "cpu", .precise_ip = 1}}};
};

TEST_F(CounterChoiceTest, CacheTakesTheMetricsInOrderOfTheirWorthAsManyAsFit) {
  counters_ = 4;
  const auto choice = Choose({.cache = true});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_THAT(NamesOf(*choice), ElementsAre("cycles", "instructions", "l1d_misses", "l2_misses"));
  EXPECT_EQ(choice->events[2].metric, "l1d_misses");
  EXPECT_EQ(choice->events[2].counts, "retired (VENDOR)");
  EXPECT_EQ(choice->unavailable.size(), CacheMetrics().size() - 4);
  EXPECT_EQ(choice->unavailable[0].first, "l3_misses");
  EXPECT_THAT(choice->unavailable[0].second, HasSubstr("NMI watchdog"));
}

TEST_F(CounterChoiceTest, AMetricThatTheProcessorHasNotLeavesItsCounterToTheNext) {
  counters_ = 3;
  missing_ = {HardwareMetric::kL1dMisses};
  const auto choice = Choose({.cache = true});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_THAT(NamesOf(*choice), ElementsAre("cycles", "instructions", "l2_misses"));
  EXPECT_EQ(choice->unavailable[0], (std::pair<std::string, std::string>("l1d_misses", "this processor has no such event")));
}

TEST_F(CounterChoiceTest, NamedEventsComeFirstAndAMetricIsCountedOnce) {
  const auto choice = Choose({.events = {"page-faults", "l3_misses", "r01cd"}, .cache = true});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_THAT(NamesOf(*choice),
              ElementsAre("page-faults", "l3_misses", "r01cd", "cycles", "instructions", "l1d_misses", "l2_misses", "l1d_loads"));
  EXPECT_EQ(choice->events[0].metric, "");
  EXPECT_EQ(choice->events[1].metric, "l3_misses");
  EXPECT_TRUE(choice->events[2].number_unchecked);
  EXPECT_THAT(choice->unavailable[0].second, HasSubstr("8 events are counted already"));
}

TEST_F(CounterChoiceTest, NamedEventsAreCountedAllOrNone) {
  EXPECT_TRUE(absl::IsNotFound(Choose({.events = {"page-faults", "page-fualts"}}).status()));
  counters_ = 0;
  const absl::Status taken = Choose({.events = {"page-faults", "r01cd"}}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(taken)) << taken;
  EXPECT_THAT(std::string(taken.message()), HasSubstr("NMI watchdog"));
  EXPECT_TRUE(Choose({.events = {"page-faults"}}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Choose({.events = std::vector<std::string>(9, "page-faults")}).status()));
}

TEST_F(CounterChoiceTest, WhatIsNoEventOfAThreadIsRefused) {
  for (const char* name : {"amd_l3/x/", "cycles:p"}) {
    const absl::Status refused = Choose({.events = {name}}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(name));
  }
}

TEST_F(CounterChoiceTest, CacheOfAHostWithoutAPmuIsRefusedWithItsReason) {
  for (const HardwareMetric metric : CacheMetrics()) missing_.insert(metric);
  const absl::Status refused = Choose({.events = {"page-faults"}, .cache = true}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("no such event"), HasSubstr("leave cache (--cache) out")));
}

TEST(HostCountersTest, AGuestWithoutAPmuCountsTheKernelsOwnEventsAndSaysWhyNoOthers) {
  FakePerfEvents kernel({.cpus = {0, 1}, .pmus = {}});
  HostCounters host;
  host.root = FileRoot("/nonexistent");
  host.calls = &kernel;
  uint64_t cross_call_count = 0;
  const auto refused = ChooseHostCounters(host, {.cache = true}, 8, &cross_call_count);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), AllOf(HasSubstr("cycles is unavailable"), HasSubstr("PMU")));
  EXPECT_EQ(kernel.open_count(), 0u);
}

TEST(HostCountersTest, TryingWhatFitsOnEachKindOfCoreIsCountedAsTheInterruptsThatItSends) {
  FixtureTree tree;
  WriteHybrid(tree);
  tree.Write("/sys/devices/system/cpu/online", "0-23\n");
  FakePerfEvents kernel({.cpus = {0, 16}, .pmus = {{.type = 4, .cpus = {0}}, {.type = 10, .cpus = {16}}}, .call_ns = 1'000});
  HostCounters host;
  host.root = tree.root();
  host.calls = &kernel;
  uint64_t cross_call_count = 0;
  const auto choice = ChooseHostCounters(host, {.events = {"page-faults"}}, 8, &cross_call_count);
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(cross_call_count, 2u * 6) << "of each CPU the event and its witness opened and closed, switched on once and read once";
  EXPECT_FALSE(ChooseHostCounters(host, {.events = {"page-faults", "no-such"}}, 8, &cross_call_count).ok());
  EXPECT_EQ(cross_call_count, 0u) << "refused by its name";
  FixtureTree plain;
  WriteIntelServer(plain);
  plain.Write("/sys/devices/system/cpu/online", "0-1\n");
  FakePerfEvents::Kernel quick = FakePerfEvents::Host(4);
  quick.call_ns = 1'000;
  FakePerfEvents one(quick);
  host.root = plain.root();
  host.calls = &one;
  const auto alone = ChooseHostCounters(host, {.events = {"page-faults"}}, 8, &cross_call_count);
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(cross_call_count, 0u) << "tried on the calling thread";
}

TEST(HostCountersTest, ACpuCountsWhatItsKindOfCoreHas) {
  const std::vector<ChosenEvent> events = {
      {.name = "both",
       .encodings = {{.name = "p", .type = 4, .config = 1, .cpus = {0, 1}}, {.name = "e", .type = 9, .config = 2, .cpus = {2}}}},
      {.name = "large", .encodings = {{.name = "p", .type = 4, .config = 3, .cpus = {0, 1}}}},
      {.name = "any", .encodings = {{.name = "s", .type = 1, .config = 4}}}};
  const CpuEvents large = EventsOfCpu(events, 1);
  EXPECT_THAT(large.places, ElementsAre(0, 1, 2));
  const CpuEvents small = EventsOfCpu(events, 2);
  EXPECT_THAT(small.places, ElementsAre(0, 2));
  EXPECT_EQ(small.events[0].attributes.type, 9u);
  EXPECT_EQ(small.events[0].attributes.config, 2u);
  EXPECT_THAT(EventsOfCpu(std::span(events).first(2), 5).places, IsEmpty());
}

TEST(CounterWishTest, TheUnionHasEachNameOnceAndTheShorterInterval) {
  CounterWish wish{.events = {"a", "b"}, .interval_ns = 5'000};
  wish |= {.events = {"b", "c"}, .cache = true, .interval_ns = 2'000};
  wish |= {.events = {"a"}};
  EXPECT_THAT(wish.events, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(wish.cache);
  EXPECT_EQ(wish.interval_ns, 2'000);
  EXPECT_TRUE(wish.Covers({.events = {"c", "a"}}));
  EXPECT_FALSE(wish.Covers({.events = {"d"}}));
  EXPECT_FALSE(CounterWish{.events = {"a"}}.Covers({.cache = true}));
}

}  // namespace
}  // namespace hftmon
