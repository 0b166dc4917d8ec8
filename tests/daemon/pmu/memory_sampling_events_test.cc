#include "daemon/pmu/memory_sampling_events.h"

#include <gmock/gmock.h>

#include <ctime>
#include <map>
#include <string>

#include "common/perf/perf_attr.h"
#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr ProcessorModel kIntel{.vendor = ProcessorVendor::kIntel, .family = 6, .model = 85};
constexpr ProcessorModel kAmd{.vendor = ProcessorVendor::kAmd, .family = 25, .model = 1};
constexpr ProcessorModel kArm{.vendor = ProcessorVendor::kArm, .implementer = 0x41, .part = 0xd0c};

class MemorySamplingEventsTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<MemorySamplingEvent>> Events(const ProcessorModel& model, const MemorySamplingWish& wish = {}) {
    return MemorySamplingEvents(PmuList::Read(host_.root()), model, wish);
  }
  std::string WhyNot(const ProcessorModel& model) {
    const absl::Status status = Events(model).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    return std::string(status.message());
  }

  FixtureTree host_;
};

TEST_F(MemorySamplingEventsTest, IntelSamplesSlowLoadsAndStores) {
  WriteIntelServer(host_);
  const auto events = Events(kIntel, {.load_latency_cycles = 50, .period = 1'009});
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(2));
  const MemorySamplingEvent& loads = (*events)[0];
  EXPECT_EQ(loads.encoding.name, "cpu/mem-loads,ldlat=50/P");
  EXPECT_EQ(loads.encoding.type, 4u);
  EXPECT_EQ(loads.encoding.config, 0x1cdu);
  EXPECT_EQ(loads.encoding.config1, 50u);
  EXPECT_EQ(loads.encoding.precise_ip, 3);
  EXPECT_EQ(loads.period, 1'009u);
  EXPECT_FALSE(loads.joins_previous);
  const MemorySamplingEvent& stores = (*events)[1];
  EXPECT_EQ(stores.encoding.name, "cpu/mem-stores/P");
  EXPECT_EQ(stores.encoding.config, 0x82d0u);
  EXPECT_EQ(stores.encoding.precise_ip, 3);
  EXPECT_FALSE(stores.joins_previous);
}

TEST_F(MemorySamplingEventsTest, WhereTheKernelListsAnAuxiliaryEventItLeadsTheLoads) {
  WriteIntelServer(host_);
  WritePmu(host_, "cpu", {{"events/mem-loads-aux", "event=0x03,umask=0x82"}});
  const auto events = Events(kIntel);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(3));
  EXPECT_EQ((*events)[0].encoding.config, 0x8203u);
  EXPECT_EQ((*events)[0].period, 0u);
  EXPECT_FALSE((*events)[0].joins_previous);
  EXPECT_EQ((*events)[1].encoding.config, 0x1cdu);
  EXPECT_TRUE((*events)[1].joins_previous);
  EXPECT_FALSE((*events)[2].joins_previous);
}

TEST_F(MemorySamplingEventsTest, OfAHybridProcessorTheCoresThatCanAreSampled) {
  WriteHybrid(host_);
  const auto events = Events(kIntel);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ((*events)[0].encoding.name, "cpu_core/mem-loads,ldlat=30/P");
  EXPECT_THAT((*events)[0].encoding.cpus, SizeIs(16));
}

TEST_F(MemorySamplingEventsTest, AmdSamplesInstructionsAtAPeriodThatTheHardwareHas) {
  WriteAmd(host_);
  for (const auto& [asked, taken] : std::map<uint64_t, uint64_t>{{1, 144}, {144, 144}, {145, 160}, {10'007, 10'016}}) {
    const auto events = Events(kAmd, {.period = asked});
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_THAT(*events, SizeIs(1));
    EXPECT_EQ((*events)[0].encoding.name, "ibs_op//");
    EXPECT_EQ((*events)[0].encoding.type, 10u);
    EXPECT_EQ((*events)[0].encoding.config, 0u);
    EXPECT_EQ((*events)[0].period, taken);
  }
}

TEST_F(MemorySamplingEventsTest, WithoutPreciseSamplingThereIsAReason) {
  WriteIntelServer(host_);
  WritePmu(host_, "cpu", {{"caps/max_precise", "0"}});
  EXPECT_THAT(WhyNot(kIntel), HasSubstr("no precise sampling (PEBS)"));
}

TEST_F(MemorySamplingEventsTest, WithoutThePmuThereIsAReason) {
  EXPECT_THAT(WhyNot(kIntel), HasSubstr("cannot be sampled"));
  WriteKernelPmus(host_);
  EXPECT_THAT(WhyNot(kIntel), HasSubstr("mem-loads"));
  EXPECT_THAT(WhyNot(kAmd), HasSubstr("no PMU ibs_op"));
  EXPECT_THAT(WhyNot(kArm), HasSubstr("no PMU arm_spe_0"));
  EXPECT_THAT(WhyNot({}), HasSubstr("no vendor"));
}

TEST_F(MemorySamplingEventsTest, ArmSamplesLoadsAndStoresAtAnIntervalThatTheHardwareHas) {
  WriteArm(host_);
  for (const auto& [asked, taken] :
       std::map<uint64_t, uint64_t>{{1, 1'024}, {1'024, 1'024}, {1'025, 1'280}, {10'007, 10'240}, {uint64_t{1} << 31, uint64_t{1} << 31}}) {
    const auto events = Events(kArm, {.period = asked});
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_THAT(*events, SizeIs(1));
    const MemorySamplingEvent& event = events->front();
    EXPECT_EQ(event.encoding.name, "arm_spe_0/ts_enable=1,load_filter=1,store_filter=1,min_latency=30,jitter=1/");
    EXPECT_EQ(event.encoding.type, 12u);
    EXPECT_EQ(event.encoding.config, uint64_t{1} | uint64_t{1} << 16 | uint64_t{1} << 33 | uint64_t{1} << 34);
    EXPECT_EQ(event.encoding.config1, 0u);
    EXPECT_EQ(event.encoding.config2, 30u);
    EXPECT_EQ(event.period, taken);
    EXPECT_EQ(event.spe, SpeSourceEncoding::kArm);
  }
}

TEST_F(MemorySamplingEventsTest, ArmsFilterOfLatenciesIsLeftOutForAllAndEndsWithItsBits) {
  WriteArm(host_);
  const auto all = Events(kArm, {.load_latency_cycles = 1});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->front().encoding.config2, 0u);
  EXPECT_EQ(Events(kArm, {.load_latency_cycles = 4'095})->front().encoding.config2, 4'095u);
  const absl::Status beyond = Events(kArm, {.load_latency_cycles = 4'096}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(beyond)) << beyond;
  EXPECT_THAT(std::string(beyond.message()), HasSubstr("at most 4095 cycles"));
}

TEST_F(MemorySamplingEventsTest, EachKindOfArmCoreIsSampledAndWithoutACapabilityByTheLargestInterval) {
  WriteBigLittle(host_);
  WriteSpe(host_, "arm_spe_0", "12", "0-3");
  const SysfsTexts filters = {{"format/ts_enable", "config:0"}, {"format/load_filter", "config:33"}, {"format/store_filter", "config:34"}};
  WritePmu(host_, "arm_spe_1", filters);
  WritePmu(host_, "arm_spe_1", {{"type", "13"}, {"cpumask", "4-5"}});
  const auto events = Events(kArm, {.load_latency_cycles = 1, .period = 2'000});
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(2));
  EXPECT_EQ((*events)[0].period, 2'048u);
  EXPECT_EQ((*events)[0].encoding.cpus, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ((*events)[1].encoding.type, 13u);
  EXPECT_EQ((*events)[1].encoding.name, "arm_spe_1/ts_enable=1,load_filter=1,store_filter=1/") << "it has no jitter";
  EXPECT_EQ((*events)[1].period, 4'096u);
}

TEST_F(MemorySamplingEventsTest, AnArmPmuWithoutTheFiltersIsRefusedByName) {
  WriteBigLittle(host_);
  WritePmu(host_, "arm_spe_0", {{"type", "12"}, {"cpumask", "0-1"}, {"format/load_filter", "config:33"}});
  EXPECT_THAT(WhyNot(kArm), HasSubstr("arm_spe_0/ts_enable=1,load_filter=1,store_filter=1,min_latency=30/: "));
}

TEST_F(MemorySamplingEventsTest, ArmsEventsTellThreadCpuAndTheKernelsOwnTimeOfTheHostAlone) {
  WriteArm(host_);
  const auto events = Events(kArm, {.period = 1'024});
  ASSERT_TRUE(events.ok()) << events.status();
  const std::vector<SampledEvent> sampled = SampledEventsOf(*events);
  ASSERT_THAT(sampled, SizeIs(1));
  EXPECT_EQ(sampled[0].attributes.sample_type, PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kCpu);
  EXPECT_EQ(sampled[0].attributes.use_clockid, 0u) << "or time stamps could not be converted";
  EXPECT_EQ(sampled[0].attributes.exclude_guest, 1u);
  EXPECT_EQ(sampled[0].attributes.sample_period, 1'024u);
  EXPECT_EQ(sampled[0].spe, SpeSourceEncoding::kArm);
}

TEST_F(MemorySamplingEventsTest, WishesThatCannotBeAreRefused) {
  WriteIntelServer(host_);
  for (const MemorySamplingWish& wish : {MemorySamplingWish{.load_latency_cycles = 0}, MemorySamplingWish{.load_latency_cycles = 65'536},
                                         MemorySamplingWish{.period = 0}, MemorySamplingWish{.period = uint64_t{1} << 40}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Events(kIntel, wish).status()));
  }
}

TEST_F(MemorySamplingEventsTest, TheyAreOpenedAlikeAndTellWhatAnAccessIs) {
  WriteIntelServer(host_);
  WritePmu(host_, "cpu", {{"events/mem-loads-aux", "event=0x03,umask=0x82"}});
  const auto events = Events(kIntel, {.period = 1'009});
  ASSERT_TRUE(events.ok()) << events.status();
  const std::vector<SampledEvent> sampled = SampledEventsOf(*events);
  ASSERT_THAT(sampled, SizeIs(3));
  for (const SampledEvent& event : sampled) {
    for (const uint64_t bit : {PerfSampleBit::kIp, PerfSampleBit::kTid, PerfSampleBit::kTime, PerfSampleBit::kAddress, PerfSampleBit::kCpu,
                               PerfSampleBit::kWeight, PerfSampleBit::kDataSource, PerfSampleBit::kPeriod}) {
      EXPECT_NE(event.attributes.sample_type & bit, 0u) << bit;
    }
    EXPECT_EQ(event.attributes.use_clockid, 1u);
    EXPECT_EQ(event.attributes.clockid, CLOCK_MONOTONIC);
  }
  EXPECT_EQ(sampled[0].attributes.sample_period, 0u);
  EXPECT_TRUE(sampled[1].joins_previous);
  EXPECT_EQ(sampled[1].attributes.config1, 30u);
  EXPECT_EQ(sampled[1].attributes.sample_period, 1'009u);
  EXPECT_EQ(sampled[1].attributes.precise_ip, 3u);
}

}  // namespace
}  // namespace hftmon
