#include "common/perf/spe_data_source.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

using Bit = SpeEventBit;

SpeRecord Load(uint64_t events, std::optional<uint64_t> code = std::nullopt) {
  SpeRecord record;
  record.operation = SpeOperation::kLoad;
  record.atomic = false;
  record.events = events;
  record.data_source = code;
  return record;
}

TEST(SpeDataSourceTest, CpusAreToldByTheirMidrWhateverTheRevision) {
  EXPECT_EQ(SpeSourceEncodingOf(0x410fd0c0), SpeSourceEncoding::kArm);     // Neoverse N1
  EXPECT_EQ(SpeSourceEncodingOf(0x413fd0c1), SpeSourceEncoding::kArm);     // r3p1
  EXPECT_EQ(SpeSourceEncodingOf(0x411fd401), SpeSourceEncoding::kArm);     // Neoverse V1
  EXPECT_EQ(SpeSourceEncodingOf(0x410fd490), SpeSourceEncoding::kArm);     // Neoverse N2
  EXPECT_EQ(SpeSourceEncodingOf(0x410fd4f1), SpeSourceEncoding::kArm);     // Neoverse V2
  EXPECT_EQ(SpeSourceEncodingOf(0xc00fac40), SpeSourceEncoding::kAmpere);  // AmpereOne AC04
  EXPECT_EQ(SpeSourceEncodingOf(0x480fd020), SpeSourceEncoding::kUnknown);
  EXPECT_EQ(SpeSourceEncodingOf(0x410fd030), SpeSourceEncoding::kUnknown);  // Cortex-A53, which has no SPE
  EXPECT_EQ(SpeSourceEncodingOf(0), SpeSourceEncoding::kUnknown);
}

TEST(SpeDataSourceTest, CodesOfNeoverseNameWhatServedALoad) {
  struct Row {
    uint64_t code;
    AccessLevel level;
    bool peer;
    bool remote;
  };
  for (const Row& row : {Row{0x0, AccessLevel::kL1, false, false}, Row{0x8, AccessLevel::kL2, false, false},
                         Row{0x9, AccessLevel::kPeerCache, true, false}, Row{0xa, AccessLevel::kPeerCache, true, false},
                         Row{0xb, AccessLevel::kL3, false, false}, Row{0xc, AccessLevel::kPeerCache, true, false},
                         Row{0xd, AccessLevel::kRemoteCache, true, true}, Row{0xe, AccessLevel::kLocalDram, false, false}}) {
    const DataSource source = SpeDataSource(Load(Bit::kL1Access | Bit::kL1Refill, row.code), SpeSourceEncoding::kArm);
    EXPECT_TRUE(source.load && !source.store) << row.code;
    EXPECT_EQ(source.level, row.level) << row.code;
    EXPECT_EQ(source.level_hit, std::optional(true)) << row.code;
    EXPECT_EQ(source.peer, row.peer) << row.code;
    EXPECT_EQ(source.remote, row.remote) << row.code;
    EXPECT_FALSE(source.IsHitm()) << row.code;
    EXPECT_EQ(source.locked, std::optional(false)) << row.code;
  }
  const DataSource far = SpeDataSource(Load(Bit::kRemoteAccess, 0xe), SpeSourceEncoding::kArm);
  EXPECT_EQ(far.level, AccessLevel::kRemoteDram);
  EXPECT_TRUE(far.remote);
}

TEST(SpeDataSourceTest, ACodeMeansWhatItsCpuMeansByIt) {
  EXPECT_EQ(SpeDataSource(Load(0, 0x8), SpeSourceEncoding::kAmpere).level, AccessLevel::kL1);
  EXPECT_EQ(SpeDataSource(Load(0, 0x9), SpeSourceEncoding::kAmpere).level, AccessLevel::kL2);
  EXPECT_EQ(SpeDataSource(Load(0, 0x7), SpeSourceEncoding::kAmpere).level, AccessLevel::kLocalDram);
  EXPECT_TRUE(SpeDataSource(Load(0, 0x0), SpeSourceEncoding::kAmpere).peer);
  // Of an unknown CPU, or of a code that is none, the events tell.
  for (const auto& [code, encoding] : {std::pair{0x9, SpeSourceEncoding::kUnknown}, std::pair{0x77, SpeSourceEncoding::kArm}}) {
    const DataSource source = SpeDataSource(Load(Bit::kL1Access, code), encoding);
    EXPECT_EQ(source.level, AccessLevel::kL1);
    EXPECT_EQ(source.level_hit, std::optional(true));
    EXPECT_FALSE(source.peer);
  }
}

