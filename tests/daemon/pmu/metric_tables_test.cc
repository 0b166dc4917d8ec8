// The tables against libpfm4, which knows the same events from elsewhere: whatever this host is, it encodes for every processor here.
#include "daemon/pmu/metric_tables.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdlib.h>

#include <set>
#include <string>

#include "daemon/pmu/pfm_encoder.h"

namespace hftmon {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

// Read by the library when it starts, at its first use.
const int kEncodesForAll = setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);

struct Processor {
  CoreKind kind;
  const char* library_name;
};
constexpr Processor kCompared[] = {
    {CoreKind::kIntelSkylake, "skl"},          {CoreKind::kIntelSkylakeServer, "skx"},    {CoreKind::kIntelSkylakeServer, "clx"},
    {CoreKind::kIntelIceLake, "icl"},          {CoreKind::kIntelIceLakeServer, "icx"},    {CoreKind::kIntelSapphireRapids, "spr"},
    {CoreKind::kAmdZen1, "amd64_fam17h_zen1"}, {CoreKind::kAmdZen2, "amd64_fam17h_zen2"}, {CoreKind::kAmdZen3, "amd64_fam19h_zen3"},
    {CoreKind::kAmdZen4, "amd64_fam19h_zen4"},
};
// Not in the library.
constexpr CoreKind kFromListsAlone[] = {CoreKind::kIntelGoldenCove, CoreKind::kIntelGracemont, CoreKind::kAmdZen5, CoreKind::kArmPmuV3};

template <typename Check>
void ForEachRow(CoreKind kind, const Check& check) {
  for (size_t i = 0; i < kHardwareMetricCount; ++i) {
    const auto metric = static_cast<HardwareMetric>(i);
    check(metric, FindMetricRow(kind, metric));
  }
}

TEST(MetricTablesTest, EveryNumberIsWhatTheLibraryEncodesForThatName) {
  ASSERT_EQ(kEncodesForAll, 0);
  for (const Processor& processor : kCompared) {
    size_t compared = 0;
    ForEachRow(processor.kind, [&](HardwareMetric, const MetricRow* row) {
      if (row == nullptr || row->event.empty() || row->generic) return;
      const std::string name = fmt::format("{}::{}", processor.library_name, row->event);
      const auto encoding = EncodeByLibrary(name);
      ASSERT_TRUE(encoding.ok()) << name << ": " << encoding.status();
      EXPECT_EQ(encoding->type, 4u) << name;
      EXPECT_EQ(encoding->config, row->config) << name;
      EXPECT_EQ(encoding->config1, row->config1) << name;
      ++compared;
    });
    EXPECT_GE(compared, 8u) << processor.library_name;
  }
}

TEST(MetricTablesTest, AProcessorWithATableSaysOfEveryMetricWhatOrWhyNot) {
  std::vector<CoreKind> kinds(std::begin(kFromListsAlone), std::end(kFromListsAlone));
  for (const Processor& processor : kCompared) kinds.push_back(processor.kind);
  for (const CoreKind kind : kinds) {
    ForEachRow(kind, [kind](HardwareMetric metric, const MetricRow* row) {
      ASSERT_NE(row, nullptr) << CoreKindName(kind) << " " << HardwareMetricName(metric);
      EXPECT_THAT(std::string(row->text), Not(IsEmpty())) << CoreKindName(kind) << " " << HardwareMetricName(metric);
      EXPECT_EQ(row->config == 0, row->generic || row->event.empty()) << CoreKindName(kind) << " " << HardwareMetricName(metric);
    });
  }
}

TEST(MetricTablesTest, NoTableHasAMetricTwiceAndNoNumberIsTwoMetrics) {
  for (int i = 0; i <= static_cast<int>(CoreKind::kArmPmuV3); ++i) {
    const auto kind = static_cast<CoreKind>(i);
    for (const MetricRows& rows : {IntelRows(kind), AmdRows(kind), ArmRows(kind)}) {
      std::set<HardwareMetric> metrics;
      std::set<std::pair<uint64_t, uint64_t>> numbers;
      for (const std::span<const MetricRow> table : rows) {
        for (const MetricRow& row : table) {
          EXPECT_TRUE(metrics.insert(row.metric).second) << CoreKindName(kind) << " " << HardwareMetricName(row.metric);
          if (row.config == 0) continue;
          EXPECT_TRUE(numbers.insert({row.config, row.config1}).second) << CoreKindName(kind) << " " << row.event;
        }
      }
    }
  }
}

TEST(MetricTablesTest, AnUnknownKindHasGenericEventsAlone) {
  size_t known = 0;
  ForEachRow(CoreKind::kUnknown, [&known](HardwareMetric, const MetricRow* row) {
    if (row == nullptr) return;
    EXPECT_TRUE(row->generic) << row->event;
    ++known;
  });
  EXPECT_EQ(known, 13u);
}

TEST(MetricTablesTest, TheLibraryRefusesAnUncoreEventWithoutItsUnit) {
  const auto encoding = EncodeByLibrary("rapl::RAPL_ENERGY_PKG");
  EXPECT_TRUE(absl::IsFailedPrecondition(encoding.status())) << encoding.status();
}

TEST(MetricTablesTest, ALatencyThresholdReachesTheSecondWord) {
  const auto encoding = EncodeByLibrary("ivb_ep::MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30");
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->config, 0x1cdu);
  EXPECT_EQ(encoding->config1, 30u);
}

}  // namespace
}  // namespace hftmon
