#include "daemon/analysis/thread_history.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr ThreadKey kThread{.tid = 101, .tgid = 100, .start_ns = 1};
constexpr ThreadKey kOther{.tid = 102, .tgid = 100, .start_ns = 2};
constexpr int64_t kBegin = 1'000 * kMs;
constexpr int64_t kEnd = 2'000 * kMs;

class ThreadHistoryTest : public testing::Test {
 protected:
  void Move(int64_t mono_ns, uint16_t from, uint16_t to, const ThreadKey& thread = kThread) {
    events_.Append({.thread = thread, .end_mono_ns = mono_ns, .cpu_out = from, .cpu_in = to, .is_migration = true});
  }
  void Interval(int64_t end_ns, int64_t off_ns, int64_t wait_ns) {
    events_.Append({.thread = kThread, .end_mono_ns = end_ns, .off_cpu_ns = off_ns, .wait_ns = wait_ns});
  }
  HistoryOfThreads Collect() const {
    return CollectHistory(events_, {.begin_mono_ns = kBegin, .end_mono_ns = kEnd, .end_read_ns = kMs},
                          [](const ThreadKey& thread) { return thread == kThread; });
  }

  SeqRing<SwitchEvent> events_{16};
};

TEST_F(ThreadHistoryTest, MovesOfTheWindowInTheOrderOfTime) {
  Move(kBegin - 500 * kMs, 0, 1);
  Move(kBegin + 100 * kMs, 1, 2);
  Move(kBegin + 200 * kMs, 5, 6, kOther);
  Move(kBegin + 300 * kMs, 2, 3);
  const HistoryOfThreads found = Collect();
  EXPECT_FALSE(found.truncated);
  ASSERT_EQ(found.threads.size(), 1u);
  const ThreadHistory& history = found.threads.at(kThread);
  ASSERT_EQ(history.migrations.size(), 2u);
  EXPECT_EQ(history.migrations[0].from_cpu, 1);
  EXPECT_EQ(history.migrations[0].to_cpu, 2);
  EXPECT_EQ(history.migrations[1].mono_ns, kBegin + 300 * kMs);
  EXPECT_EQ(history.edge_count, 0u);
}

TEST_F(ThreadHistoryTest, AMoveAtAnEdgeMayHaveBeenCountedOnItsOtherSide) {
  Move(kBegin + 100 * kMs, 1, 2);
  Move(kEnd + kMs / 2, 2, 1);
  const ThreadHistory history = Collect().threads.at(kThread);
  EXPECT_EQ(history.migrations.size(), 1u);
  EXPECT_EQ(history.edge_count, 1u);
}

TEST_F(ThreadHistoryTest, TheIntervalInProgressAtTheBeginIsTold) {
  Interval(kBegin - kMs, 5 * kMs, 0);
  Interval(kBegin + 3 * kMs, 10 * kMs, 4 * kMs);
  Interval(kBegin + 9 * kMs, 2 * kMs, 0);
  const ThreadHistory history = Collect().threads.at(kThread);
  EXPECT_EQ(history.off_before_ns, 7 * kMs);
  EXPECT_EQ(history.wait_before_ns, kMs);
}

TEST_F(ThreadHistoryTest, AnIntervalWithoutABeginningTellsNothing) {
  Interval(kBegin + 3 * kMs, -1, kMs);
  EXPECT_FALSE(Collect().threads.at(kThread).off_before_ns.has_value());
}

TEST_F(ThreadHistoryTest, OverwrittenEventsAreSaidToBeMissing) {
  for (int64_t i = 0; i < 20; ++i) Move(kBegin + i * kMs, 1, 2);
  const HistoryOfThreads found = Collect();
  EXPECT_TRUE(found.truncated);
  EXPECT_EQ(found.threads.at(kThread).migrations.size(), 16u);
}

}  // namespace
}  // namespace hftmon
