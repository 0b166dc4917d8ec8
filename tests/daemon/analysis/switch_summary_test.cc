#include "daemon/analysis/switch_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/histogram.h"
#include "common/metric_catalogue.h"

namespace hftmon {
namespace {

TEST(SwitchSummaryTest, AnEmptyWindowHasNoMaximumNoPercentileNoDepth) {
  const double percentiles[] = {50, 99};
  const SwitchSummary summary = Summarize(ThreadWindow{}, percentiles);
  EXPECT_EQ(summary.run_queue_latency.count, 0u);
  EXPECT_FALSE(summary.run_queue_latency.max_ns.has_value());
  EXPECT_TRUE(summary.run_queue_latency.percentiles.empty());
  EXPECT_FALSE(summary.run_queue_depth.mean.has_value());
  EXPECT_FALSE(summary.run_queue_depth.max.has_value());
}

TEST(SwitchSummaryTest, PercentilesComeInTheOrderAskedAndOnlyWithEnoughSamples) {
  ThreadWindow window;
  window.run_queue.Add(BucketOf(1'000), 900);
  window.run_queue.Add(BucketOf(80'000), 100);
  const double percentiles[] = {99, 50, 99.9, 0, 100, -3};
  const DurationSummary latency = Summarize(window, percentiles).run_queue_latency;
  EXPECT_EQ(latency.count, 1000u);
  ASSERT_EQ(latency.percentiles.size(), 2u);
  EXPECT_EQ(latency.percentiles[0].percent, 99);
  EXPECT_EQ(latency.percentiles[0].value_ns, BucketMiddleNs(BucketOf(80'000)));
  EXPECT_EQ(latency.percentiles[1].percent, 50);
  EXPECT_EQ(latency.percentiles[1].value_ns, BucketMiddleNs(BucketOf(1'000)));
}

TEST(SwitchSummaryTest, SumsAreTheKernelsOwn) {
  ThreadWindow window;
  window.run_queue.Add(BucketOf(1'000), 2);
  window.run_delay_ns = 2'017;
  window.off_cpu.Add(BucketOf(5'000), 3);
  window.off_cpu_count = 3;
  window.off_cpu_ns = 15'003;
  const SwitchSummary summary = Summarize(window, {});
  EXPECT_EQ(summary.run_queue_latency.sum_ns, 2'017);
  EXPECT_EQ(summary.run_queue_latency.count, 2u);
  EXPECT_EQ(summary.off_cpu.sum_ns, 15'003);
  EXPECT_EQ(summary.off_cpu.count, 3u);
}

TEST(SwitchSummaryTest, AMaximumWithinTheTopBucketIsExactAndItsUpperEdgeIsAnEstimate) {
  ThreadWindow window;
  const size_t top = BucketOf(80'000);
  window.run_queue.Add(top, 1);
  window.run_queue_max_ns = 80'123;
  DurationSummary latency = Summarize(window, {}).run_queue_latency;
  EXPECT_EQ(latency.max_ns, 80'123);
  EXPECT_FALSE(latency.max_estimated);

  window.run_queue_max_ns = BucketUpperNs(top);
  latency = Summarize(window, {}).run_queue_latency;
  EXPECT_EQ(latency.max_ns, BucketUpperNs(top));
  EXPECT_TRUE(latency.max_estimated);

  window.run_queue_max_ns = 0;  // never read
  latency = Summarize(window, {}).run_queue_latency;
  EXPECT_EQ(latency.max_ns, BucketUpperNs(top));
  EXPECT_TRUE(latency.max_estimated);
}

TEST(SwitchSummaryTest, DepthIsCountedExactly) {
  ThreadWindow window;
  window.depth[1] = 990;
  window.depth[4] = 10;
  const DepthSummary depth = Summarize(window, {}).run_queue_depth;
  EXPECT_EQ(depth.count, 1000u);
  EXPECT_DOUBLE_EQ(depth.mean.value(), 1.03);
  EXPECT_EQ(depth.p50, 1u);
  EXPECT_EQ(depth.p99, 1u);
  EXPECT_EQ(depth.max, 4u);
}

TEST(SwitchSummaryTest, ThreadsOfOneTargetAddUp) {
  std::vector<ThreadWindow> threads(2);
  threads[0].thread = {.tid = 11, .tgid = 10, .start_ns = 1};
  threads[1].thread = {.tid = 12, .tgid = 10, .start_ns = 2};
  for (uint64_t i = 0; i < 2; ++i) {
    threads[i].voluntary_count = 5 + i;
    threads[i].run_delay_ns = 100;
    threads[i].off_cpu_max_ns = static_cast<int64_t>(70 + i);
    threads[i].off_cpu.Add(BucketOf(71), 1);
    threads[i].kind_count[HFT_SWITCH_YIELD] = 3;
    threads[i].depth[i] = 1;
  }
  const ThreadWindow sum = SumThreads(threads);
  EXPECT_EQ(sum.thread, (ThreadKey{.tid = 0, .tgid = 10, .start_ns = 0}));
  EXPECT_EQ(sum.voluntary_count, 11u);
  EXPECT_EQ(sum.run_delay_ns, 200u);
  EXPECT_EQ(sum.off_cpu_max_ns, 71);
  EXPECT_EQ(sum.off_cpu[BucketOf(71)], 2u);
  EXPECT_EQ(sum.kind_count[HFT_SWITCH_YIELD], 6u);
  EXPECT_EQ(sum.depth[0] + sum.depth[1], 2u);
  threads[1].thread.tgid = 20;
  EXPECT_EQ(SumThreads(threads).thread, ThreadKey{});
  EXPECT_EQ(SumThreads({}).thread, ThreadKey{});
}

// Every row of the catalogue but the detector's own and those of counters has a value for a thread that did something: a new row without
// one fails here.
TEST(SwitchSummaryTest, EveryMetricOfContextSwitchesHasAValue) {
  ThreadWindow window;
  window.voluntary_count = 1;
  window.run_queue.Add(BucketOf(1'000), 100'000);
  window.off_cpu.Add(BucketOf(7'000), 100'000);
  window.depth[2] = 10;
  std::vector<std::string_view> absent;
  for (const MetricRow& row : MetricRows()) {
    if (row.origin == MetricOrigin::kThreads && !MetricValue(window, row.name)) absent.push_back(row.name);
  }
  EXPECT_THAT(absent, ::testing::ElementsAre("spikes_count"));
  EXPECT_EQ(MetricValue(window, "context_switches_voluntary_count"), 1.0);
  EXPECT_EQ(MetricValue(window, "run_queue_latency_p99_ns"), static_cast<double>(BucketMiddleNs(BucketOf(1'000))));
  EXPECT_EQ(MetricValue(window, "off_cpu_p50_ns"), static_cast<double>(BucketMiddleNs(BucketOf(7'000))));
  EXPECT_EQ(MetricValue(window, "run_queue_depth_mean"), 2.0);
  window.interrupted_ns[HFT_LEVEL_SOFTIRQ] = 30;
  window.interrupted_ns[HFT_LEVEL_HARD] = 200;
  window.interrupted_ns[HFT_LEVEL_NMI] = 1'000;
  EXPECT_EQ(MetricValue(window, "interrupted_softirq_ns"), 30.0);
  EXPECT_EQ(MetricValue(window, "interrupted_hard_irq_ns"), 200.0);
  EXPECT_EQ(MetricValue(window, "interrupted_nmi_ns"), 1'000.0);
  EXPECT_EQ(MetricValue(window, "interrupted_sum_ns"), 1'230.0);
}

TEST(SwitchSummaryTest, WhatCannotBeSaidIsAbsentAndACountOfZeroIsZero) {
  EXPECT_EQ(MetricValue(ThreadWindow{}, "migrations_count"), 0.0);
  EXPECT_FALSE(MetricValue(ThreadWindow{}, "run_queue_latency_p99_ns").has_value());
  EXPECT_FALSE(MetricValue(ThreadWindow{}, "run_queue_latency_max_ns").has_value());
  EXPECT_FALSE(MetricValue(ThreadWindow{}, "run_queue_depth_mean").has_value());
  EXPECT_FALSE(MetricValue(ThreadWindow{}, "no_such_metric").has_value());
}

}  // namespace
}  // namespace hftmon
