#include "daemon/stacks/stack_ring_reader.h"

#include <gtest/gtest.h>

#include <memory>

namespace hftmon {
namespace {

class StackRingReaderTest : public ::testing::Test {
 protected:
  void Put() {
    hft_stack& cell = ring_->cells[ring_->head % HFT_STACK_CELLS];
    cell.mono_ns = ring_->head;
    cell.sequence = ++ring_->head;
  }
  std::unique_ptr<hft_stack_ring> ring_ = std::make_unique<hft_stack_ring>();
  StackRingReader reader_{ring_.get()};
  hft_stack record_ = {};
};

TEST_F(StackRingReaderTest, RecordsComeInOrderAndOnce) {
  for (int i = 0; i < 3; ++i) Put();
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader_.Read(&record_));
    EXPECT_EQ(record_.mono_ns, i);
  }
  EXPECT_FALSE(reader_.Read(&record_));
  EXPECT_EQ(reader_.lost_count(), 0u);
}

TEST_F(StackRingReaderTest, WhatWasOverwrittenIsCounted) {
  for (int i = 0; i < HFT_STACK_CELLS + 10; ++i) Put();
  ASSERT_TRUE(reader_.Read(&record_));
  EXPECT_EQ(record_.mono_ns, 10u);
  EXPECT_EQ(reader_.lost_count(), 10u);
}

TEST_F(StackRingReaderTest, ACellThatIsStillWrittenIsAwaitedThenGivenUp) {
  Put();
  ring_->cells[0].sequence = 0;
  Put();
  int in_vain = 0;
  while (!reader_.Read(&record_)) ++in_vain;
  EXPECT_EQ(in_vain, StackRingReader::kReadsUntilGivenUp - 1);
  EXPECT_EQ(record_.mono_ns, 1u);
  EXPECT_EQ(reader_.lost_count(), 1u);
}

}  // namespace
}  // namespace hftmon