TEST(SpeDataSourceTest, WithoutACodeTheFarthestCacheThatWasAskedCounts) {
  const auto of = [](uint64_t events) { return SpeDataSource(Load(events), SpeSourceEncoding::kArm); };
  EXPECT_EQ(of(Bit::kL1Access | Bit::kL1Refill).level, AccessLevel::kL1);
  EXPECT_EQ(of(Bit::kL1Access | Bit::kL1Refill).level_hit, std::optional(false));
  EXPECT_EQ(of(Bit::kL1Access | Bit::kL1Refill | Bit::kL2Access).level, AccessLevel::kL2);
  EXPECT_EQ(of(Bit::kL1Access | Bit::kL1Refill | Bit::kL2Access).level_hit, std::optional(true));
  EXPECT_EQ(of(Bit::kL1Refill | Bit::kLastLevelAccess).level, AccessLevel::kL3);
  EXPECT_EQ(of(Bit::kLastLevelAccess | Bit::kLastLevelMiss).level_hit, std::optional(false));
  EXPECT_EQ(of(Bit::kL1Access | Bit::kRecentlyFetched).level, AccessLevel::kLineFillBuffer);
  EXPECT_EQ(of(0).level, AccessLevel::kUnknown);
  EXPECT_FALSE(of(0).level_hit.has_value());
  const DataSource remote = of(Bit::kLastLevelAccess | Bit::kLastLevelMiss | Bit::kRemoteAccess);
  EXPECT_TRUE(remote.remote);
  EXPECT_EQ(remote.level, AccessLevel::kUnknown) << "cache or memory, is not told";
}

TEST(SpeDataSourceTest, OnlyWhatWasSnoopedAndModifiedIsHitm) {
  const auto of = [](uint64_t events, uint64_t code) { return SpeDataSource(Load(events, code), SpeSourceEncoding::kArm); };
  EXPECT_FALSE(of(Bit::kDataModified, 0x0).IsHitm()) << "modified in its own cache";
  EXPECT_EQ(of(Bit::kDataSnooped, 0x9).snoop, SnoopResult::kHit);
  EXPECT_TRUE(of(Bit::kDataSnooped, 0xb).peer) << "through the system's cache, from another core's";
  EXPECT_TRUE(of(Bit::kDataSnooped | Bit::kDataModified, 0x9).IsHitm());
}

TEST(SpeDataSourceTest, StoresHaveNoCodeAndAtomicsAreLocked) {
  SpeRecord store = Load(Bit::kL1Access | Bit::kL1Refill | Bit::kTlbAccess | Bit::kTlbWalk, 0x9);
  store.operation = SpeOperation::kStore;
  store.atomic = true;
  const DataSource source = SpeDataSource(store, SpeSourceEncoding::kArm);
  EXPECT_TRUE(source.store && !source.load);
  EXPECT_EQ(source.level, AccessLevel::kL1);
  EXPECT_EQ(source.level_hit, std::optional(false));
  EXPECT_FALSE(source.peer);
  EXPECT_EQ(source.locked, std::optional(true));
  EXPECT_EQ(source.tlb, TlbResult::kMiss);
  EXPECT_TRUE(source.tlb_walked);
  EXPECT_EQ(SpeDataSource(Load(Bit::kTlbAccess), SpeSourceEncoding::kArm).tlb, TlbResult::kHit);
  EXPECT_EQ(SpeDataSource(Load(0), SpeSourceEncoding::kArm).tlb, TlbResult::kUnknown);
  SpeRecord branch;
  branch.operation = SpeOperation::kBranch;
  branch.events = Bit::kL1Access;
  EXPECT_EQ(SpeDataSource(branch, SpeSourceEncoding::kArm), DataSource());
}

}  // namespace
}  // namespace hftmon
