#include "daemon/shared_fault_totals.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedFaultTotalsTest : public ::testing::Test {
 protected:
  SharedFaultTotalsTest() {
    kernel_.Follow({.slot = 1, .tid = 101, .tgid = 100, .start_ns = 7});
    kernel_.view().slots[1].wishes.probes = HFT_MEMORY;
    Memory().generation = kernel_.view().slots[1].generation;
  }
  hft_thread_kernel& Memory() { return kernel_.view().kernel[1]; }
  std::vector<ThreadFaultTotal> Read(const std::string& refusal = "") {
    return SharedFaultTotals(
               kernel_.view(), [] { return 8u; }, refusal)
        .ThreadsOf(100);
  }

  FakeKernelView kernel_;
};

TEST_F(SharedFaultTotalsTest, EveryFigureIsRead) {
  Memory().faults[HFT_FAULT_KERNEL_MAJOR] = {.count = 3, .duration_ns = 300, .off_cpu_ns = 200, .longest_ns = 150};
  Memory().unended_count = 4;
  Memory().unended_stall_count[HFT_STALL_RECLAIM] = 1;
  Memory().unended_stall_count[HFT_STALL_SPINNING_LOCK] = 90;
  Memory().tlb_flush_count[HFT_TLB_REMOTE_SHOOTDOWN] = 7;
  Memory().tlb_full_count = 2;
  Memory().reclaim = {.count = 8, .duration_ns = 900, .off_cpu_ns = 10, .longest_ns = 500};
  Memory().compaction.count = 9;
  const std::vector<ThreadFaultTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].thread, (ThreadKey{101, 100, 7}));
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  EXPECT_EQ(totals[0].faults[HFT_FAULT_KERNEL_MAJOR].count, 3u);
  EXPECT_EQ(totals[0].faults[HFT_FAULT_KERNEL_MAJOR].duration_ns, 300);
  EXPECT_EQ(totals[0].faults[HFT_FAULT_KERNEL_MAJOR].off_cpu_ns, 200);
  EXPECT_EQ(totals[0].faults[HFT_FAULT_KERNEL_MAJOR].longest_ns, 150);
  EXPECT_EQ(totals[0].faults[HFT_FAULT_USER_MINOR].count, 0u);
  EXPECT_EQ(totals[0].unended_count, 5u);
  EXPECT_EQ(totals[0].tlb_flush_count[HFT_TLB_REMOTE_SHOOTDOWN], 7u);
  EXPECT_EQ(totals[0].tlb_full_count, 2u);
  EXPECT_EQ(totals[0].reclaim.count, 8u);
  EXPECT_EQ(totals[0].reclaim.longest_ns, 500);
  EXPECT_EQ(totals[0].compaction.count, 9u);
}

TEST_F(SharedFaultTotalsTest, WhatAnEarlierOwnerOfTheSlotLeftIsNotTold) {
  Memory().faults[HFT_FAULT_USER_MINOR].count = 3;
  kernel_.Release(1);
  kernel_.Follow({.slot = 1, .tid = 102, .tgid = 100, .start_ns = 8});
  kernel_.view().slots[1].wishes.probes = HFT_MEMORY;
  const std::vector<ThreadFaultTotal> totals = Read();
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_THAT(totals[0].unavailable, IsEmpty());
  EXPECT_EQ(totals[0].faults[HFT_FAULT_USER_MINOR].count, 0u);
}

TEST_F(SharedFaultTotalsTest, WhyThereAreNoFiguresIsSaidWithTheMend) {
  EXPECT_EQ(Read("this kernel has none")[0].unavailable, "this kernel has none");
  kernel_.view().slots[1].wishes.probes = HFT_CALLS;
  EXPECT_THAT(Read()[0].unavailable, HasSubstr("--probes memory"));
  KernelView small = kernel_.view();
  small.slots[1].wishes.probes = HFT_MEMORY;
  small.kernel = small.kernel.first(1);
  EXPECT_THAT(SharedFaultTotals(
                  small, [] { return 8u; }, "")
                  .ThreadsOf(100)[0]
                  .unavailable,
              HasSubstr("watch fewer"));
}

