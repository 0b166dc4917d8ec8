// The windows' pieces: each thread's part of each of the finest buckets that are kept.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "daemon/store/window_store.h"
#include "tests/daemon/store/random_delta.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kWidth = 10 * kMs;

uint64_t SumOf(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

TEST(WindowPiecesTest, APieceIsWhatTheThreadsDeltaSaid) {
  WindowStore store({.slot_count = 64});
  ThreadDelta delta{.thread = ThreadOfSlot(5), .slot = 5};
  delta.off_cpu_ns = 700;
  delta.off_cpu_count = 3;
  delta.discarded_count = 1;
  delta.run_delay_ns = 90;
  delta.interrupted_ns[HFT_LEVEL_HARD] = 4;
  delta.interrupted_ns[HFT_LEVEL_SOFTIRQ] = 5;
  delta.kind_count[HFT_SWITCH_YIELD] = 2;
  delta.kind_count[HFT_SWITCH_EXIT] = 1;
  delta.depth[1] = 4;
  delta.depth[7] = 1;
  store.OnThreadDelta(delta);
  store.OnBucketClosed(0, kWidth, kWidth);
  store.OnBucketClosed(kWidth, 2 * kWidth, 2 * kWidth);
  std::vector<ThreadPiece> pieces;
  const WindowAnswer answer = store.QueryPieces(0, 2 * kWidth, {}, &pieces);
  ASSERT_EQ(pieces.size(), 1u) << "none of a bucket without activity";
  EXPECT_EQ(pieces[0].thread, ThreadOfSlot(5));
  EXPECT_EQ(pieces[0].begin_mono_ns, 0);
  EXPECT_EQ(pieces[0].end_mono_ns, kWidth);
  EXPECT_EQ(pieces[0].in_count, 5u);
  EXPECT_EQ(pieces[0].timed_count, 4u);
  EXPECT_EQ(pieces[0].out_count, 3u);
  EXPECT_EQ(pieces[0].off_cpu_ns, 700);
  EXPECT_EQ(pieces[0].run_delay_ns, 90);
  EXPECT_EQ(pieces[0].interrupted_ns, 9);
  EXPECT_EQ(answer.threads.size(), 1u);
  EXPECT_TRUE(store
                  .QueryPieces(
                      0, 2 * kWidth, [](const ThreadKey&) { return false; }, &pieces)
                  .threads.empty());
  EXPECT_TRUE(pieces.empty());
}

TEST(WindowPiecesTest, TheyComeFromTheFinestBucketsAndSumToTheWindow) {
  WindowStore store({.fine_bytes = 1u << 20, .second_bytes = 1u << 20, .minute_bytes = 1u << 20, .slot_count = 64});
  std::mt19937_64 random(3);
  constexpr int kBuckets = 3'000;
  for (int i = 0; i < kBuckets; ++i) {
    for (uint16_t slot = 1; slot <= 3; ++slot) {
      ThreadDelta delta{.thread = ThreadOfSlot(slot), .slot = slot};
      delta.off_cpu_ns = random() % 1'000;
      delta.off_cpu_count = 1 + random() % 5;
      delta.depth[2] = static_cast<uint32_t>(delta.off_cpu_count);
      if (random() % 2 == 0) store.OnThreadDelta(delta);
    }
    store.OnBucketClosed(i * kWidth, (i + 1) * kWidth, (i + 1) * kWidth);
  }
  std::vector<ThreadPiece> pieces;
  const WindowAnswer answer = store.QueryPieces(5 * kWidth, kBuckets * kWidth, {}, &pieces);
  EXPECT_EQ(answer.begin_mono_ns, 5 * kWidth);
  EXPECT_EQ(answer.end_mono_ns, kBuckets * kWidth);
  EXPECT_EQ(answer.resolution_ns, kWidth);
  std::map<uint32_t, ThreadPiece> sums;
  int64_t before_ns = 0;
  for (const ThreadPiece& piece : pieces) {
    EXPECT_EQ(piece.end_mono_ns - piece.begin_mono_ns, kWidth);
    EXPECT_GE(piece.begin_mono_ns, before_ns);
    before_ns = piece.begin_mono_ns;
    sums[piece.thread.tid].off_cpu_ns += piece.off_cpu_ns;
    sums[piece.thread.tid].in_count += piece.in_count;
  }
  const WindowAnswer coarse = store.Query(5 * kWidth, kBuckets * kWidth, {});
  EXPECT_GT(coarse.resolution_ns, kWidth) << "or this test proves nothing";
  ASSERT_EQ(coarse.threads.size(), 3u);
  for (const std::vector<ThreadWindow>& threads : {coarse.threads, answer.threads}) {
    for (const ThreadWindow& thread : threads) {
      EXPECT_EQ(static_cast<int64_t>(thread.off_cpu_ns), sums[thread.thread.tid].off_cpu_ns);
      EXPECT_EQ(SumOf(thread.depth), sums[thread.thread.tid].in_count);
    }
  }
}

TEST(WindowPiecesTest, WhatTheFinestBucketsNoLongerHaveComesFromCoarserOnes) {
  WindowStore store({.fine_bytes = 1u << 16, .second_bytes = 1u << 20, .minute_bytes = 1u << 20, .slot_count = 64});
  constexpr int kBuckets = 6'000;
  for (int i = 0; i < kBuckets; ++i) {
    ThreadDelta delta{.thread = ThreadOfSlot(1), .slot = 1};
    delta.off_cpu_ns = 1;
    delta.off_cpu_count = 1;
    store.OnThreadDelta(delta);
    store.OnBucketClosed(i * kWidth, (i + 1) * kWidth, (i + 1) * kWidth);
  }
  std::vector<ThreadPiece> pieces;
  const WindowAnswer answer = store.QueryPieces(0, kBuckets * kWidth, {}, &pieces);
  ASSERT_FALSE(pieces.empty());
  EXPECT_GT(pieces.front().end_mono_ns - pieces.front().begin_mono_ns, kWidth);
  EXPECT_EQ(pieces.back().end_mono_ns - pieces.back().begin_mono_ns, kWidth);
  int64_t at_ns = answer.begin_mono_ns;
  int64_t sum_ns = 0;
  for (const ThreadPiece& piece : pieces) {
    EXPECT_EQ(piece.begin_mono_ns, at_ns) << "no time twice, none left out";
    at_ns = piece.end_mono_ns;
    sum_ns += piece.off_cpu_ns;
  }
  EXPECT_EQ(at_ns, kBuckets * kWidth);
  EXPECT_EQ(sum_ns, (kBuckets * kWidth - answer.begin_mono_ns) / kWidth);
}

}  // namespace
}  // namespace hftmon
