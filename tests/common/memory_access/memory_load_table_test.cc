#include "common/memory_access/memory_load_table.h"

#include <gtest/gtest.h>

#include "tests/common/memory_access/sharing_streams.h"

namespace hftmon {
namespace {

TEST(MemoryLoadTableTest, OfNoLoadItHasNoLevel) {
  EXPECT_EQ(LoadTableOf({}), MemoryLoadTable());
}

TEST(MemoryLoadTableTest, LevelsStandNearestFirstAndTheUnknownLast) {
  MemoryLoadSummary summary;
  MemoryAccess load = LoadAt(0x1000, 1);
  load.latency_cycles = 4;
  for (int i = 0; i < 25; ++i) summary.Add(load);
  load.source.level = AccessLevel::kLocalDram;
  load.latency_cycles = 300;
  load.source.locked = true;
  summary.Add(load);
  load.source.level = AccessLevel::kL2;
  load.source.level_hit = false;
  load.latency_cycles.reset();
  summary.Add(load);
  summary.Add(StoreAt(0x1000, 1));
  const MemoryLoadTable table = LoadTableOf(summary);
  EXPECT_EQ(table.loads, 27u);
  EXPECT_EQ(table.stores, 1u);
  EXPECT_EQ(table.locked, 2u);
  EXPECT_EQ(table.tlb_hits + table.tlb_misses + table.tlb_unknown, 27u);
  ASSERT_EQ(table.levels.size(), 4u);
  EXPECT_EQ(table.levels[0], (LoadLevelRow{.level = AccessLevel::kL1,
                                           .loads = 25,
                                           .latency_count = 25,
                                           .latency_sum_cycles = 100,
                                           .latency_max_cycles = 4,
                                           .latency_p50_cycles = 4}));
  EXPECT_EQ(table.levels[1], (LoadLevelRow{.level = AccessLevel::kL2, .missed = 1}));
  EXPECT_EQ(table.levels[2].level, AccessLevel::kLocalDram);
  EXPECT_EQ(table.levels[2].latency_max_cycles, 300u);
  EXPECT_FALSE(table.levels[2].latency_p50_cycles.has_value()) << "of one there is no median";
  EXPECT_EQ(table.levels[3], (LoadLevelRow{.level = AccessLevel::kUnknown, .loads = 1})) << "what served the miss was not told";
}

}  // namespace
}  // namespace hftmon
