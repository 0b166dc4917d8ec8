#include "client/cli/render/metrics.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/client/cli/answers.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

TEST(RenderMetricsTest, CountsAreWholeAndWhatIsNotANumberIsAbsent) {
  v1::WatchMetricsResponse response;
  *response.mutable_time() = SomeTime();
  for (const double value : {3.0, 0.25, std::numeric_limits<double>::quiet_NaN()}) {
    v1::MetricSample* sample = response.add_samples();
    sample->set_metric("m");
    sample->set_pid(4711);
    sample->set_value(value);
  }
  const Json json = MetricsJson(response);
  EXPECT_EQ(json["samples"].dump(),
            R"([{"metric":"m","pid":4711,"value":3},{"metric":"m","pid":4711,"value":0.25},{"metric":"m","pid":4711}])");
  EXPECT_THAT(MetricsText(response, {{"m", "ns"}}, absl::UTCTimeZone()), HasSubstr("3ns"));
}

TEST(RenderMetricsTest, WhatIsEstimatedOrDoubtfulIsMarkedAndWhatIsUnavailableHasItsReason) {
  v1::WatchMetricsResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    time { realtime_ns: 0 }
    samples { metric: "l3_hit_ratio" pid: 7 value: 0.995 estimated: true doubtful: true }
    samples { metric: "page_faults_count" pid: 7 value: 4 }
    lost_counter_span_count: 3 counter_set_changed: true
    unavailable { metrics: "a" metrics: "b" metrics: "c" metrics: "d" reason: "no PMU" }
    unavailable { pid: 7 tid: 8 namespace_tid: 3 reason: "no reading" }
    unavailable_dropped_count: 2)",
                                                            &response));
  const std::string text = MetricsText(response, {{"l3_hit_ratio", "ratio"}, {"page_faults_count", "count"}}, absl::UTCTimeZone());
  EXPECT_THAT(text, HasSubstr("3 spans of counters lost  other events were counted before\n"));
  EXPECT_THAT(text, HasSubstr("~99.50%?\n"));
  EXPECT_THAT(text, HasSubstr("a, b, c and 1 more: unavailable: no PMU\n"));
  EXPECT_THAT(text, HasSubstr("what threads count of thread 8 (3) of process 7: unavailable: no reading\n"));
  EXPECT_THAT(text, HasSubstr("and 2 more reasons\n"));
  const Json json = MetricsJson(response);
  EXPECT_EQ(json["samples"][0], (Json{{"metric", "l3_hit_ratio"}, {"pid", 7}, {"value", 0.995}, {"estimated", true}, {"doubtful", true}}));
  EXPECT_FALSE(json["samples"][1].contains("estimated"));
  EXPECT_EQ(json["unavailable"].dump(),
            R"([{"metrics":["a","b","c","d"],"reason":"no PMU"},{"pid":7,"tid":8,"namespace_tid":3,"reason":"no reading"}])");
  EXPECT_EQ(json["lost_counter_span_count"], 3);
  EXPECT_EQ(json["counter_set_changed"], true);
}

}  // namespace
}  // namespace hftmon
