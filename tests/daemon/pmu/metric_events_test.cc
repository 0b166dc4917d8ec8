#include "daemon/pmu/metric_events.h"

#include <gmock/gmock.h>

#include <memory>
#include <set>
#include <string>

#include "tests/daemon/pmu/pmu_trees.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MetricEventsTest : public ::testing::Test {
 protected:
  void On(void (*write)(const FixtureTree&)) {
    write(host_);
    pmus_ = PmuList::Read(host_.root());
    names_ = std::make_unique<EventNames>(EventNamesParts{
        .pmus = pmus_,
        .processor = "a test's",
        .encode_by_library = [](std::string_view) -> absl::StatusOr<EventEncoding> { return absl::InternalError("not to be asked"); },
        .library_names = [] { return std::vector<std::string>(); },
        .open = [](const EventEncoding&) { return absl::InternalError("not to be opened"); }});
  }
  absl::StatusOr<MetricEvent> Encode(HardwareMetric metric, CoreKind kind, std::string_view pmu) const {
    return EncodeMetric(metric, kind, *pmus_.Find(pmu), *names_);
  }

  const FixtureTree host_;
  PmuList pmus_;
  std::unique_ptr<EventNames> names_;
};

TEST_F(MetricEventsTest, AMetricIsTheVendorsEventByItsName) {
  On(WriteIntelServer);
  const auto misses = Encode(HardwareMetric::kL3Misses, CoreKind::kIntelSkylakeServer, "cpu");
  ASSERT_TRUE(misses.ok()) << misses.status();
  EXPECT_EQ(misses->encoding, (EventEncoding{.name = "MEM_LOAD_RETIRED:L3_MISS", .pmu = "cpu", .type = 4, .config = 0x20d1}));
  EXPECT_EQ(misses->counts, "retired loads that missed the L3");
}

TEST_F(MetricEventsTest, EventBitsAboveTheLowWordAreKept) {
  On(WriteAmd);
  const auto misses = Encode(HardwareMetric::kL1iMisses, CoreKind::kAmdZen3, "cpu");
  ASSERT_TRUE(misses.ok()) << misses.status();
  EXPECT_EQ(misses->encoding.config, 0x10000188eu);
}

TEST_F(MetricEventsTest, WhatAProcessorHasNotIsUnavailableWithItsReason) {
  On(WriteAmd);
  const absl::Status hitm = Encode(HardwareMetric::kHitmLocal, CoreKind::kAmdZen3, "cpu").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(hitm));
  EXPECT_THAT(hitm.message(), AllOf(HasSubstr("hitm_local is unavailable"), HasSubstr("IBS")));
  EXPECT_THAT(Encode(HardwareMetric::kL2Hits, CoreKind::kUnknown, "cpu").status().message(), HasSubstr("rNNN"));
}

TEST_F(MetricEventsTest, EachKindOfCoreOfAHybridHasItsOwnEvent) {
  On(WriteHybrid);
  const auto big = Encode(HardwareMetric::kDtlbLoadWalks, CoreKind::kIntelGoldenCove, "cpu_core");
  const auto small = Encode(HardwareMetric::kDtlbLoadWalks, CoreKind::kIntelGracemont, "cpu_atom");
  ASSERT_TRUE(big.ok()) << big.status();
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(big->encoding.config, 0x0e12u);
  EXPECT_EQ(small->encoding.config, 0x0e08u);
  EXPECT_EQ(small->encoding.type, 10u);
  const auto cycles = Encode(HardwareMetric::kCycles, CoreKind::kIntelGracemont, "cpu_atom");
  ASSERT_TRUE(cycles.ok()) << cycles.status();
  EXPECT_EQ(cycles->encoding.config, 0xa00000000u);
}

TEST_F(MetricEventsTest, ASecondWordIsEncodedToo) {
  On(WriteIntelServer);
  const auto misses = Encode(HardwareMetric::kL1iMisses, CoreKind::kIntelSapphireRapids, "cpu");
  ASSERT_TRUE(misses.ok()) << misses.status();
  EXPECT_EQ(misses->encoding.config, 0x1c6u);
  EXPECT_EQ(misses->encoding.config1, 0x12u);
}

TEST_F(MetricEventsTest, AnArmCoreHasWhatTheKernelListsAndNoMore) {
  On(WriteArm);
  const auto instructions = Encode(HardwareMetric::kInstructions, CoreKind::kArmPmuV3, "armv8_pmuv3");
  ASSERT_TRUE(instructions.ok()) << instructions.status();
  EXPECT_EQ(instructions->encoding.name, "inst_retired");
  EXPECT_EQ(instructions->encoding.type, 8u);
  EXPECT_THAT(Encode(HardwareMetric::kL1dMisses, CoreKind::kArmPmuV3, "armv8_pmuv3").status().message(),
              HasSubstr("not implemented by this CPU"));
}

TEST_F(MetricEventsTest, OfAnUnknownKindTheKernelsGenericEventsAreTaken) {
  On(WriteIntelServer);
  const auto misses = Encode(HardwareMetric::kL1dMisses, CoreKind::kUnknown, "cpu");
  ASSERT_TRUE(misses.ok()) << misses.status();
  EXPECT_EQ(misses->encoding.type, 3u);
  EXPECT_THAT(std::string(misses->counts), HasSubstr("as the kernel maps"));
}

TEST_F(MetricEventsTest, EveryMetricHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kHardwareMetricCount; ++i) {
    const std::string_view name = HardwareMetricName(static_cast<HardwareMetric>(i));
    EXPECT_THAT(std::string(name), Not(IsEmpty()));
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(HardwareMetricName(HardwareMetric::kL1dMisses), "l1d_misses");
  EXPECT_EQ(HardwareMetricName(HardwareMetric::kDtlbStoreWalks), "dtlb_store_walks");
  EXPECT_EQ(HardwareMetricName(HardwareMetric::kItlbSecondLevelHits), "itlb_second_level_hits");
  EXPECT_EQ(HardwareMetricName(HardwareMetric::kRemoteDram), "remote_dram");
}

}  // namespace
}  // namespace hftmon
