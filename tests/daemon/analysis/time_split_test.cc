#include "daemon/analysis/time_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kWidth = 10 * kMs;

int64_t SumOf(const TimeSplit& split) {
  return split.running_ns + split.run_queue_wait_ns + split.blocked_ns + split.interrupted_ns;
}

// A thread's life as it was: off its CPU in the intervals, each of which waits for `wait_ns` at its end.
struct Off {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t wait_ns = 0;
};

// What the store would have of it in buckets of kWidth over [begin, end).
std::vector<ThreadPiece> PiecesOf(const std::vector<Off>& truth, int64_t begin_ns, int64_t end_ns) {
  std::vector<ThreadPiece> pieces;
  for (int64_t at = begin_ns; at < end_ns; at += kWidth) {
    ThreadPiece piece{.begin_mono_ns = at, .end_mono_ns = at + kWidth};
    for (const Off& off : truth) {
      if (off.begin_ns >= at && off.begin_ns < at + kWidth) ++piece.out_count;
      if (off.end_ns < at || off.end_ns >= at + kWidth) continue;
      ++piece.in_count;
      ++piece.timed_count;
      piece.off_cpu_ns += off.end_ns - off.begin_ns;
      piece.run_delay_ns += off.wait_ns;
    }
    if (piece.in_count > 0 || piece.out_count > 0) pieces.push_back(piece);
  }
  return pieces;
}

ThreadLife LifeOf(const std::vector<Off>& truth, int64_t begin_ns, int64_t end_ns) {
  ThreadLife life{.begin_ns = begin_ns, .end_ns = end_ns};
  for (const Off& off : truth) {
    if (off.begin_ns >= end_ns || off.end_ns < end_ns) continue;
    life.off_at_end = true;
    life.off_since_ns = off.begin_ns;
  }
  return life;
}

int64_t OffWithin(const std::vector<Off>& truth, int64_t begin_ns, int64_t end_ns) {
  int64_t sum_ns = 0;
  for (const Off& off : truth) sum_ns += std::max<int64_t>(0, std::min(off.end_ns, end_ns) - std::max(off.begin_ns, begin_ns));
  return sum_ns;
}

