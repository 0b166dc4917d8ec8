#include "daemon/stacks/stack_collector.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

// Names one frame after the stack pointer it was given.
class CountingUnwinder : public StackUnwinder {
 public:
  Stack Unwind(const hft_stack& record) override {
    ++call_count;
    Stack stack;
    stack.user = {lacking ? StackState::kUnavailable : StackState::kComplete, "", {{record.registers[19], "f", 0, "m", 0}}};
    return stack;
  }
  int call_count = 0;
  bool lacking = false;
};

class StackCollectorTest : public ::testing::Test {
 protected:
  void Put(uint32_t tid, uint64_t mono_ns, uint64_t stack_pointer) {
    hft_stack& cell = ring_->cells[ring_->head % HFT_STACK_CELLS];
    cell.tid = tid;
    cell.mono_ns = mono_ns;
    cell.record_ns = 1'000;
    cell.registers[19] = stack_pointer;
    cell.user_bytes = 64;
    cell.kernel_problem = HFT_STACK_NOT_ASKED;
    cell.sequence = ++ring_->head;
  }
  std::unique_ptr<hft_stack_ring> ring_ = std::make_unique<hft_stack_ring>();
  CountingUnwinder unwinder_;
  FakeMonotonicClock clock_;
  StackCollector collector_{ring_.get(), &unwinder_, &clock_};
};

TEST_F(StackCollectorTest, AStackIsFoundByItsThreadAndTime) {
  Put(7, 100, 0x10);
  collector_.Drain();
  const auto stack = collector_.Find(7, 100);
  ASSERT_NE(stack, nullptr);
  EXPECT_EQ(stack->user.frames.at(0).address, 0x10u);
  EXPECT_EQ(stack->record_ns, 1'000);
  EXPECT_EQ(collector_.Find(7, 101), nullptr);
  EXPECT_EQ(collector_.Find(8, 100), nullptr);
}

TEST_F(StackCollectorTest, EqualStacksAreUnwoundOnce) {
  for (uint64_t i = 0; i < 5; ++i) Put(7, i, 0x10);
  Put(7, 5, 0x20);
  collector_.Drain();
  EXPECT_EQ(unwinder_.call_count, 2);
  EXPECT_EQ(collector_.counters().cache_hit_count, 4u);
  EXPECT_EQ(collector_.Find(7, 4)->user.frames.at(0).address, 0x10u);
  EXPECT_EQ(collector_.Find(7, 5)->user.frames.at(0).address, 0x20u);
}

TEST_F(StackCollectorTest, WhatCouldNotBeHadIsTriedAgain) {
  unwinder_.lacking = true;
  Put(7, 1, 0x10);
  Put(7, 2, 0x10);
  collector_.Drain();
  EXPECT_EQ(unwinder_.call_count, 2);
  EXPECT_EQ(collector_.counters().unavailable_count, 2u);
}

TEST_F(StackCollectorTest, CacheAndHistoryStayWithinTheirBounds) {
  const uint64_t count = 3 * StackCollector::kKeptMax;
  for (uint64_t i = 0; i < count; ++i) {
    Put(7, i, i);
    collector_.Drain();
  }
  const StackCollector::Counters counters = collector_.counters();
  EXPECT_EQ(counters.stack_count, count);
  EXPECT_EQ(counters.kept_size, static_cast<int64_t>(StackCollector::kKeptMax));
  EXPECT_EQ(counters.cache_size, static_cast<int64_t>(StackCollector::kCacheMax));
  EXPECT_EQ(counters.evicted_count, count - StackCollector::kCacheMax);
  EXPECT_EQ(collector_.Find(7, 0), nullptr);
  EXPECT_NE(collector_.Find(7, static_cast<int64_t>(count) - 1), nullptr);
}

TEST_F(StackCollectorTest, ItsThreadStopsWhetherOrNotStacksAreWanted) {
  collector_.Start();
  collector_.Enable(true);
  collector_.Stop();
  StackCollector idle(ring_.get(), &unwinder_, &clock_);
  idle.Start();
  idle.Stop();
}

}  // namespace
}  // namespace hftmon
