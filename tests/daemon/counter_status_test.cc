#include "daemon/counter_status.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <vector>

#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(CounterStatusTest, LossesAreThoseOfAllCpus) {
  std::vector<hft_cpu_counters> cpus(3);
  EXPECT_EQ(CounterLossesOf(cpus).failed_reading_count, 0u);
  cpus[0].failed_count = 2;
  cpus[2].failed_count = 5;
  cpus[1].discarded_count = 3;
  const CounterLosses losses = CounterLossesOf(cpus);
  EXPECT_EQ(losses.failed_reading_count, 7u);
  EXPECT_EQ(losses.discarded_value_count, 3u);
}

TEST(CounterStatusTest, PlacesOfTheCounterTableAreTakenByTheSlotsThatAreInUse) {
  FakeKernelView kernel;
  std::vector<hft_thread_counters> threads(4);
  KernelView view = kernel.view();
  view.thread_counters = threads;
  EXPECT_EQ(CounterThreadsBound(view).used, 0);
  view.slots[1].state = HFT_SLOT_LIVE;
  view.slots[3].state = HFT_SLOT_ENDED;
  view.slots[4].state = HFT_SLOT_LIVE;  // beyond the table: not counted
  const Bound bound = CounterThreadsBound(view);
  EXPECT_EQ(bound.name, "counter_threads");
  EXPECT_EQ(bound.used, 2);
  EXPECT_EQ(bound.limit, 3);
  view.thread_counters = {};
  EXPECT_EQ(CounterThreadsBound(view).limit, 0);
}

TEST(CounterStatusTest, CountersThatAreRefusedHaveTheReasonAndTheMendOfTheKernelsErrno) {
  EXPECT_TRUE(CountersCapability(absl::OkStatus()).available);
  EXPECT_THAT(CountersCapability(absl::OkStatus()).mend, IsEmpty());
  const PerfEventRefusalFacts facts{.paranoid_level = 3};
  const Capability refused = CountersCapability(StatusOf(ExplainPerfEventError(EACCES, {}, facts)));
  EXPECT_EQ(refused.name, "counters");
  EXPECT_FALSE(refused.available);
  EXPECT_THAT(refused.reason, AllOf(HasSubstr("perf_event_paranoid is 3"), Not(HasSubstr("sysctl"))));
  EXPECT_THAT(refused.mend, HasSubstr("sysctl kernel.perf_event_paranoid=2"));
}

TEST(CounterStatusTest, WhatOverflowsIsToldOrWhyNothingDoes) {
  const Capability there =
      CounterSamplingCapability(ChooseOverflowEvent(OverflowBy::kBest, 1'000, absl::OkStatus(), CycleRate{.per_second = 3'000'000'000}));
  EXPECT_EQ(there.name, "counter_sampling");
  EXPECT_TRUE(there.available);
  EXPECT_THAT(there.reason, HasSubstr("cycles"));
  const PerfEventRefusal forbidden = ExplainPerfEventError(EACCES, {}, {});
  const Capability refused = CounterSamplingCapability(PerfEventError("cpu-clock", forbidden));
  EXPECT_FALSE(refused.available);
  EXPECT_EQ(refused.reason, "cpu-clock: " + forbidden.reason);
  EXPECT_EQ(refused.mend, forbidden.mend);
}

TEST(CounterStatusTest, SharingIsWhatSamplesAccessesOrWhyNothingDoes) {
  const Capability there = SharingCapability(std::vector<SampledEvent>{{.name = "cpu/mem-loads/P"}, {.name = "cpu/mem-stores/P"}});
  EXPECT_EQ(there.name, "sharing");
  EXPECT_TRUE(there.available);
  EXPECT_EQ(there.reason, "cpu/mem-loads/P, cpu/mem-stores/P");
  EXPECT_THAT(there.mend, IsEmpty());
  const PerfEventRefusal no_pmu = ExplainPerfEventError(ENOENT, {.attributes = CycleAttributes()});
  const Capability refused = SharingCapability(PerfEventError("memory accesses cannot be sampled", no_pmu));
  EXPECT_FALSE(refused.available);
  EXPECT_EQ(refused.reason, "memory accesses cannot be sampled: " + no_pmu.reason);
  EXPECT_EQ(refused.mend, no_pmu.mend);
  EXPECT_THAT(SharingCapability(absl::NotFoundError("no model")).mend, Not(IsEmpty())) << "a mend there always is";
}

}  // namespace
}  // namespace hftmon
