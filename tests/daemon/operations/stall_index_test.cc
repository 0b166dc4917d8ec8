#include "daemon/operations/stall_index.h"

#include <gtest/gtest.h>

#include "tests/daemon/operations/made_stall.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(StallIndexTest, GathersTheStallsOfThoseThatAreWantedByTheirBeginning) {
  SeqRing<Stall> ring(16);
  ring.Append(MakeStall(SpikeKind::kPreempted, 100 * kMs, kMs, {ByThread(1, kMs)}));
  ring.Append(MakeStall(SpikeKind::kPreempted, 300 * kMs, kMs, {ByThread(2, kMs)}));
  ring.Append(MakeStall(SpikeKind::kPreempted, 250 * kMs, kMs, {ByThread(3, kMs)}));
  ring.Append(MakeStall(SpikeKind::kPreempted, 260 * kMs, kMs, {}, {.tid = 55, .tgid = 55, .start_ns = 1}));
  ring.Append(MakeStall(SpikeKind::kPreempted, 260 * kMs, kMs, {}, {.tid = 101, .tgid = 100, .start_ns = 6}));
  StallIndex index;
  index.Want(kMadeThread);
  index.Gather(ring, 200 * kMs);
  const std::span<const Stall> found = index.Of(kMadeThread, 200 * kMs, 400 * kMs);
  ASSERT_EQ(found.size(), 2u) << "not an earlier thread's of the same number";
  EXPECT_EQ(found[0].causes[0].tid, 3u);
  EXPECT_EQ(found[1].causes[0].tid, 2u);
  EXPECT_EQ(index.Of(kMadeThread, 200 * kMs, 260 * kMs).size(), 1u);
  EXPECT_EQ(index.complete_since_mono_ns(), INT64_MIN);
  EXPECT_TRUE(index.Of({.tid = 55, .tgid = 55, .start_ns = 1}, 0, 400 * kMs).empty()) << "nobody wants it";
}

TEST(StallIndexTest, SaysSinceWhenItIsCompleteWhereTheRingDoesNotReachBack) {
  SeqRing<Stall> ring(4);
  for (int64_t i = 0; i < 10; ++i) ring.Append(MakeStall(SpikeKind::kPreempted, (100 + i * 50) * kMs, kMs, {}));
  StallIndex index;
  index.Want(kMadeThread);
  index.Gather(ring, 0);
  EXPECT_EQ(index.Of(kMadeThread, 0, 1'000 * kMs).size(), 4u);
  EXPECT_EQ(index.complete_since_mono_ns(), (100 + 6 * 50 + 1) * kMs + StallIndex::kDisorderNs);
}

TEST(StallIndexTest, AStallThatStandsBeforeOlderOnesIsFound) {
  SeqRing<Stall> ring(16);
  ring.Append(MakeStall(SpikeKind::kPreempted, 500 * kMs, kMs, {}));
  ring.Append(MakeStall(SpikeKind::kInterrupted, 485 * kMs, kMs, {}));  // held for a while
  StallIndex index;
  index.Want(kMadeThread);
  index.Gather(ring, 495 * kMs);
  EXPECT_EQ(index.Of(kMadeThread, 495 * kMs, 510 * kMs).size(), 1u);
}

}  // namespace
}  // namespace hftmon
