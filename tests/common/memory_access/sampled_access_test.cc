#include "common/memory_access/sampled_access.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(SampledAccessTest, WhatASampleTellsIsTheAccess) {
  const PerfSample sample{.ip = 0x401000,
                          .pid = 7,
                          .tid = 8,
                          .time_ns = 9,
                          .address = 0x7000,
                          .cpu = 3,
                          .period = 11,
                          .weight = 230,
                          .data_source = 0x68100142,
                          .physical_address = 0x99000};
  const MemoryAccess access = AccessOfSample({.period_or_frequency = 1'000}, sample);
  EXPECT_EQ(access.pid, 7u);
  EXPECT_EQ(access.tid, 8u);
  EXPECT_EQ(access.time_ns, 9);
  EXPECT_EQ(access.cpu, 3u);
  EXPECT_EQ(access.code_address, 0x401000u);
  EXPECT_EQ(access.address, 0x7000u);
  EXPECT_EQ(access.physical_address, 0x99000u);
  EXPECT_EQ(access.latency_cycles, 230u);
  EXPECT_EQ(access.period, 11u) << "its own, not the one that was asked for";
  EXPECT_EQ(access.source, DecodeDataSource(0x68100142));
}

TEST(SampledAccessTest, WhatItDoesNotTellIsAbsent) {
  const MemoryAccess access = AccessOfSample({.period_or_frequency = 1'000}, {.weight = 0});
  EXPECT_FALSE(access.cpu || access.physical_address || access.latency_cycles);
  EXPECT_FALSE(access.source.IsAccess());
  EXPECT_EQ(access.period, 1'000u) << "every sample stands for as many as were asked for";
  constexpr uint64_t kFrequency = uint64_t{1} << 10;
  EXPECT_EQ(AccessOfSample({.period_or_frequency = 1'000, .flags = kFrequency}, {}).period, 1u) << "a frequency is no period";
  EXPECT_EQ(AccessOfSample({}, {.period = 0}).period, 1u);
}

TEST(SampledAccessTest, ABreakpointOfWritesSamplesStoresAndOneOfBothTellsNoOperation) {
  constexpr uint64_t kNothingTold = 0x5080021;  // PERF_MEM_NA, what the kernel writes where the hardware tells nothing
  const PerfSample sample{.address = 0x7000, .data_source = kNothingTold};
  const MemoryAccess write = AccessOfSample({.type = 5, .breakpoint_type = 2}, sample);
  EXPECT_TRUE(write.source.store && !write.source.load);
  EXPECT_EQ(write.source.level, AccessLevel::kUnknown);
  EXPECT_EQ(write.source.snoop, SnoopResult::kUnknown);
  EXPECT_TRUE(AccessOfSample({.type = 5, .breakpoint_type = 2}, {.address = 0x7000}).source.store) << "without a data source too";
  EXPECT_FALSE(AccessOfSample({.type = 5, .breakpoint_type = 3}, sample).source.IsAccess());
  EXPECT_FALSE(AccessOfSample({.type = 4, .breakpoint_type = 2}, sample).source.IsAccess()) << "no breakpoint: the field is another's";
}

}  // namespace
}  // namespace hftmon
