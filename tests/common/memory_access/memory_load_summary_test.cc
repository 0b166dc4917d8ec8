#include "common/memory_access/memory_load_summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

MemoryAccess Load(AccessLevel level, std::optional<uint64_t> latency_cycles, TlbResult tlb = TlbResult::kHit, bool locked = false) {
  MemoryAccess access = LoadAt(0x1000, 1);
  access.latency_cycles = latency_cycles;
  access.source.level = level;
  access.source.tlb = tlb;
  access.source.locked = locked;
  return access;
}

// What a recording on a four-socket Xeon E5-4610 v2 holds: 14 loads, all from L1.
TEST(MemoryLoadSummaryTest, ARealRecordingsLoadsAreToldByLevelTlbAndLock) {
  MemoryLoadSummary summary;
  for (int i = 0; i < 10; ++i) summary.Add(Load(AccessLevel::kL1, 7));
  for (const uint64_t latency : {12, 12, 8}) summary.Add(Load(AccessLevel::kL1, latency));
  summary.Add(Load(AccessLevel::kL1, 519, TlbResult::kHit, true));
  EXPECT_EQ(summary.loads(), 14u);
  EXPECT_EQ(summary.level(AccessLevel::kL1).loads, 14u);
  EXPECT_EQ(summary.level(AccessLevel::kL1).latency.count(), 14u);
  EXPECT_EQ(summary.level(AccessLevel::kL1).latency.sum_cycles(), 621u);
  EXPECT_EQ(summary.level(AccessLevel::kL1).latency.max_cycles(), 519u);
  EXPECT_FALSE(summary.level(AccessLevel::kL1).latency.PercentileCycles(50).has_value());  // of too few
  EXPECT_FALSE(summary.level(AccessLevel::kL2).latency.max_cycles().has_value());
  EXPECT_FALSE(summary.level(AccessLevel::kL2).latency.mean_cycles().has_value());
  EXPECT_EQ(summary.tlb_hits(), 14u);
  EXPECT_EQ(summary.tlb_misses(), 0u);
  EXPECT_EQ(summary.tlb_unknown(), 0u);
  EXPECT_EQ(summary.locked(), 1u);
  EXPECT_EQ(summary.lock_unknown(), 0u);
  EXPECT_EQ(summary.hitm(), 0u);
}

TEST(MemoryLoadSummaryTest, AMissDoesNotTellWhatServedTheLoad) {
  MemoryLoadSummary summary;
  MemoryAccess missed = Load(AccessLevel::kL3, 200, TlbResult::kMiss);
  missed.source.level_hit = false;
  missed.source.tlb_walked = true;
  summary.Add(missed);
  MemoryAccess untold = Load(AccessLevel::kL2, std::nullopt, TlbResult::kUnknown);
  untold.source.level_hit.reset();
  untold.source.locked.reset();
  summary.Add(untold);
  EXPECT_EQ(summary.missed(AccessLevel::kL3), 1u);
  EXPECT_EQ(summary.level(AccessLevel::kL3).loads, 0u);
  EXPECT_EQ(summary.level(AccessLevel::kUnknown).loads, 1u);
  EXPECT_EQ(summary.level(AccessLevel::kUnknown).latency.sum_cycles(), 200u);
  EXPECT_EQ(summary.level(AccessLevel::kL2).loads, 1u);
  EXPECT_EQ(summary.level(AccessLevel::kL2).latency.count(), 0u);
  EXPECT_EQ(summary.tlb_misses(), 1u);
  EXPECT_EQ(summary.tlb_walks(), 1u);
  EXPECT_EQ(summary.tlb_unknown(), 1u);
  EXPECT_EQ(summary.lock_unknown(), 1u);
}

TEST(MemoryLoadSummaryTest, StoresAndOthersAreNoLoads) {
  MemoryLoadSummary summary;
  summary.Add(StoreAt(0x40, 1));
  MemoryAccess both = StoreAt(0x40, 1);
  both.source.load = true;
  summary.Add(both);
  summary.Add(MemoryAccess());
  EXPECT_EQ(summary.loads(), 1u);
  EXPECT_EQ(summary.stores(), 1u);
  EXPECT_EQ(summary.others(), 1u);
}

TEST(MemoryLoadSummaryTest, AnyOrderGivesTheSameAndAllSumsAgree) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<MemoryAccess> stream = RandomStream(random, 500, 10, 3);
    for (size_t i = 0; i < stream.size(); i += 5) stream[i].source.load = stream[i].source.store = false;
    MemoryLoadSummary summary;
    for (const MemoryAccess& access : stream) summary.Add(access);
    uint64_t loads = 0;
    for (size_t level = 0; level < MemoryLoadSummary::kLevels; ++level) loads += summary.level(static_cast<AccessLevel>(level)).loads;
    EXPECT_EQ(loads, summary.loads());
    EXPECT_EQ(summary.loads() + summary.stores() + summary.others(), stream.size());
    std::shuffle(stream.begin(), stream.end(), random);
    MemoryLoadSummary shuffled;
    for (const MemoryAccess& access : stream) shuffled.Add(access);
    EXPECT_EQ(shuffled, summary);
  }
}

TEST(LoadLatenciesTest, PercentilesAreWithinOnePercent) {
  std::mt19937_64 random(3);
  std::vector<uint64_t> values;
  LoadLatencies latencies;
  for (int i = 0; i < 5'000; ++i) {
    values.push_back(3 + (random() % 100'000 >> random() % 16));
    latencies.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {50.0, 90.0, 99.0}) {
    const auto exact = static_cast<double>(values[static_cast<size_t>(percent / 100 * 5'000) - 1]);
    EXPECT_NEAR(static_cast<double>(latencies.PercentileCycles(percent).value()), exact, exact / 100);
  }
}

TEST(LoadLatenciesTest, NoPercentileLiesAboveTheMaximum) {
  LoadLatencies latencies;
  for (int i = 0; i < 30; ++i) latencies.Add(65'536);  // the lowest of its bucket
  EXPECT_EQ(latencies.PercentileCycles(50), 65'536u);
}

TEST(LoadLatenciesTest, LatenciesOfAnySizeAreTaken) {
  LoadLatencies latencies;
  for (int i = 0; i < 30; ++i) latencies.Add(UINT64_MAX);
  EXPECT_EQ(latencies.sum_cycles(), UINT64_MAX);
  EXPECT_EQ(latencies.max_cycles(), UINT64_MAX);
  EXPECT_TRUE(latencies.PercentileCycles(50).has_value());
  LoadLatencies none;
  for (int i = 0; i < 30; ++i) none.Add(0);
  EXPECT_EQ(none.PercentileCycles(50), 0u);
  EXPECT_EQ(none.max_cycles(), 0u);
}

}  // namespace
}  // namespace hftmon
