#include "daemon/shared_call_totals.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedCallTotalsTest : public ::testing::Test {
 protected:
  SharedCallTotalsTest() {
    kernel_.Follow({.slot = 1, .tid = 101, .tgid = 100, .start_ns = 7});
    kernel_.view().slots[1].wishes.probes = HFT_CALLS;
    Calls().generation = kernel_.view().slots[1].generation;
  }
  hft_thread_calls& Calls() { return kernel_.view().calls[1]; }
  std::vector<ThreadCallTotal> Read(bool has_registers = true) {
    return SharedCallTotals(
               kernel_.view(), [] { return 8u; }, has_registers)
        .ThreadsOf(100);
  }

  FakeKernelView kernel_;
};

TEST_F(SharedCallTotalsTest, RowsInUseAreReadAndFreeOnesAreNot) {
  Calls().rows[5] = {.count = 3, .blocked_ns = 300, .wait_ns = 30, .longest_ns = 200, .syscall = 202, .longest_descriptor = 7};
  const std::vector<ThreadCallTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].thread, (ThreadKey{101, 100, 7}));
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  ASSERT_EQ(totals[0].calls.size(), 1u);
  EXPECT_EQ(totals[0].calls[0].syscall, 202);
  EXPECT_EQ(totals[0].calls[0].count, 3u);
  EXPECT_EQ(totals[0].calls[0].blocked_ns, 300);
  EXPECT_EQ(totals[0].calls[0].wait_ns, 30);
  EXPECT_EQ(totals[0].calls[0].longest_ns, 200);
  EXPECT_EQ(totals[0].calls[0].longest_descriptor, 7);
  EXPECT_FALSE(totals[0].others.has_value());
  Calls().others.count = 1;
  EXPECT_TRUE(Read()[0].others.has_value());
}

TEST_F(SharedCallTotalsTest, WhatAnEarlierOwnerOfTheSlotLeftIsNotTold) {
  Calls().rows[0].count = 3;
  kernel_.Release(1);
  kernel_.Follow({.slot = 1, .tid = 102, .tgid = 100, .start_ns = 8});
  kernel_.view().slots[1].wishes.probes = HFT_CALLS;
  const std::vector<ThreadCallTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  EXPECT_THAT(totals[0].calls, IsEmpty());
}

TEST_F(SharedCallTotalsTest, WhyThereAreNoFiguresIsSaidWithTheMend) {
  EXPECT_THAT(Read(/*has_registers=*/false)[0].unavailable, HasSubstr("registers"));
  kernel_.view().slots[1].wishes.probes = 0;
  EXPECT_THAT(Read()[0].unavailable, HasSubstr("--probes locks"));
  KernelView small = kernel_.view();
  small.slots[1].wishes.probes = HFT_CALLS;
  small.calls = small.calls.first(1);
  EXPECT_THAT(SharedCallTotals(
                  small, [] { return 8u; }, true)
                  .ThreadsOf(100)[0]
                  .unavailable,
              HasSubstr("watch fewer"));
}

}  // namespace
}  // namespace hftmon