TEST(TimeSplitTest, WhoSleptAllTheWhileRanNotAtAll) {
  const ThreadLife life{.begin_ns = 1'000 * kMs, .end_ns = 11'000 * kMs, .off_at_end = true, .off_since_ns = 5 * kMs};
  const TimeSplit split = SplitTime(life, {});
  EXPECT_EQ(split.running_ns, 0);
  EXPECT_EQ(split.run_queue_wait_ns, 0);
  EXPECT_EQ(split.blocked_ns, 10'000 * kMs);
}

TEST(TimeSplitTest, WhoWasPreemptedAndStillIsWaits) {
  const ThreadLife life{.begin_ns = 0, .end_ns = 100 * kMs, .off_at_end = true, .off_since_ns = -5 * kMs, .waiting_at_end = true};
  const TimeSplit split = SplitTime(life, {});
  EXPECT_EQ(split.running_ns, 0);
  EXPECT_EQ(split.run_queue_wait_ns, 100 * kMs);
  EXPECT_EQ(split.blocked_ns, 0);
}

TEST(TimeSplitTest, WhoNeverLeftItsCpuRanButForInterrupts) {
  const std::vector<ThreadPiece> pieces = {{.begin_mono_ns = 20 * kMs, .end_mono_ns = 30 * kMs, .interrupted_ns = 2 * kMs}};
  const TimeSplit split = SplitTime({.begin_ns = 0, .end_ns = 100 * kMs}, pieces);
  EXPECT_EQ(split.running_ns, 98 * kMs);
  EXPECT_EQ(split.interrupted_ns, 2 * kMs);
  EXPECT_EQ(SumOf(split), 100 * kMs);
}

TEST(TimeSplitTest, IntervalsWithinTheWindowAreExact) {
  const std::vector<Off> truth = {{12 * kMs, 13 * kMs, kMs / 4}, {25 * kMs, 67 * kMs, 2 * kMs}, {71 * kMs, 72 * kMs, 0}};
  const TimeSplit split = SplitTime(LifeOf(truth, 0, 100 * kMs), PiecesOf(truth, 0, 100 * kMs));
  EXPECT_EQ(split.run_queue_wait_ns + split.blocked_ns, 44 * kMs);
  EXPECT_EQ(split.run_queue_wait_ns, 2 * kMs + kMs / 4);
  EXPECT_EQ(split.running_ns, 56 * kMs);
}

TEST(TimeSplitTest, AnIntervalThatGoesOnCountsSoFar) {
  const std::vector<Off> truth = {{42 * kMs, 500 * kMs, 0}};
  const TimeSplit split = SplitTime(LifeOf(truth, 0, 100 * kMs), PiecesOf(truth, 0, 100 * kMs));
  EXPECT_EQ(split.running_ns, 42 * kMs);
  EXPECT_EQ(split.blocked_ns, 58 * kMs);
}

TEST(TimeSplitTest, OfAnIntervalThatBeganBeforeOnlyThisWindowsPartCounts) {
  const std::vector<Off> truth = {{-700 * kMs, 34 * kMs, 0}};
  ThreadLife life = LifeOf(truth, 0, 100 * kMs);
  const std::vector<ThreadPiece> pieces = PiecesOf(truth, 0, 100 * kMs);
  const TimeSplit near = SplitTime(life, pieces);
  EXPECT_NEAR(static_cast<double>(near.blocked_ns), 34.0 * kMs, kWidth / 2) << "to a bucket";
  life.off_before_ns = 700 * kMs;
  const TimeSplit exact = SplitTime(life, pieces);
  EXPECT_EQ(exact.blocked_ns, 34 * kMs) << "the history has it";
  EXPECT_EQ(exact.running_ns, 66 * kMs);
}

TEST(TimeSplitTest, WaitingBeforeTheWindowIsNotInIt) {
  const std::vector<Off> truth = {{-300 * kMs, 34 * kMs, 234 * kMs}};
  ThreadLife life = LifeOf(truth, 0, 100 * kMs);
  life.off_before_ns = 300 * kMs;
  life.wait_before_ns = 200 * kMs;
  const TimeSplit split = SplitTime(life, PiecesOf(truth, 0, 100 * kMs));
  EXPECT_EQ(split.run_queue_wait_ns, 34 * kMs);
  EXPECT_EQ(split.blocked_ns, 0);
  EXPECT_EQ(split.running_ns, 66 * kMs);
}

TEST(TimeSplitTest, ANewThreadWaitsForItsFirstCpu) {
  // Born at 3 ms, on its CPU from 5 ms on, in which no switch-out precedes.
  const std::vector<ThreadPiece> pieces = {
      {.begin_mono_ns = 0, .end_mono_ns = kWidth, .in_count = 1, .timed_count = 0, .out_count = 0, .run_delay_ns = 2 * kMs}};
  const TimeSplit split = SplitTime({.begin_ns = 3 * kMs, .end_ns = 20 * kMs, .born = true}, pieces);
  EXPECT_EQ(split.run_queue_wait_ns, 2 * kMs);
  EXPECT_EQ(split.running_ns, 15 * kMs);
}

TEST(TimeSplitTest, ASleepThatBeganBeforeWatchingIsInNoSumAndIsFoundAllTheSame) {
  // Asleep when it was attached; it came at some time of the bucket that begins at 50 ms.
  const std::vector<ThreadPiece> pieces = {{.begin_mono_ns = 50 * kMs, .end_mono_ns = 60 * kMs, .in_count = 1}};
  const TimeSplit split = SplitTime({.begin_ns = 0, .end_ns = 100 * kMs}, pieces);
  EXPECT_EQ(split.blocked_ns, 55 * kMs);
  EXPECT_EQ(split.running_ns, 45 * kMs);
}

TEST(TimeSplitTest, ThePartsSumToTheLifeWhateverTheThreadDid) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Off> truth;
    int64_t at = -300 * kMs;
    const int64_t scale = round % 3 == 0 ? kMs / 10 : round % 3 == 1 ? 3 * kMs : 60 * kMs;
    std::uniform_int_distribution<int64_t> length(1, scale);
    while (at < 1'200 * kMs) {
      const int64_t begin = at + length(random);
      const int64_t end = begin + length(random);
      truth.push_back({begin, end, std::min(end - begin, length(random) / 8)});
      at = end;
    }
    const int64_t window_ns = 1'000 * kMs;
    const std::vector<ThreadPiece> pieces = PiecesOf(truth, 0, window_ns);
    const TimeSplit split = SplitTime(LifeOf(truth, 0, window_ns), pieces);
    ASSERT_EQ(SumOf(split), window_ns) << round;
    ASSERT_GE(split.running_ns, 0);
    ASSERT_GE(split.blocked_ns, 0);
    // Only the interval at the window's begin is not known to the nanosecond.
    ASSERT_NEAR(static_cast<double>(split.run_queue_wait_ns + split.blocked_ns), static_cast<double>(OffWithin(truth, 0, window_ns)),
                kWidth)
        << round;
    ASSERT_EQ(split.RunningUntil(window_ns), split.running_ns);
    // Within the window it is known to some buckets: the running time never goes back.
    int64_t before_ns = 0;
    for (const TimeSplit::Knot& knot : split.knots) {
      ASSERT_GE(knot.running_ns, before_ns);
      before_ns = knot.running_ns;
      const int64_t true_ns = knot.mono_ns - OffWithin(truth, 0, knot.mono_ns);
      ASSERT_NEAR(static_cast<double>(knot.running_ns), static_cast<double>(true_ns), 2 * kWidth) << round << " at " << knot.mono_ns;
    }
  }
}

