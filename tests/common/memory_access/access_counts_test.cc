#include "common/memory_access/access_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

AccessCounts CountsOf(std::span<const MemoryAccess> stream) {
  AccessCounts counts;
  for (const MemoryAccess& access : stream) counts.Add(access);
  return counts;
}

TEST(AccessCountsTest, HitmIsLocalRemoteOrNotPlaced) {
  MemoryAccess unplaced = HitmAt(0x40, 1);
  unplaced.source.level = AccessLevel::kPeerCache;
  MemoryAccess untold = HitmAt(0x40, 1);
  untold.source.level = AccessLevel::kUnknown;
  MemoryAccess far = unplaced;
  far.source.remote = true;
  const AccessCounts counts = CountsOf(std::vector{HitmAt(0x40, 1), RemoteHitmAt(0x40, 1), unplaced, untold, far});
  EXPECT_EQ(counts.hitm_local, 1u);
  EXPECT_EQ(counts.hitm_remote, 2u);
  EXPECT_EQ(counts.hitm_unplaced, 2u);
  EXPECT_EQ(counts.hitm(), 5u);
  EXPECT_EQ(counts.contended(), 5u);
}

TEST(AccessCountsTest, APeersLineIsContendedAndNoHitm) {
  MemoryAccess peer = LoadAt(0x40, 1);
  peer.source.peer = true;
  MemoryAccess dirty = HitmAt(0x40, 1);
  dirty.source.peer = true;
  const AccessCounts counts = CountsOf(std::vector{peer, dirty});
  EXPECT_EQ(counts.hitm(), 1u);
  EXPECT_EQ(counts.peer, 1u);
  EXPECT_EQ(counts.contended(), 2u);
}

TEST(AccessCountsTest, ALockedLoadWrites) {
  MemoryAccess locked = LoadAt(0x40, 1);
  locked.source.locked = true;
  MemoryAccess both = StoreAt(0x40, 1);
  both.source.load = true;
  const AccessCounts counts = CountsOf(std::vector{locked, both, StoreAt(0x40, 1), LoadAt(0x40, 1)});
  EXPECT_EQ(counts.accesses, 4u);
  EXPECT_EQ(counts.loads, 3u);
  EXPECT_EQ(counts.stores, 2u);
  EXPECT_EQ(counts.locked, 1u);
  EXPECT_EQ(counts.writes, 3u);
}

TEST(AccessCountsTest, StoresHitOrMissTheFirstLevelOrDoNotSay) {
  MemoryAccess missed = StoreAt(0x40, 1);
  missed.source.level_hit = false;
  MemoryAccess untold = StoreAt(0x40, 1);
  untold.source.level_hit.reset();
  MemoryAccess elsewhere = StoreAt(0x40, 1);
  elsewhere.source.level = AccessLevel::kL2;
  const AccessCounts counts = CountsOf(std::vector{StoreAt(0x40, 1), missed, untold, elsewhere});
  EXPECT_EQ(counts.stores, 4u);
  EXPECT_EQ(counts.store_l1_hits, 1u);
  EXPECT_EQ(counts.store_l1_misses, 1u);
}

TEST(AccessCountsTest, WhatIsNoAccessCountsNowhere) {
  MemoryAccess access = HitmAt(0x40, 1, 100);
  access.source.load = false;
  EXPECT_EQ(CountsOf(std::vector{access}), AccessCounts());
  EXPECT_FALSE(IsContended(access));
  EXPECT_FALSE(IsWrite(access));
}

TEST(AccessCountsTest, CyclesAreWeighedByThePeriodAndMeansAreNot) {
  MemoryAccess dear = HitmAt(0x40, 1, 300);
  dear.period = 10;
  MemoryAccess of_no_period = HitmAt(0x40, 1, 50);
  of_no_period.period = 0;
  MemoryAccess cheap = LoadAt(0x40, 1);
  cheap.latency_cycles = 10;
  const AccessCounts counts = CountsOf(std::vector{dear, of_no_period, HitmAt(0x40, 1), cheap});
  EXPECT_EQ(counts.estimated_cycles(), 3'050u);
  EXPECT_EQ(counts.cycles_per_contended(), 175.0);
  EXPECT_EQ(counts.cycles_per_load(), 120.0);
}

TEST(AccessCountsTest, WithoutALatencyThereAreNoCycles) {
  const AccessCounts counts = CountsOf(std::vector{HitmAt(0x40, 1), StoreAt(0x40, 1)});
  EXPECT_FALSE(counts.estimated_cycles().has_value());
  EXPECT_FALSE(counts.cycles_per_contended().has_value());
  EXPECT_FALSE(counts.cycles_per_load().has_value());
}

TEST(AccessCountsTest, SumsEndAtTheHighestNumberInAnyOrder) {
  MemoryAccess huge = HitmAt(0x40, 1, UINT64_MAX);
  huge.period = UINT64_MAX;
  std::vector<MemoryAccess> stream{huge, huge, HitmAt(0x40, 1, 7)};
  const AccessCounts counts = CountsOf(stream);
  EXPECT_EQ(counts.estimated_cycles(), UINT64_MAX);
  EXPECT_EQ(counts.contended_latency_cycles, UINT64_MAX);
  EXPECT_EQ(counts.load_latency_cycles, UINT64_MAX);
  std::reverse(stream.begin(), stream.end());
  EXPECT_EQ(CountsOf(stream), counts);
}

TEST(AccessCountsTest, PartsSumToTheWhole) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    const std::vector<MemoryAccess> stream = RandomStream(random, 200, 4, 3);
    const size_t cut = random() % stream.size();
    AccessCounts sum = CountsOf(std::span(stream).first(cut));
    sum.Add(CountsOf(std::span(stream).subspan(cut)));
    EXPECT_EQ(Described(sum), Described(CountsOf(stream)));
    EXPECT_EQ(sum, CountsOf(stream));
  }
}

}  // namespace
}  // namespace hftmon