TEST_F(SharedFaultTotalsTest, SendersMovedPagesAndCollapsesAreRead) {
  Memory().migration = {.count = 3, .duration_ns = 30, .off_cpu_ns = 0, .longest_ns = 20};
  Memory().moved_page_count = 40;
  Memory().unmoved_page_count = 4;
  Memory().migration_reason_count[5] = 3;
  Memory().unended_stall_count[HFT_STALL_MIGRATION] = 2;
  Memory().collapse_count = 6;
  Memory().failed_collapse_count = 1;
  Memory().other_sender_count = 8;
  Memory().unknown_sender_count = 9;
  Memory().senders[4] = {.count = 5, .full_count = 2, .tid = 55, .tgid = 50, .stack = 17, .reserved = 0, .comm = "unmapper"};
  const ThreadFaultTotal total = Read()[0];
  EXPECT_EQ(total.migration.count, 3u);
  EXPECT_EQ(total.migration.longest_ns, 20);
  EXPECT_EQ(total.moved_page_count, 40u);
  EXPECT_EQ(total.unmoved_page_count, 4u);
  EXPECT_EQ(total.migration_reason_count[5], 3u);
  EXPECT_EQ(total.unended_count, 2u);
  EXPECT_EQ(total.collapse_count, 6u);
  EXPECT_EQ(total.failed_collapse_count, 1u);
  EXPECT_EQ(total.other_sender_count, 8u);
  EXPECT_EQ(total.unknown_sender_count, 9u);
  ASSERT_EQ(total.senders.size(), 1u);
  EXPECT_EQ(total.senders[0].tid, 55u);
  EXPECT_EQ(total.senders[0].tgid, 50u);
  EXPECT_EQ(total.senders[0].comm, "unmapper");
  EXPECT_EQ(total.senders[0].stack, 17);
  EXPECT_EQ(total.senders[0].count, 5u);
  EXPECT_EQ(total.senders[0].full_count, 2u);
}

TEST_F(SharedFaultTotalsTest, CollapsesByOthersAreThoseOfTheProcessThatHasThePlaceNow) {
  kernel_.Follow({.slot = 2, .tid = 100, .tgid = 100, .start_ns = 6});
  kernel_.view().slot_of_tid[100] = 2;
  kernel_.view().slot_of_tid[101] = 1;
  const SharedFaultTotals totals(kernel_.view(), [] { return 8u; }, "", {{"senders", "no tracepoint"}});
  EXPECT_FALSE(totals.CollapsesOf(100).has_value()) << "there were none";
  kernel_.view().collapses[2] = {
      .generation = kernel_.view().slots[2].generation, .reserved = 0, .count = 3, .failed_count = 1, .last_ns = 77};
  const std::optional<CollapseTotal> told = totals.CollapsesOf(100);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->count, 3u);
  EXPECT_EQ(told->failed_count, 1u);
  EXPECT_EQ(told->last_mono_ns, 77);
  EXPECT_FALSE(totals.CollapsesOf(101).has_value()) << "a thread is no process";
  EXPECT_FALSE(totals.CollapsesOf(1u << 30).has_value());
  kernel_.Release(2);
  kernel_.Follow({.slot = 2, .tid = 100, .tgid = 100, .start_ns = 60});
  EXPECT_FALSE(totals.CollapsesOf(100).has_value()) << "an earlier owner's";
  ASSERT_EQ(totals.Missing().size(), 1u);
  EXPECT_EQ(totals.Missing()[0].first, "senders");
  Memory().unknown_sender_count = 9;
  EXPECT_EQ(totals.ThreadsOf(100)[0].unknown_sender_count, 0u) << "where none can be known none is missing";
}

}  // namespace
}  // namespace hftmon
