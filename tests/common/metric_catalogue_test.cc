#include "common/metric_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

bool IsSnakeCase(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

TEST(MetricCatalogue, NamesAreUniqueSnakeCaseAndFound) {
  std::set<std::string_view> names;
  for (const MetricRow& row : MetricRows()) {
    EXPECT_TRUE(IsSnakeCase(row.name)) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindMetric(row.name), &row);
  }
  for (const DropRow& row : DropRows()) {
    EXPECT_TRUE(IsSnakeCase(row.name)) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindDrop(row.name), &row);
  }
  EXPECT_EQ(FindMetric("cycles"), nullptr);
  EXPECT_EQ(FindDrop("cycles"), nullptr);
}

TEST(MetricCatalogue, EveryRowSaysWhatItIsAndWhereItComesFrom) {
  for (const MetricRow& row : MetricRows()) {
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_FALSE(row.source.empty()) << row.name;
    EXPECT_EQ(row.kind == MetricKind::kPercentile, row.percent > 0) << row.name;
  }
  for (const DropRow& row : DropRows()) EXPECT_TRUE(row.help.ends_with('.')) << row.name;
}

TEST(MetricCatalogue, ANameEndsWithItsUnit) {
  for (const MetricRow& row : MetricRows()) {
    EXPECT_EQ(row.unit == "ns", row.name.ends_with("_ns")) << row.name;
    EXPECT_EQ(row.unit == "count", row.name.ends_with("_count")) << row.name;
  }
}

TEST(MetricCatalogue, ARateOfCountersHasItsMedianAndThePercentileOfItsBadEnd) {
  for (const char* name : {"instructions_per_cycle", "l1d_hit_ratio", "l3_mpki", "page_faults_per_second"}) {
    const MetricRow* mean = FindMetric(name);
    ASSERT_NE(mean, nullptr) << name;
    EXPECT_EQ(mean->origin, MetricOrigin::kCounterRate);
    const MetricRow* median = FindMetric(std::string(name) + "_p50");
    ASSERT_NE(median, nullptr) << name;
    EXPECT_EQ(median->percent, 50);
    EXPECT_EQ(median->counted, mean->counted);
    EXPECT_EQ(median->unit, mean->unit);
  }
  EXPECT_EQ(FindMetric("l1d_hit_ratio_p1")->percent, 1) << "a hit ratio is bad where it is low";
  EXPECT_EQ(FindMetric("l1d_hit_ratio_p99"), nullptr);
  EXPECT_EQ(FindMetric("l3_mpki_p99")->percent, 99);
  EXPECT_EQ(FindMetric("page_faults_count")->counted, "page-faults");
  EXPECT_EQ(FindMetric("page_faults_per_second_p99")->counted, "page-faults_per_second");
  EXPECT_THAT(std::string(FindMetric("l3_hit_ratio")->source), HasSubstr("l3_accesses, read by programs at each switch"));
}

TEST(MetricCatalogue, WhatIsCountedSaysWhichEventsItNeeds) {
  for (const MetricRow& row : MetricRows()) EXPECT_EQ(row.origin == MetricOrigin::kThreads, row.needs.empty()) << row.name;
}

TEST(MetricCatalogue, LostRecordsAreLossAndReachedBoundsAreNot) {
  EXPECT_TRUE(FindDrop("ring_lost_records")->data_loss);
  EXPECT_TRUE(FindDrop("recursion_misses")->data_loss);
  for (const char* name : {"counter_spans_lost", "counter_readings_failed", "counter_values_discarded"}) {
    ASSERT_NE(FindDrop(name), nullptr) << name;
    EXPECT_TRUE(FindDrop(name)->data_loss) << name;
  }
  EXPECT_FALSE(FindDrop("slots_exhausted")->data_loss);
  EXPECT_FALSE(FindDrop("subscriber_dropped")->data_loss);
}

TEST(MetricCatalogue, AMistypedNameHasTheRightOneNear) {
  EXPECT_THAT(NearMetricNames("spike_count"), Contains("spikes_count"));
  EXPECT_EQ(NearMetricNames("run_queue_latency_p99_n")[0], "run_queue_latency_p99_ns");
}

TEST(MetricCatalogue, APartOfANameFindsIt) {
  EXPECT_THAT(NearMetricNames("depth"), ElementsAre("run_queue_depth_mean"));
  EXPECT_THAT(NearMetricNames("run_queue"), SizeIs(3));
  EXPECT_THAT(NearMetricNames("l3_miss_ratio"), Contains("l3_hit_ratio"));
}

TEST(MetricCatalogue, NothingIsNearToNonsense) {
  EXPECT_THAT(NearMetricNames("zzzzzzzz"), IsEmpty());
  EXPECT_THAT(NearMetricNames(""), IsEmpty());
  EXPECT_THAT(NearMetricNames(std::string(1'000'000, 'a')), IsEmpty());
}

TEST(MetricCatalogue, TheErrorNamesTheMetricAndTheMend) {
  EXPECT_THAT(UnknownMetricMessage("spike_count"), HasSubstr("did you mean spikes_count"));
  EXPECT_THAT(UnknownMetricMessage("zzzzzzzz"), HasSubstr("ListMetrics"));
  EXPECT_THAT(UnknownMetricMessage("zzzzzzzz"), Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace hftmon
