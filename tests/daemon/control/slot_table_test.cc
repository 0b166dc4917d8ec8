#include "daemon/control/slot_table.h"

#include <gtest/gtest.h>

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

class SlotTableTest : public ::testing::Test {
 protected:
  static TaskInfo Task(uint32_t tid, int64_t start_ns = 500) {
    return {.tid = tid, .tgid = 100, .start_boottime_ns = start_ns, .voluntary_count = 11, .involuntary_count = 22, .run_delay_ns = 33};
  }
  static ThreadKey Key(uint32_t tid, int64_t start_ns = 500) { return {.tid = tid, .tgid = 100, .start_ns = start_ns}; }
  // What the fork hook does.
  uint16_t HookGives(uint32_t tid, int64_t start_ns) {
    const uint16_t slot = *stack.Pop();
    slots[slot].tid = tid;
    slots[slot].tgid = 100;
    slots[slot].start_ns = static_cast<__u64>(start_ns);
    slots[slot].state = HFT_SLOT_LIVE;
    slot_of_tid[tid] = slot;
    return slot;
  }

  std::vector<uint16_t> slot_of_tid = std::vector<uint16_t>(1000);
  std::vector<hft_thread_slot> slots = std::vector<hft_thread_slot>(4);
  FakeSlotStack stack{4};
  std::unique_ptr<hft_histogram_pool> pool = std::make_unique<hft_histogram_pool>();
  SlotTable table{KernelView{.slot_of_tid = slot_of_tid, .slots = slots, .histogram_pool = pool.get()}, &stack};
};

TEST_F(SlotTableTest, GivenSlotStartsFromTheCountsOfTheKernel) {
  const uint16_t slot = *table.Give(Task(101), 0);
  ASSERT_NE(slot, HFT_NO_SLOT);
  EXPECT_EQ(slot_of_tid[101], slot);
  const hft_thread_slot& words = slots[slot];
  EXPECT_EQ(words.state, HFT_SLOT_LIVE);
  EXPECT_EQ(words.start_ns, 500u);
  EXPECT_EQ(words.base_voluntary_count, 11u);
  EXPECT_EQ(words.voluntary_count, 11u);
  EXPECT_EQ(words.base_involuntary_count, 22u);
  EXPECT_EQ(words.involuntary_count, 22u);
  EXPECT_EQ(words.base_run_delay_ns, 33u);
  EXPECT_EQ(words.run_delay_ns, 33u);
  EXPECT_EQ(words.segment_run_delay_ns, 33u);  // else its whole past would be one wait
  EXPECT_EQ(words.out_clock_ns, 0u);
  EXPECT_EQ(words.generation, 1u);
}

TEST_F(SlotTableTest, ThreadThatHasASlotGetsNoOther) {
  ASSERT_TRUE(table.Give(Task(101), 0).ok());
  EXPECT_EQ(*table.Give(Task(101), 0), HFT_NO_SLOT);
  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(table.HeldCount(100), 1);
}

TEST_F(SlotTableTest, SlotComesBackZeroedAfterTheGraceTimeOnly) {
  const uint16_t slot = *table.Give(Task(101), 0);
  pool->head = 8;  // pages 1 to 7 are given out
  slots[slot].pages[3][HFT_OFF_CPU] = 7;
  pool->pages[7].counts[5] = 9;
  slots[slot].task = 0xffff;
  table.Retire(slot, 1000);
  EXPECT_EQ(slot_of_tid[101], HFT_NO_SLOT);
  EXPECT_EQ(slots[slot].task, 0u);  // a CPU that remembers the slot stops believing it
  table.Reap(1000 + SlotTable::kGraceNs - 1);
  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(pool->pages[7].counts[5], 9u);
  table.Reap(1000 + SlotTable::kGraceNs);
  EXPECT_EQ(stack.size(), 3u);
  EXPECT_EQ(slots[slot].pages[3][HFT_OFF_CPU], HFT_NO_PAGE);
  EXPECT_EQ(pool->pages[7].counts[5], 0u);
  EXPECT_EQ(pool->head & (HFT_PAGES - 1), 7u);  // the next one to be given, above the one that was
  EXPECT_EQ(pool->next[7], 8u);
  EXPECT_EQ(slots[slot].state, HFT_SLOT_FREE);
  EXPECT_EQ(slots[slot].tid, 0u);
  EXPECT_EQ(slots[slot].generation, 1u);  // the next use is another generation
}

