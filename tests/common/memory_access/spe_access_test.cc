#include "common/memory_access/spe_access.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(SpeAccessTest, WhatARecordTellsIsTheAccess) {
  SpeRecord record;
  record.operation = SpeOperation::kLoad;
  record.code_address = 0x402000;
  record.data_address = 0x7000;
  record.physical_address = 0x99000;
  record.total_latency_cycles = 230;
  record.issue_latency_cycles = 4;
  record.data_source = 0x9;
  const MemoryAccess access = AccessOfSpe(record, SpeSourceEncoding::kArm, 1'024);
  EXPECT_EQ(access.code_address, 0x402000u);
  EXPECT_EQ(access.address, 0x7000u);
  EXPECT_EQ(access.physical_address, 0x99000u);
  EXPECT_EQ(access.latency_cycles, 230u);
  EXPECT_EQ(access.period, 1'024u);
  EXPECT_EQ(access.source, SpeDataSource(record, SpeSourceEncoding::kArm));
  EXPECT_TRUE(access.source.peer);
}

TEST(SpeAccessTest, WhatItDoesNotTellStaysUntold) {
  SpeRecord record;
  record.operation = SpeOperation::kBranch;
  record.total_latency_cycles = 0;
  record.physical_address = 0;
  const MemoryAccess access = AccessOfSpe(record, SpeSourceEncoding::kArm, 0);
  EXPECT_FALSE(access.source.IsAccess());
  EXPECT_FALSE(access.latency_cycles.has_value());
  EXPECT_FALSE(access.physical_address.has_value());
  EXPECT_EQ(access.address, 0u);
  EXPECT_EQ(access.period, 1u) << "it stands for itself at least";
}

}  // namespace
}  // namespace hftmon
