#include "common/perf/data_source.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string_view>

namespace hftmon {
namespace {

// Of the kernel's union, each at its place.
constexpr uint64_t Load() {
  return 2;
}
constexpr uint64_t Store() {
  return 4;
}
constexpr uint64_t Level(uint64_t bits) {
  return bits << 5;
}
constexpr uint64_t Snoop(uint64_t bits) {
  return bits << 19;
}
constexpr uint64_t Tlb(uint64_t bits) {
  return bits << 26;
}
constexpr uint64_t Number(uint64_t number) {
  return number << 33;
}
constexpr uint64_t kOther = uint64_t{1} << 37;
constexpr uint64_t Hops(uint64_t hops) {
  return hops << 43;
}
constexpr uint64_t kHit = 2, kMiss = 4;

TEST(DataSourceTest, AnL1HitOfAnIvyBridgeIsAllThere) {
  const DataSource source = DecodeDataSource(0x68100142);
  DataSource expected;
  expected.load = true;
  expected.level = AccessLevel::kL1;
  expected.level_hit = true;
  expected.snoop = SnoopResult::kNone;
  expected.locked = false;
  expected.tlb = TlbResult::kHit;
  EXPECT_EQ(source, expected);
  expected.locked = true;
  EXPECT_EQ(DecodeDataSource(0x6a100142), expected);
  expected.locked = false;
  expected.level = AccessLevel::kLineFillBuffer;
  EXPECT_EQ(DecodeDataSource(0x68100242), expected);
  expected.level = AccessLevel::kL2;
  EXPECT_EQ(DecodeDataSource(0x68100442), expected);
}

TEST(DataSourceTest, WhatIsNotAvailableIsNoAccessAndSaysNothing) {
  // On every sample of an event without such hardware.
  const DataSource source = DecodeDataSource(0x1e05080021);
  EXPECT_FALSE(source.IsAccess());
  EXPECT_FALSE(source.IsHitm());
  EXPECT_EQ(source, DataSource());
  EXPECT_EQ(DecodeDataSource(0), DataSource());
  EXPECT_FALSE(DecodeDataSource(8).IsAccess()) << "a prefetch";
  EXPECT_FALSE(DecodeDataSource(16).IsAccess()) << "an instruction's fetch";
  EXPECT_TRUE(DecodeDataSource(Load() | Store()).load);
  EXPECT_TRUE(DecodeDataSource(Load() | Store()).store);
}

TEST(DataSourceTest, TheFarthestOldLevelIsWhatServed) {
  const auto level = [](uint64_t bits) { return DecodeDataSource(Load() | Level(kHit | bits)); };
  EXPECT_EQ(level(8).level, AccessLevel::kL1);
  EXPECT_EQ(level(16).level, AccessLevel::kLineFillBuffer);
  EXPECT_EQ(level(32).level, AccessLevel::kL2);
  EXPECT_EQ(level(64).level, AccessLevel::kL3);
  EXPECT_EQ(level(128).level, AccessLevel::kLocalDram);
  for (const uint64_t bit : {256, 512}) EXPECT_EQ(level(bit).level, AccessLevel::kRemoteDram);
  for (const uint64_t bit : {1024, 2048}) EXPECT_EQ(level(bit).level, AccessLevel::kRemoteCache);
  EXPECT_EQ(level(4096).level, AccessLevel::kIo);
  EXPECT_EQ(level(8192).level, AccessLevel::kUncached);
  EXPECT_TRUE(level(256).remote && level(1024).remote);
  EXPECT_FALSE(level(128).remote || level(64).remote);
  EXPECT_EQ(level(8 | 64).level, AccessLevel::kL3);
  EXPECT_EQ(level(64 | 1024).level, AccessLevel::kRemoteCache);
  // The newer number is not asked where the old field has said it.
  EXPECT_EQ(DecodeDataSource(Load() | Level(kHit | 8) | Number(13)).level, AccessLevel::kL1);
}

TEST(DataSourceTest, TheNumberIsBelievedWhereTheOldFieldNamesNoLevel) {
  constexpr AccessLevel kExpected[] = {AccessLevel::kUnknown,
                                       AccessLevel::kL1,
                                       AccessLevel::kL2,
                                       AccessLevel::kL3,
                                       AccessLevel::kL4,
                                       AccessLevel::kLineFillBuffer,
                                       AccessLevel::kUnknown,
                                       AccessLevel::kL1,
                                       AccessLevel::kUncached,
                                       AccessLevel::kCxl,
                                       AccessLevel::kIo,
                                       AccessLevel::kPeerCache,
                                       AccessLevel::kLineFillBuffer,
                                       AccessLevel::kLocalDram,
                                       AccessLevel::kPersistentMemory,
                                       AccessLevel::kUnknown};
  for (uint64_t number = 0; number < 16; ++number) {
    for (const uint64_t old : {Level(0), Level(1), Level(kHit)}) {
      const DataSource source = DecodeDataSource(Load() | old | Number(number));
      EXPECT_EQ(source.level, kExpected[number]) << number << " beside " << old;
      EXPECT_FALSE(source.remote);
    }
  }
}

TEST(DataSourceTest, WhatIsElsewhereIsRemoteUnlessItIsOnlyAnotherCore) {
  const auto decode = [](uint64_t bits) { return DecodeDataSource(Load() | Level(kHit) | kOther | bits); };
  EXPECT_EQ(decode(Number(13)).level, AccessLevel::kRemoteDram);
  EXPECT_EQ(decode(Number(11)).level, AccessLevel::kRemoteCache);
  EXPECT_EQ(decode(Number(3)).level, AccessLevel::kRemoteCache);
  EXPECT_TRUE(decode(Number(11)).remote);
  for (const uint64_t hops : {2, 3, 4}) EXPECT_EQ(decode(Number(11) | Hops(hops)).level, AccessLevel::kRemoteCache);
  EXPECT_EQ(decode(Number(11) | Hops(1)).level, AccessLevel::kPeerCache);
  EXPECT_EQ(decode(Number(2) | Hops(1)).level, AccessLevel::kPeerCache);
  EXPECT_EQ(decode(Number(13) | Hops(1)).level, AccessLevel::kLocalDram);
  EXPECT_FALSE(decode(Number(11) | Hops(1)).remote);
  EXPECT_EQ(DecodeDataSource(Load() | Level(kHit | 64) | kOther).level, AccessLevel::kRemoteCache);
}

TEST(DataSourceTest, AMissIsOfTheLevelThatItNamesAndAloneOfNone) {
  const DataSource store = DecodeDataSource(Store() | Level(kMiss | 8));
  EXPECT_EQ(store.level, AccessLevel::kL1);
  EXPECT_EQ(store.level_hit, std::optional(false));
  const DataSource alone = DecodeDataSource(Load() | Level(kMiss) | Number(3));
  EXPECT_EQ(alone.level, AccessLevel::kUnknown);
  EXPECT_EQ(alone.level_hit, std::optional(false));
  EXPECT_EQ(DecodeDataSource(Load() | Level(kHit | 8)).level_hit, std::optional(true));
  EXPECT_EQ(DecodeDataSource(Load()).level_hit, std::nullopt);
}

TEST(DataSourceTest, ModifiedLinesAndPeersAreToldApart) {
  const auto snoop = [](uint64_t bits) { return DecodeDataSource(Load() | Snoop(bits)); };
  EXPECT_EQ(snoop(1).snoop, SnoopResult::kUnknown);
  EXPECT_EQ(snoop(2).snoop, SnoopResult::kNone);
  EXPECT_EQ(snoop(4).snoop, SnoopResult::kHit);
  EXPECT_EQ(snoop(8).snoop, SnoopResult::kMiss);
  EXPECT_TRUE(snoop(16).IsHitm());
  EXPECT_TRUE(snoop(4 | 16).IsHitm());
  const DataSource peer = DecodeDataSource(Load() | uint64_t{2} << 38);
  EXPECT_TRUE(peer.peer);
  EXPECT_FALSE(peer.IsHitm());
  EXPECT_FALSE(DecodeDataSource(Load() | uint64_t{1} << 38).peer) << "forwarded, which says nothing of a peer";
}

TEST(DataSourceTest, TheTlbAndTheLockSayOnlyWhatTheyWereTold) {
  const auto tlb = [](uint64_t bits) { return DecodeDataSource(Load() | Tlb(bits)); };
  EXPECT_EQ(tlb(1).tlb, TlbResult::kUnknown);
  EXPECT_EQ(tlb(2 | 8).tlb, TlbResult::kHit);
  EXPECT_EQ(tlb(2 | 16).tlb, TlbResult::kHit);
  EXPECT_FALSE(tlb(2 | 16).tlb_walked);
  EXPECT_EQ(tlb(4 | 16).tlb, TlbResult::kMiss);
  EXPECT_TRUE(tlb(4 | 16).tlb_walked) << "a miss of the second level";
  EXPECT_FALSE(tlb(4 | 8).tlb_walked) << "of the first alone";
  EXPECT_EQ(tlb(2 | 32).tlb, TlbResult::kMiss) << "the walker's hit";
  EXPECT_TRUE(tlb(2 | 32).tlb_walked);
  EXPECT_TRUE(tlb(4 | 64).tlb_walked);
  EXPECT_EQ(DecodeDataSource(Load() | uint64_t{1} << 24).locked, std::nullopt);
  EXPECT_EQ(DecodeDataSource(Load() | uint64_t{2} << 24).locked, std::optional(true));
  EXPECT_EQ(DecodeDataSource(Load()).locked, std::optional(false));
}

TEST(DataSourceTest, EveryLevelHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int level = 0; level <= static_cast<int>(AccessLevel::kUncached); ++level) {
    EXPECT_TRUE(names.insert(AccessLevelName(static_cast<AccessLevel>(level))).second) << level;
  }
  EXPECT_EQ(AccessLevelName(AccessLevel::kLineFillBuffer), "LFB");
  EXPECT_EQ(AccessLevelName(AccessLevel::kRemoteCache), "remote_cache");
  EXPECT_EQ(AccessLevelName(AccessLevel::kUncached), "uncached");
  EXPECT_EQ(AccessLevelName(static_cast<AccessLevel>(99)), "unknown");
}

}  // namespace
}  // namespace hftmon