TEST(SlotTableOrderTest, LowSlotsComeBackBeforeHighOnesHoweverTheirThreadsEnded) {
  std::vector<uint16_t> slot_of_tid(1000);
  std::vector<hft_thread_slot> slots(64);
  FakeSlotStack stack{64};
  const auto pool = std::make_unique<hft_histogram_pool>();
  SlotTable table{KernelView{.slot_of_tid = slot_of_tid, .slots = slots, .histogram_pool = pool.get()}, &stack};
  const auto give = [&](uint32_t tid) { return *table.Give({.tid = tid, .tgid = 100, .start_boottime_ns = 500}, 0); };
  for (uint32_t tid = 101; tid <= 110; ++tid) EXPECT_EQ(give(tid), tid - 100);
  int64_t now_ns = 0;
  for (const uint16_t slot : {3, 1, 7, 10, 2, 9, 4, 8, 6, 5}) table.Retire(slot, ++now_ns);
  table.Reap(now_ns + SlotTable::kGraceNs);
  table.Reap(now_ns + SlotTable::kGraceNs + SlotTable::kSortIntervalNs);
  EXPECT_EQ(stack.size(), 63u);
  for (uint32_t tid = 201; tid <= 215; ++tid) EXPECT_EQ(give(tid), tid - 200);
}

TEST_F(SlotTableTest, SlotThatAProgramClaimedMeanwhileStartsItsGraceTimeAnew) {
  const uint16_t slot = *table.Give(Task(101), 0);
  table.Retire(slot, 0);
  slots[slot].task = 0xffff;
  table.Reap(SlotTable::kGraceNs);
  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(slots[slot].task, 0u);
  table.Reap(2 * SlotTable::kGraceNs);
  EXPECT_EQ(stack.size(), 3u);
}

TEST_F(SlotTableTest, SlotThatLostTheDuelForItsTidGoesBack) {
  const uint16_t ours = *table.Give(Task(101), 0);
  const uint16_t hooks = HookGives(101, 500);
  EXPECT_EQ(table.Adopt(hooks, Key(101), 0), SlotTable::Adoption::kHeld);
  EXPECT_TRUE(table.IsRetiring(ours));
  EXPECT_EQ(table.HeldCount(100), 1);
  EXPECT_EQ(table.stray_count(), 1u);
  EXPECT_EQ(slot_of_tid[101], hooks);
  table.Reap(SlotTable::kGraceNs);
  EXPECT_EQ(slot_of_tid[101], hooks);
  EXPECT_EQ(stack.size(), 2u);
}

TEST_F(SlotTableTest, EventOfASlotThatWasGivenToAnotherThreadIsStale) {
  const uint16_t slot = *table.Give(Task(101), 0);
  EXPECT_EQ(table.Adopt(slot, Key(101, 499), 0), SlotTable::Adoption::kStale);
  EXPECT_EQ(table.Adopt(slot, Key(102), 0), SlotTable::Adoption::kStale);
  EXPECT_EQ(table.Adopt(3, Key(101), 0), SlotTable::Adoption::kStale);
  EXPECT_EQ(table.Adopt(999, Key(101), 0), SlotTable::Adoption::kStale);
  EXPECT_EQ(table.HeldCount(100), 1);
}

