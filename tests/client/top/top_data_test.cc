#include "client/top/top_data.h"

#include <gtest/gtest.h>

#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

const TopRow& RowOf(int32_t pid, int32_t tid, const std::vector<TopRow>& rows) {
  static const TopRow none;
  for (const TopRow& row : rows) {
    if (row.pid == pid && row.tid == tid) return row;
  }
  ADD_FAILURE() << "no row " << pid << "/" << tid;
  return none;
}

TEST(TopDataTest, AThreadsRowJoinsItsNameItsTimeAndItsFigures) {
  TopData data;
  data.Take(TopThreads());
  data.Take(TopSnapshot(true));
  const std::vector<TopRow> rows = data.ThreadRows();
  ASSERT_EQ(rows.size(), 3u);  // not the one that ended
  const TopRow& matcher = RowOf(4711, 4711, rows);
  EXPECT_EQ(matcher.name, "matcher");
  EXPECT_EQ(matcher.state, "FIFO 80");
  EXPECT_DOUBLE_EQ(matcher.cpu_share.value(), 0.9);
  EXPECT_DOUBLE_EQ(matcher.wait_share.value(), 0.05);
  EXPECT_DOUBLE_EQ(matcher.switches_hz.value(), 1520);
  EXPECT_DOUBLE_EQ(matcher.involuntary_hz.value(), 20);
  EXPECT_EQ(matcher.spike_count, 2u);
}

TEST(TopDataTest, WhatWasNotToldHasNoValue) {
  TopData data;
  data.Take(TopThreads());
  data.Take(TopSnapshot(true));
  const std::vector<TopRow> rows = data.ThreadRows();
  const TopRow& logger = RowOf(4711, 4712, rows);
  EXPECT_FALSE(logger.p99_ns.has_value());
  EXPECT_TRUE(logger.max_ns.has_value());
  EXPECT_FALSE(RowOf(5000, 5000, rows).p50_ns.has_value());
}

TEST(TopDataTest, ATargetsTimeIsTheSumOfItsThreadsAndItsPercentilesAreItsOwn) {
  TopData data;
  data.Take(TopTargets());
  data.Take(TopThreads());
  data.Take(TopSnapshot(false));
  const std::vector<TopRow> rows = data.TargetRows();
  ASSERT_EQ(rows.size(), 2u);  // not the one that ended
  const TopRow& matcher = RowOf(4711, 0, rows);
  EXPECT_DOUBLE_EQ(matcher.cpu_share.value(), 0.901);
  EXPECT_DOUBLE_EQ(matcher.p99_ns.value(), 48'000);
  EXPECT_EQ(matcher.thread_count, 2u);
  EXPECT_EQ(RowOf(5000, 0, rows).state, "paused");
}

TEST(TopDataTest, OfChosenProcessesOnlyThoseWithSamplesAreShown) {
  TopData data(true);
  v1::ListTargetsResponse targets = TopTargets();
  targets.add_targets()->set_pid(6000);
  data.Take(targets);
  data.Take(TopSnapshot(false));
  EXPECT_EQ(data.TargetRows().size(), 2u);
}

TEST(TopDataTest, SpikesAreSummedAndAMissedSnapshotMakesThemALeast) {
  TopData data;
  data.Take(TopThreads());
  data.Take(TopSnapshot(true, 2));
  data.Take(TopSnapshot(true, 3));
  std::vector<TopRow> rows = data.ThreadRows();
  EXPECT_EQ(RowOf(4711, 4711, rows).spike_count, 5u);
  EXPECT_FALSE(RowOf(4711, 4711, rows).spikes_at_least);
  TopMetrics later = TopSnapshot(true, 1);
  later.snapshot.set_dropped(1);
  data.Take(later);
  rows = data.ThreadRows();
  EXPECT_EQ(RowOf(4711, 4711, rows).spike_count, 6u);
  EXPECT_TRUE(RowOf(4711, 4711, rows).spikes_at_least);
}

TEST(TopDataTest, SumsOfThreadsAndOfTargetsStayApart) {
  TopData data;
  data.Take(TopTargets());
  data.Take(TopThreads());
  data.Take(TopSnapshot(true, 2));
  data.Take(TopSnapshot(false, 3));
  data.Take(TopSnapshot(true, 2));
  EXPECT_EQ(RowOf(4711, 4711, data.ThreadRows()).spike_count, 4u);
  EXPECT_EQ(RowOf(4711, 0, data.TargetRows()).spike_count, 3u);
}

TEST(TopDataTest, TheEndOfASpikeTakesThePlaceOfItsBeginning) {
  TopData data;
  TopSpike begun = TopSpikeOf(7, "matcher", 4711, 60'000);
  begun.spike.set_in_progress(true);
  data.Take(begun);
  data.Take(TopSpikeOf(8));
  data.Take(TopSpikeOf(7, "matcher", 4711, 500'000));
  data.Take(begun);  // told late by another call
  ASSERT_EQ(data.Spikes().size(), 2u);
  EXPECT_EQ(data.Spikes()[1]->spike.duration_ns(), 500'000);
}

TEST(TopDataTest, AStackThatCameLaterIsNotTakenAwayAgain) {
  TopData data;
  TopSpike with_stack = TopSpikeOf(7);
  with_stack.spike.mutable_stack();
  data.Take(with_stack);
  data.Take(TopSpikeOf(7));
  EXPECT_TRUE(data.FindSpike(1, 7)->spike.has_stack());
}

TEST(TopDataTest, SpikesOfANewDaemonAreNewerThoughItsIdsBeginAnew) {
  TopData data;
  data.Take(TopSpikeOf(100));
  TopSpike newer = TopSpikeOf(1);
  newer.daemon_number = 2;
  data.Take(newer);
  ASSERT_EQ(data.Spikes().size(), 2u);
  EXPECT_EQ(data.Spikes()[0]->spike.id(), 1u);
}

TEST(TopDataTest, ForgetsTheOldestSpikes) {
  TopData data;
  for (uint64_t id = 1; id <= TopData::kSpikesMax + 1; ++id) data.Take(TopSpikeOf(id));
  EXPECT_EQ(data.Spikes().size(), TopData::kSpikesMax);
  EXPECT_EQ(data.FindSpike(1, 1), nullptr);
}

TEST(TopDataTest, TheDaemonsCostIsThatBetweenTwoAnswers) {
  TopData data;
  data.Take(TopStatus());
  EXPECT_DOUBLE_EQ(data.cost_share(), 0.0125);
  v1::GetStatusResponse later = TopStatus();
  later.mutable_time()->set_monotonic_ns(later.time().monotonic_ns() + 1'000'000'000);
  later.mutable_daemon()->set_cpu_time_ns(later.daemon().cpu_time_ns() + 200'000'000);
  data.Take(later);
  EXPECT_DOUBLE_EQ(data.cost_share(), 0.2);
  later.mutable_daemon()->set_pid(78);  // another one, whose CPU time says nothing of this one's
  data.Take(later);
  EXPECT_DOUBLE_EQ(data.cost_share(), 0.0125);
}

TEST(TopDataTest, IsWholeOnceEachKindOfAnswerCame) {
  TopData data;
  for (const TopUpdate& update :
       std::initializer_list<TopUpdate>{TopStatus(), TopTargets(), TopThreads(), TopSnapshot(true), TopStreamLosses{}}) {
    data.Take(update);
    EXPECT_FALSE(data.is_whole());
  }
  data.Take(TopSnapshot(false));
  EXPECT_TRUE(data.is_whole());
}

}  // namespace
}  // namespace hftmon
