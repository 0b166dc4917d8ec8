#include "daemon/analysis/priority_boosts.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "daemon/analysis/kernel_priority.h"

namespace hftmon {
namespace {

constexpr ThreadKey kLow{.tid = 10, .tgid = 1, .start_ns = 100};
constexpr ThreadKey kOther{.tid = 11, .tgid = 1, .start_ns = 100};
constexpr uint8_t kOwn = 120;

BoostStep Step(int64_t mono_ns, uint8_t from, uint8_t to, uint32_t donor_tid = 0, const ThreadKey& thread = kLow, uint8_t own = kOwn) {
  BoostStep step;
  step.thread = thread;
  step.mono_ns = mono_ns;
  step.old_priority = from;
  step.new_priority = to;
  step.own_priority = own;
  step.donor_tid = donor_tid;
  step.donor_tgid = donor_tid == 0 ? 0 : 1;
  if (donor_tid != 0) std::strcpy(step.donor_comm, "high");
  return step;
}

TEST(KernelPriorityTest, DeadlineIsMostUrgentAndNiceValuesOrderNobody) {
  EXPECT_EQ(KernelPriority(kDeadlinePriority), -1);
  EXPECT_EQ(KernelPriority(139), 139);
  EXPECT_TRUE(IsMoreUrgent(kDeadlinePriority, 0));
  EXPECT_TRUE(IsMoreUrgent(0, 1));
  EXPECT_FALSE(IsMoreUrgent(1, 1));
  EXPECT_TRUE(OutranksInClass(kDeadlinePriority, 0));
  EXPECT_TRUE(OutranksInClass(50, 51));
  EXPECT_TRUE(OutranksInClass(99, 100));
  EXPECT_FALSE(OutranksInClass(100, 139)) << "nice -20 and nice 19";
  EXPECT_FALSE(OutranksInClass(139, 100));
}

TEST(PriorityBoostsTest, ABoostLastsFromTheFirstRaiseToItsOwnPriority) {
  const JoinedBoosts joined = JoinBoosts(std::vector{Step(1'000, kOwn, 69, 20), Step(5'000, 69, kOwn)});
  ASSERT_EQ(joined.boosts.size(), 1u);
  const PriorityBoost& boost = joined.boosts[0];
  EXPECT_EQ(boost.thread, kLow);
  EXPECT_EQ(boost.start_mono_ns, 1'000);
  EXPECT_EQ(boost.duration_ns, 4'000);
  EXPECT_EQ(boost.own_priority, kOwn);
  EXPECT_EQ(boost.boosted_priority, 69);
  EXPECT_EQ(boost.donor_tid, 20u);
  EXPECT_EQ(boost.donor_tgid, 1u);
  EXPECT_STREQ(boost.donor_comm, "high");
  EXPECT_EQ(boost.step_count, 2u);
  EXPECT_EQ(joined.fragment_count, 0u);
}

TEST(PriorityBoostsTest, TheMostUrgentOfItsWaitersIsTheDonor) {
  const JoinedBoosts joined =
      JoinBoosts(std::vector{Step(1'000, kOwn, 89, 20), Step(2'000, 89, 69, 21), Step(3'000, 69, 89, 20), Step(4'000, 89, kOwn)});
  ASSERT_EQ(joined.boosts.size(), 1u);
  EXPECT_EQ(joined.boosts[0].boosted_priority, 69);
  EXPECT_EQ(joined.boosts[0].donor_tid, 21u);
  EXPECT_EQ(joined.boosts[0].duration_ns, 3'000);
  EXPECT_EQ(joined.boosts[0].step_count, 4u);
}

TEST(PriorityBoostsTest, ADeadlineDonorIsTheMostUrgent) {
  const JoinedBoosts joined =
      JoinBoosts(std::vector{Step(1'000, kOwn, 0, 20), Step(2'000, 0, kDeadlinePriority, 21), Step(3'000, kDeadlinePriority, kOwn)});
  ASSERT_EQ(joined.boosts.size(), 1u);
  EXPECT_EQ(joined.boosts[0].boosted_priority, kDeadlinePriority);
  EXPECT_EQ(joined.boosts[0].donor_tid, 21u);
}

TEST(PriorityBoostsTest, WhatHasNoEndGoesOnAndThreadsAreToldApart) {
  const JoinedBoosts joined = JoinBoosts(std::vector{Step(1'000, kOwn, 69, 20), Step(2'000, kOwn, 50, 21, kOther), Step(3'000, 69, kOwn)});
  ASSERT_EQ(joined.boosts.size(), 2u);
  EXPECT_EQ(joined.boosts[0].thread, kLow);
  EXPECT_EQ(joined.boosts[0].duration_ns, 2'000);
  EXPECT_EQ(joined.boosts[1].thread, kOther);
  EXPECT_EQ(joined.boosts[1].duration_ns, -1);
  EXPECT_TRUE(joined.boosts[1].Overlaps(1'000'000, 2'000'000));
  EXPECT_FALSE(joined.boosts[1].Overlaps(0, 1'999));
  EXPECT_FALSE(joined.boosts[0].Overlaps(3'001, 4'000));
}

TEST(PriorityBoostsTest, LostStepsMakeFragmentsAndNoBoostOfAnotherLength) {
  const JoinedBoosts without_begin = JoinBoosts(std::vector{Step(3'000, 69, 50, 22), Step(4'000, 50, kOwn)});
  EXPECT_TRUE(without_begin.boosts.empty());
  EXPECT_EQ(without_begin.fragment_count, 1u);
  const JoinedBoosts without_end = JoinBoosts(std::vector{Step(1'000, kOwn, 69, 20), Step(8'000, kOwn, 50, 21), Step(9'000, 50, kOwn)});
  ASSERT_EQ(without_end.boosts.size(), 1u);
  EXPECT_EQ(without_end.boosts[0].start_mono_ns, 8'000);
  EXPECT_EQ(without_end.boosts[0].duration_ns, 1'000);
  EXPECT_EQ(without_end.fragment_count, 1u);
  ThreadKey recycled = kLow;
  recycled.start_ns = 999;
  const JoinedBoosts other_thread = JoinBoosts(std::vector{Step(1'000, kOwn, 69, 20), Step(8'000, kOwn, 50, 21, recycled)});
  ASSERT_EQ(other_thread.boosts.size(), 1u);
  EXPECT_EQ(other_thread.boosts[0].thread, recycled);
  EXPECT_EQ(other_thread.fragment_count, 1u);
}

TEST(PriorityBoostsTest, AChangeBetweenTheSamePrioritiesIsNone) {
  const JoinedBoosts joined = JoinBoosts(
      std::vector{Step(1'000, kDeadlinePriority, kDeadlinePriority, 20, kLow, kDeadlinePriority), Step(2'000, kOwn, kOwn, 20, kOther)});
  EXPECT_TRUE(joined.boosts.empty());
  EXPECT_EQ(joined.fragment_count, 0u);
}

}  // namespace
}  // namespace hftmon