TEST_F(SlotTableTest, LateEventOfAnEndedThreadDoesNotTakeTheTidFromItsNextOwner) {
  const uint16_t old_slot = HookGives(101, 500);
  slots[old_slot].state = HFT_SLOT_ENDED;
  const uint16_t new_slot = HookGives(101, 600);
  EXPECT_EQ(table.Adopt(new_slot, Key(101, 600), 0), SlotTable::Adoption::kHeld);
  EXPECT_EQ(table.Adopt(old_slot, Key(101, 500), 0), SlotTable::Adoption::kStale);
  EXPECT_TRUE(table.IsRetiring(old_slot));
  EXPECT_TRUE(table.IsHeld(new_slot));
  EXPECT_EQ(slot_of_tid[101], new_slot);
}

// The first thread ended while nobody watched, the second one was born and ended before its birth was told.
TEST_F(SlotTableTest, SlotOfAThreadThatEndedUnseenGoesBackWhenItsTidIsTakenAgain) {
  const uint16_t old_slot = *table.Give(Task(101, 500), 0);
  const uint16_t new_slot = HookGives(101, 600);
  slots[new_slot].state = HFT_SLOT_ENDED;
  slot_of_tid[101] = HFT_NO_SLOT;
  EXPECT_EQ(table.Adopt(new_slot, Key(101, 600), 0), SlotTable::Adoption::kHeld);
  EXPECT_TRUE(table.IsRetiring(old_slot));
  EXPECT_TRUE(table.IsHeld(new_slot));
}

TEST_F(SlotTableTest, BirthWithoutASlotTakesBackWhatAnEarlierOwnerOfTheTidLeft) {
  const uint16_t old_slot = *table.Give(Task(101, 500), 0);
  table.RetireEarlierOwner(Key(101, 500), 0);
  EXPECT_TRUE(table.IsHeld(old_slot));
  table.RetireEarlierOwner(Key(101, 600), 0);
  EXPECT_TRUE(table.IsRetiring(old_slot));
  // Its end was not told to the sampler, which finds the last counts at its own pace.
  const size_t free = stack.size();
  table.Reap(SlotTable::kUnseenGraceNs - 1);
  EXPECT_EQ(stack.size(), free);
  table.Reap(SlotTable::kUnseenGraceNs);
  EXPECT_EQ(stack.size(), free + 1);
}

TEST_F(SlotTableTest, WhatAnEarlierOwnerOfTheTidLeftIsReplaced) {
  const uint16_t old_slot = *table.Give(Task(101, 500), 0);
  const uint16_t new_slot = *table.Give(Task(101, 900), 0);
  EXPECT_NE(new_slot, HFT_NO_SLOT);
  EXPECT_EQ(slot_of_tid[101], new_slot);
  EXPECT_TRUE(table.IsRetiring(old_slot));
}

TEST_F(SlotTableTest, EmptyStackNamesTheThreadAndTheMend) {
  for (uint32_t tid = 101; tid <= 103; ++tid) ASSERT_TRUE(table.Give(Task(tid), 0).ok());
  const absl::Status status = table.Give(Task(104), 0).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(status.message(), ::testing::HasSubstr("thread 104 of process 100"));
  EXPECT_THAT(status.message(), ::testing::HasSubstr("3 of 3 threads are watched; detach targets"));
}

TEST_F(SlotTableTest, TidAboveTheTableIsRefused) {
  EXPECT_TRUE(absl::IsResourceExhausted(table.Give(Task(1000), 0).status()));
}

TEST_F(SlotTableTest, RefusedPushIsTriedAgainAndCounted) {
  const uint16_t slot = *table.Give(Task(101), 0);
  table.Retire(slot, 0);
  stack.FailPushes(1);
  table.Reap(SlotTable::kGraceNs);
  EXPECT_EQ(stack.size(), 2u);
  EXPECT_EQ(table.push_failure_count(), 1u);
  table.Reap(SlotTable::kGraceNs);
  EXPECT_EQ(stack.size(), 3u);
  EXPECT_EQ(table.retiring_total(), 0);
}

}  // namespace
}  // namespace hftmon
