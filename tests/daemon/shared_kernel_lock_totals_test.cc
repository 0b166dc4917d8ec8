#include "daemon/shared_kernel_lock_totals.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedKernelLockTotalsTest : public ::testing::Test {
 protected:
  SharedKernelLockTotalsTest() {
    kernel_.Follow({.slot = 1, .tid = 101, .tgid = 100, .start_ns = 7});
    kernel_.view().slots[1].wishes.probes = HFT_KERNEL_LOCKS;
    Locks().generation = kernel_.view().slots[1].generation;
  }
  hft_thread_kernel& Locks() { return kernel_.view().kernel[1]; }
  std::vector<ThreadKernelLockTotal> Read(const std::string& refusal = "") {
    return SharedKernelLockTotals(
               kernel_.view(), [] { return 8u; }, refusal)
        .ThreadsOf(100);
  }

  FakeKernelView kernel_;
};

TEST_F(SharedKernelLockTotalsTest, EveryFigureIsRead) {
  Locks().locks[HFT_LOCK_RWSEM] = {.count = 3, .duration_ns = 300, .off_cpu_ns = 200, .longest_ns = 150};
  Locks().unended_stall_count[HFT_STALL_SPINNING_LOCK] = 2;
  Locks().unended_stall_count[HFT_STALL_SLEEPING_LOCK] = 3;
  Locks().unended_stall_count[HFT_STALL_RECLAIM] = 90;
  const std::vector<ThreadKernelLockTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].thread, (ThreadKey{101, 100, 7}));
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  const KernelLockTotal& sum = totals[0].types[HFT_LOCK_RWSEM];
  EXPECT_EQ(sum.count, 3u);
  EXPECT_EQ(sum.duration_ns, 300);
  EXPECT_EQ(sum.off_cpu_ns, 200);
  EXPECT_EQ(sum.longest_ns, 150);
  EXPECT_EQ(totals[0].types[HFT_LOCK_SPIN].count, 0u);
  EXPECT_EQ(totals[0].unended_count, 5u);
}

TEST_F(SharedKernelLockTotalsTest, WhatAnEarlierOwnerOfTheSlotLeftIsNotTold) {
  Locks().locks[HFT_LOCK_SPIN].count = 3;
  Locks().generation += 1;
  const std::vector<ThreadKernelLockTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  EXPECT_EQ(totals[0].types[HFT_LOCK_SPIN].count, 0u);
}

TEST_F(SharedKernelLockTotalsTest, WhyThereAreNoFiguresIsSaidWithTheMend) {
  EXPECT_EQ(Read("this kernel has none")[0].unavailable, "this kernel has none");
  kernel_.view().slots[1].wishes.probes = HFT_MEMORY;
  EXPECT_THAT(Read()[0].unavailable, HasSubstr("--probes kernel_locks"));
  KernelView small = kernel_.view();
  small.slots[1].wishes.probes = HFT_KERNEL_LOCKS;
  small.kernel = small.kernel.first(1);
  EXPECT_THAT(SharedKernelLockTotals(
                  small, [] { return 8u; }, "")
                  .ThreadsOf(100)[0]
                  .unavailable,
              HasSubstr("watch fewer"));
}

}  // namespace
}  // namespace hftmon
