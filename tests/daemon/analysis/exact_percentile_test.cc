#include "daemon/analysis/exact_percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "daemon/analysis/switch_summary.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{.tid = 7, .tgid = 5, .start_ns = 3};
constexpr int64_t kBeginNs = 1'000'000'000;
constexpr int64_t kEndNs = 2'000'000'000;
constexpr int64_t kReadNs = 500'000;
constexpr double kPercents[] = {10, 50, 90, 99};

bool Everyone(const ThreadKey&) {
  return true;
}

// A window whose histogram and history are made of the same waits.
class ExactPercentileTest : public ::testing::Test {
 protected:
  ExactPercentileTest() {
    answer_.begin_mono_ns = kBeginNs;
    answer_.end_mono_ns = kEndNs;
    answer_.begin_read_ns = answer_.end_read_ns = kReadNs;
    window_.thread = kThread;
  }

  void Count(int64_t wait_ns) {
    window_.run_queue.Add(BucketOf(wait_ns), 1);
    waits_ns_.push_back(wait_ns);
  }
  void Happen(int64_t wait_ns, int64_t mono_ns) {
    SwitchEvent event;
    event.thread = kThread;
    event.end_mono_ns = mono_ns;
    event.wait_ns = wait_ns;
    event.off_cpu_ns = -1;
    events_.Append(event);
  }
  DurationSummary Summary(const EventEvidence& evidence = {.run_queue_floor_ns = 1'000}) {
    const EventsOfThreads events = CollectEvents(events_, answer_, evidence, Everyone);
    const auto found = events.find(kThread);
    return Summarize(window_, kPercents, found == events.end() ? nullptr : &found->second).run_queue_latency;
  }
  int64_t True(double percent) {
    std::sort(waits_ns_.begin(), waits_ns_.end());
    return waits_ns_[static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(waits_ns_.size()))) - 1];
  }

  WindowAnswer answer_;
  ThreadWindow window_;
  SeqRing<SwitchEvent> events_{4096};
  std::vector<int64_t> waits_ns_;
};

TEST_F(ExactPercentileTest, AboveTheFloorPercentilesAreTheOrderStatisticsAndBelowItTheHistograms) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    const bool above = i % 4 != 0;
    const int64_t wait_ns = above ? 60'000 + static_cast<int64_t>(random() % 100'000) : 1'000 + static_cast<int64_t>(random() % 40'000);
    Count(wait_ns);
    if (wait_ns > 50'000) Happen(wait_ns, kBeginNs + kReadNs + 100'000 + i * 1'000);
  }
  const DurationSummary summary = Summary({.run_queue_floor_ns = 50'000});
  ASSERT_EQ(summary.percentiles.size(), 4u);
  EXPECT_FALSE(summary.percentiles[0].exact);
  EXPECT_LE(std::abs(summary.percentiles[0].value_ns - True(10)) * 100, True(10));
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(summary.percentiles[i].exact);
    EXPECT_EQ(summary.percentiles[i].value_ns, True(kPercents[i]));
  }
}

TEST_F(ExactPercentileTest, OneEventThatIsMissingLeavesItsBucketToTheHistogram) {
  for (int i = 0; i < 1'000; ++i) {
    Count(80'000 + i / 2);  // all in one bucket
    if (i != 500) Happen(80'000 + i / 2, kBeginNs + 600'000'000 + i);
  }
  for (const PercentileValue& value : Summary().percentiles) EXPECT_FALSE(value.exact) << value.percent;
}

TEST_F(ExactPercentileTest, EventsOutsideTheWindowAndOfOtherThreadsDoNotCount) {
  Happen(80'000, kBeginNs - 1'000'000);
  for (int i = 0; i < 100; ++i) {
    Count(80'000 + i);
    Happen(80'000 + i, kBeginNs + 600'000'000 + i);
    SwitchEvent other;
    other.thread = {.tid = 8, .tgid = 5, .start_ns = 3};
    other.end_mono_ns = kBeginNs + 600'000'000 + i;
    other.wait_ns = 80'000;
    events_.Append(other);
  }
  Happen(80'000, kEndNs + 1'000'000);
  const DurationSummary summary = Summary();
  ASSERT_EQ(summary.percentiles.size(), 3u);
  for (const PercentileValue& value : summary.percentiles) {
    EXPECT_TRUE(value.exact);
    EXPECT_EQ(value.value_ns, True(value.percent));
  }
}

// An event that ended while the slots were read may have been counted on either side.
TEST_F(ExactPercentileTest, AnEventAtAnEdgeIsTakenOnlyWhenTheCountAsksForIt) {
  for (int i = 0; i < 99; ++i) {
    Count(80'000 + i);
    Happen(80'000 + i, kBeginNs + 600'000'000 + i);
  }
  Happen(80'500, kEndNs + kReadNs / 2);
  EXPECT_EQ(Summary().percentiles.at(1).value_ns, True(50));  // counted in the next bucket: the 99 are all
  EXPECT_TRUE(Summary().percentiles.at(1).exact);
  Count(80'500);  // counted in this one
  EXPECT_TRUE(Summary().percentiles.at(1).exact);
  EXPECT_EQ(Summary().percentiles.at(1).value_ns, True(50));
  // With records lost, below the floor, or with two at the edge and room for one, nobody knows.
  EXPECT_FALSE(Summary({.run_queue_floor_ns = 1'000, .lost_any = true}).percentiles.at(1).exact);
  EXPECT_FALSE(Summary({.run_queue_floor_ns = 80'100}).percentiles.at(1).exact);
  Happen(80'600, kEndNs + kReadNs / 2 + 1);
  EXPECT_FALSE(Summary().percentiles.at(1).exact);
}

TEST_F(ExactPercentileTest, OverwrittenEventsLeaveOnlyWhatTheCountProves) {
  SeqRing<SwitchEvent> small(16);
  const auto happen = [&](int64_t wait_ns, int64_t mono_ns) {
    SwitchEvent event;
    event.thread = kThread;
    event.end_mono_ns = mono_ns;
    event.wait_ns = wait_ns;
    event.off_cpu_ns = -1;
    small.Append(event);
  };
  for (int i = 0; i < 985; ++i) {
    Count(80'000);
    happen(80'000, kBeginNs + 600'000'000 + i);
  }
  for (int i = 0; i < 15; ++i) {
    Count(5'000'000 + i);
    happen(5'000'000 + i, kBeginNs + 700'000'000 + i);
  }
  const EventsOfThreads events = CollectEvents(small, answer_, {.run_queue_floor_ns = 1'000}, Everyone);
  const DurationSummary summary = Summarize(window_, kPercents, &events.at(kThread)).run_queue_latency;
  EXPECT_FALSE(summary.percentiles.at(1).exact);
  EXPECT_TRUE(summary.percentiles.at(3).exact);
  EXPECT_EQ(summary.percentiles.at(3).value_ns, True(99));
}

TEST_F(ExactPercentileTest, DurationsInNoBucketTakeTheRankAway) {
  for (int i = 0; i < 100; ++i) {
    Count(80'000 + i);
    Happen(80'000 + i, kBeginNs + 600'000'000 + i);
  }
  window_.run_queue_unbinned_count = 1;
  const DurationSummary summary = Summary();
  EXPECT_EQ(summary.count, 101u);
  EXPECT_EQ(summary.unbinned_count, 1u);
  for (const PercentileValue& value : summary.percentiles) EXPECT_FALSE(value.exact);
}

}  // namespace
}  // namespace hftmon