TEST(TimeSplitTest, CountsThatDoNotFitMakeNoNegativePart) {
  std::mt19937 random(11);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<ThreadPiece> pieces;
    for (int64_t at = 0; at < 200 * kMs; at += kWidth) {
      pieces.push_back({.begin_mono_ns = at,
                        .end_mono_ns = at + kWidth,
                        .in_count = static_cast<uint32_t>(random() % 3),
                        .timed_count = static_cast<uint32_t>(random() % 3),
                        .out_count = static_cast<uint32_t>(random() % 3),
                        .off_cpu_ns = static_cast<int64_t>(random() % (50 * kMs)),
                        .run_delay_ns = static_cast<int64_t>(random() % (50 * kMs)),
                        .interrupted_ns = static_cast<int64_t>(random() % (20 * kMs))});
    }
    const ThreadLife life{.begin_ns = 5 * kMs,
                          .end_ns = 195 * kMs,
                          .born = random() % 2 == 0,
                          .off_at_end = random() % 2 == 0,
                          .off_since_ns = static_cast<int64_t>(random() % (200 * kMs))};
    const TimeSplit split = SplitTime(life, pieces);
    ASSERT_EQ(SumOf(split), 190 * kMs) << round;
    for (const int64_t part_ns : {split.running_ns, split.run_queue_wait_ns, split.blocked_ns, split.interrupted_ns}) ASSERT_GE(part_ns, 0);
  }
}

TEST(SplitByCpuTest, WithoutAMoveAllIsOnOneCpu) {
  const TimeSplit split = SplitTime({.begin_ns = 0, .end_ns = 100 * kMs}, {});
  const RunningByCpu running = SplitByCpu(split, {}, 3);
  ASSERT_EQ(running.cpus.size(), 1u);
  EXPECT_EQ(running.cpus[0].cpu, 3);
  EXPECT_EQ(running.cpus[0].running_ns, 100 * kMs);
  EXPECT_EQ(running.doubtful_ns, 0);
}

TEST(SplitByCpuTest, RunningTimeGoesToWhereItWasAndSumsToAll) {
  // Asleep from 25 to 65 ms, moved while it wakes; then it runs on.
  const std::vector<Off> truth = {{25 * kMs, 65 * kMs, 0}};
  const TimeSplit split = SplitTime(LifeOf(truth, 0, 200 * kMs), PiecesOf(truth, 0, 200 * kMs));
  const std::vector<Migration> moves = {{.mono_ns = 65 * kMs, .from_cpu = 0, .to_cpu = 1}};
  const RunningByCpu running = SplitByCpu(split, moves, -1);
  ASSERT_EQ(running.cpus.size(), 2u);
  EXPECT_EQ(running.cpus[0].cpu, 1) << "largest first";
  EXPECT_EQ(running.cpus[0].running_ns + running.cpus[1].running_ns, split.running_ns);
  EXPECT_NEAR(static_cast<double>(running.cpus[1].running_ns), 25.0 * kMs, kWidth);
  EXPECT_LE(running.doubtful_ns, kWidth) << "of the bucket in which it moved";
  EXPECT_GT(running.doubtful_ns, 0);
}

// A spinner that is preempted now and then, whose record of one switch is missing.
class UnseenSwitch : public ::testing::Test {
 protected:
  UnseenSwitch() {
    for (int64_t i = 1; i < 100; ++i) truth_.push_back({.begin_ns = i * 100 * kMs + kMs, .end_ns = i * 100 * kMs + kMs + 50'000});
    pieces_ = PiecesOf(truth_, 0, kEnd);
    life_ = LifeOf(truth_, 0, kEnd);
  }
  void ExpectRunning() const {
    const TimeSplit split = SplitTime(life_, pieces_);
    EXPECT_EQ(SumOf(split), kEnd);
    EXPECT_GT(split.running_ns, kEnd * 95 / 100) << "it ran nearly all the time";
  }

  static constexpr int64_t kEnd = 10'000 * kMs;
  std::vector<Off> truth_;
  std::vector<ThreadPiece> pieces_;
  ThreadLife life_;
};

TEST_F(UnseenSwitch, AComingThatWasNotSeenDoesNotTurnTheRestOver) {
  pieces_[10].in_count = 0;
  pieces_[10].timed_count = 0;
  pieces_[10].off_cpu_ns = 0;
  ExpectRunning();
}

TEST_F(UnseenSwitch, AGoingThatWasNotSeenDoesNotTurnTheRestOver) {
  pieces_[10].out_count = 0;
  pieces_[10].timed_count = 0;
  pieces_[10].off_cpu_ns = 0;
  ExpectRunning();
}

TEST_F(UnseenSwitch, AnEndThatWasReadALittleLaterDoesNotTurnTheWindowOver) {
  life_.off_at_end = true;
  life_.off_since_ns = kEnd - kMs;
  ExpectRunning();
}

}  // namespace
}  // namespace hftmon
