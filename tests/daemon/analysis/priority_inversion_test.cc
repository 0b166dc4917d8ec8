#include "daemon/analysis/priority_inversion.h"

#include <gtest/gtest.h>
#include <linux/futex.h>

#include <cstring>
#include <vector>

#include "daemon/analysis/kernel_priority.h"

namespace hftmon {
namespace {

constexpr uint32_t kProcess = 1;
constexpr uint8_t kHigh = 69;  // FIFO 30
constexpr uint8_t kLow = 89;   // FIFO 10
constexpr uint8_t kFair = 120;

ThreadKey Thread(uint32_t tid) {
  return {.tid = tid, .tgid = kProcess, .start_ns = 7};
}

struct Owner {
  uint32_t tid = 0;
  uint8_t priority = kLow;
  hft_owner_state state = HFT_OWNER_RUNNABLE;
  bool inherits = false;
};

// Thread `tid` waited in [start, end) for the lock of `owner`.
OffCpuTime Wait(uint32_t tid, int64_t start_ns, int64_t end_ns, const Owner& owner, std::optional<uint8_t> priority = kHigh) {
  OffCpuTime time;
  time.thread = Thread(tid);
  time.spike_id = tid * 1'000 + static_cast<uint64_t>(start_ns % 1'000);
  time.start_mono_ns = start_ns;
  time.end_mono_ns = end_ns;
  time.blocked_until_ns = end_ns;
  time.priority = priority;
  time.call.state = HFT_CALL_KNOWN;
  time.call.futex_command = owner.inherits ? FUTEX_LOCK_PI : FUTEX_WAIT;
  time.call.arguments[0] = 0x1000 + owner.tid;
  time.call.arguments[1] = FUTEX_PRIVATE_FLAG;
  time.call.owner_tid = owner.tid;
  time.call.owner_source = owner.inherits ? HFT_OWNER_PI_WORD : HFT_OWNER_GLIBC;
  time.call.owner_state = owner.state;
  time.call.owner_priority = owner.priority;
  return time;
}

OffCpuTime Asked(OffCpuTime time) {
  time.asked = true;
  return time;
}

// Thread `tid` waited for its CPU, which `runner` had.
OffCpuTime Preempted(uint32_t tid, int64_t start_ns, int64_t end_ns, uint32_t runner, const char* comm = "medium") {
  OffCpuTime time;
  time.thread = Thread(tid);
  time.start_mono_ns = start_ns;
  time.end_mono_ns = end_ns;
  time.blocked_until_ns = start_ns;
  RunnerShare share{.tid = runner, .tgid = kProcess, .duration_ns = end_ns - start_ns};
  std::strcpy(share.comm, comm);
  time.runners.push_back(share);
  return time;
}

InversionAnswer Find(const std::vector<OffCpuTime>& times, std::vector<PriorityBoost> boosts = {}) {
  return FindInversions(times, std::move(boosts));
}

TEST(PriorityInversionTest, TheClassicOneOfThreeThreads) {
  const std::vector<OffCpuTime> times = {Preempted(10, 900, 990, 30, "high"), Preempted(10, 1'500, 4'500, 20),
                                         Asked(Wait(30, 1'000, 6'000, {.tid = 10}))};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  const Inversion& inversion = answer.inversions[0];
  EXPECT_EQ(inversion.wait->thread.tid, 30u);
  ASSERT_EQ(inversion.chain.size(), 1u);
  EXPECT_EQ(inversion.chain[0].owner, Thread(10));
  EXPECT_EQ(inversion.chain[0].call.owner_priority, kLow);
  EXPECT_FALSE(inversion.chain_truncated);
  EXPECT_EQ(inversion.owner_off_cpu_ns, 3'000);
  ASSERT_TRUE(inversion.preemptor.has_value());
  EXPECT_EQ(inversion.preemptor->tid, 20u);
  EXPECT_EQ(inversion.preemptor->duration_ns, 3'000);
  EXPECT_STREQ(inversion.preemptor->comm, "medium");
  EXPECT_FALSE(inversion.inherited);
  EXPECT_EQ(answer.unknown_count, 0u);
}

TEST(PriorityInversionTest, OnlyWhatLiesWithinTheWaitCounts) {
  // The waiter itself had the CPU before it waited; the last time reaches beyond the wait.
  std::vector<OffCpuTime> times = {Preempted(10, 500, 1'200, 30, "high"), Preempted(10, 5'500, 9'000, 20),
                                   Asked(Wait(30, 1'000, 6'000, {.tid = 10}))};
  times[0].runners.push_back({.tid = 21, .tgid = kProcess, .duration_ns = 150});
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  EXPECT_EQ(answer.inversions[0].owner_off_cpu_ns, 200 + 500);
  EXPECT_EQ(answer.inversions[0].preemptor->tid, 20u);
  EXPECT_EQ(answer.inversions[0].preemptor->duration_ns, 500);
}

TEST(PriorityInversionTest, AWaitForACpuAfterASleepCountsOnce) {
  OffCpuTime sleep;
  sleep.thread = Thread(10);
  sleep.start_mono_ns = 1'100;
  sleep.end_mono_ns = 3'000;
  sleep.blocked_until_ns = 2'000;
  const std::vector<OffCpuTime> times = {sleep, Preempted(10, 2'000, 3'000, 20),
                                         Asked(Wait(30, 1'000, 6'000, {.tid = 10, .state = HFT_OWNER_RUNNING}))};
  EXPECT_EQ(Find(times).inversions.at(0).owner_off_cpu_ns, 1'900);
}

TEST(PriorityInversionTest, WhoRunsAndIsNoLessUrgentMakesNone) {
  const auto count = [](uint8_t waiter, uint8_t owner, hft_owner_state state) {
    return Find({Asked(Wait(30, 1'000, 6'000, {.tid = 10, .priority = owner, .state = state}, waiter))}).inversions.size();
  };
  EXPECT_EQ(count(kHigh, kHigh, HFT_OWNER_RUNNING), 0u);
  EXPECT_EQ(count(kLow, kHigh, HFT_OWNER_RUNNING), 0u);
  EXPECT_EQ(count(kHigh, kLow, HFT_OWNER_RUNNING), 1u);
  EXPECT_EQ(count(kHigh, kFair, HFT_OWNER_RUNNING), 1u);
  EXPECT_EQ(count(100, 139, HFT_OWNER_RUNNING), 0u) << "nice values order nobody";
  EXPECT_EQ(count(100, 139, HFT_OWNER_RUNNABLE), 1u) << "it does not run";
  EXPECT_EQ(count(139, 100, HFT_OWNER_BLOCKED), 1u);
  EXPECT_EQ(count(kLow, kHigh, HFT_OWNER_RUNNABLE), 1u);
  EXPECT_EQ(count(kDeadlinePriority, 0, HFT_OWNER_RUNNING), 1u) << "before every real-time priority";
  EXPECT_EQ(count(0, kDeadlinePriority, HFT_OWNER_RUNNING), 0u);
}

TEST(PriorityInversionTest, AnOwnerThatLosesItsCpuLaterMakesOne) {
  const OffCpuTime wait = Asked(Wait(30, 1'000, 6'000, {.tid = 10, .priority = kFair, .state = HFT_OWNER_RUNNING}, kFair));
  EXPECT_TRUE(Find({wait}).inversions.empty());
  EXPECT_TRUE(Find({wait, Preempted(10, 6'000, 7'000, 20)}).inversions.empty());
  const std::vector<OffCpuTime> times = {wait, Preempted(10, 2'000, 3'000, 20)};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  EXPECT_EQ(answer.inversions[0].owner_off_cpu_ns, 1'000);
}

TEST(PriorityInversionTest, AChainIsFollowedAsItWasWhenTheWaitBegan) {
  // 40 waits for 30, which waits for 20, which waits for 10. Thread 20 waits for 11 too, but only later.
  const Owner blocked20{.tid = 20, .priority = 85, .state = HFT_OWNER_BLOCKED};
  const Owner blocked30{.tid = 30, .priority = 87, .state = HFT_OWNER_BLOCKED};
  const std::vector<OffCpuTime> times = {Wait(20, 900, 5'000, {.tid = 10}),       Wait(20, 5'100, 5'200, {.tid = 11}),
                                         Wait(30, 950, 5'500, blocked20),         Wait(30, 10, 900, {.tid = 12}),
                                         Preempted(10, 2'000, 3'000, 77),         Preempted(20, 5'000, 5'050, 78),
                                         Asked(Wait(40, 1'000, 5'600, blocked30))};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  const Inversion& inversion = answer.inversions[0];
  ASSERT_EQ(inversion.chain.size(), 3u);
  EXPECT_EQ(inversion.chain[0].owner, Thread(30));
  EXPECT_EQ(inversion.chain[1].owner, Thread(20));
  EXPECT_EQ(inversion.chain[2].owner, Thread(10));
  EXPECT_EQ(inversion.chain[2].call.arguments[0], 0x1000u + 10);
  EXPECT_FALSE(inversion.chain_truncated);
  EXPECT_EQ(inversion.owner_off_cpu_ns, 1'000) << "of the last one";
  EXPECT_EQ(inversion.preemptor->tid, 77u);
}

TEST(PriorityInversionTest, AWaitForACpuIsNoLinkOfAChain) {
  // 20 had waited for a lock and has it, but not its CPU yet.
  OffCpuTime wait = Wait(20, 100, 2'000, {.tid = 10});
  wait.blocked_until_ns = 900;
  const InversionAnswer answer = Find({wait, Asked(Wait(40, 1'000, 5'600, {.tid = 20}))});
  ASSERT_EQ(answer.inversions.size(), 1u);
  EXPECT_EQ(answer.inversions[0].chain.size(), 1u);
}

TEST(PriorityInversionTest, ADeadlockGoesRoundOnce) {
  const Owner blocked40{.tid = 40, .state = HFT_OWNER_BLOCKED};
  const Owner blocked20{.tid = 20, .state = HFT_OWNER_BLOCKED};
  OffCpuTime first = Asked(Wait(40, 1'000, 9'000, blocked20));
  OffCpuTime second = Asked(Wait(20, 900, 9'000, blocked40));
  first.in_progress = second.in_progress = true;
  const std::vector<OffCpuTime> times = {first, second};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 2u);
  const Inversion& of_forty = answer.inversions[0].wait->thread.tid == 40 ? answer.inversions[0] : answer.inversions[1];
  ASSERT_EQ(of_forty.chain.size(), 2u);
  EXPECT_EQ(of_forty.chain[0].owner.tid, 20u);
  EXPECT_EQ(of_forty.chain[1].owner.tid, 40u);
  EXPECT_TRUE(of_forty.chain_truncated);
  // What 40 waited for was taken later than 20 fell asleep: at that moment the chain was but one link long.
  const Inversion& of_twenty = &of_forty == &answer.inversions[0] ? answer.inversions[1] : answer.inversions[0];
  EXPECT_EQ(of_twenty.chain.size(), 1u);
}

TEST(PriorityInversionTest, AChainHasAtMostSixteenLinks) {
  std::vector<OffCpuTime> times;
  for (uint32_t tid = 100; tid < 120; ++tid) {
    times.push_back(Wait(tid, 1'000 - static_cast<int64_t>(tid), 9'000, {.tid = tid - 1, .state = HFT_OWNER_BLOCKED}));
  }
  times.push_back(Asked(Wait(200, 1'000, 9'000, {.tid = 119, .state = HFT_OWNER_BLOCKED})));
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  EXPECT_EQ(answer.inversions[0].chain.size(), kInversionLinksMax);
  EXPECT_TRUE(answer.inversions[0].chain_truncated);
}

TEST(PriorityInversionTest, MissingRecordsEndAChainAndUnknownPrioritiesAreCounted) {
  // The owner is not watched: nothing is known of it.
  const InversionAnswer unwatched =
      Find({Asked(Wait(30, 1'000, 6'000, {.tid = 10, .priority = 0, .state = HFT_OWNER_STATE_UNKNOWN, .inherits = true}))});
  EXPECT_TRUE(unwatched.inversions.empty());
  EXPECT_EQ(unwatched.unknown_count, 1u);
  // The waiter's priority is not known, and the owner runs.
  const InversionAnswer no_priority = Find({Asked(Wait(30, 1'000, 6'000, {.tid = 10, .state = HFT_OWNER_RUNNING}, std::nullopt))});
  EXPECT_TRUE(no_priority.inversions.empty());
  EXPECT_EQ(no_priority.unknown_count, 1u);
  // It does not run: one, whatever the waiter's priority is.
  EXPECT_EQ(Find({Asked(Wait(30, 1'000, 6'000, {.tid = 10}, std::nullopt))}).inversions.size(), 1u);
  // The owner is blocked, and its own wait was too short for a record.
  const std::vector<OffCpuTime> times = {Asked(Wait(30, 1'000, 6'000, {.tid = 10, .state = HFT_OWNER_BLOCKED}))};
  const InversionAnswer blocked = Find(times);
  ASSERT_EQ(blocked.inversions.size(), 1u);
  EXPECT_EQ(blocked.inversions[0].chain.size(), 1u);
  EXPECT_EQ(blocked.inversions[0].chain[0].owner.tgid, kProcess) << "a lock of the process's own";
  EXPECT_EQ(blocked.inversions[0].owner_off_cpu_ns, 0);
  EXPECT_FALSE(blocked.inversions[0].preemptor.has_value());
}

TEST(PriorityInversionTest, TheLastOwnerMayBeUnwatched) {
  OffCpuTime shared = Wait(20, 900, 5'000, {.tid = 10, .priority = 0, .state = HFT_OWNER_STATE_UNKNOWN, .inherits = true});
  shared.call.arguments[1] = 0;  // a futex that processes share
  const std::vector<OffCpuTime> times = {shared, Asked(Wait(40, 1'000, 5'600, {.tid = 20, .state = HFT_OWNER_BLOCKED}))};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 1u);
  ASSERT_EQ(answer.inversions[0].chain.size(), 2u);
  EXPECT_EQ(answer.inversions[0].chain[1].owner.tgid, 0u) << "it may be another process's";
  EXPECT_FALSE(answer.inversions[0].owner_off_cpu_ns.has_value());
}

TEST(PriorityInversionTest, InheritedIsWhatTheKernelDid) {
  const OffCpuTime wait = Asked(Wait(30, 1'000, 6'000, {.tid = 10, .inherits = true}));
  PriorityBoost boost{.thread = Thread(10), .start_mono_ns = 995, .duration_ns = 4'000};
  EXPECT_TRUE(Find({wait}, {boost}).inversions.at(0).inherited);
  PriorityBoost earlier = boost;
  earlier.duration_ns = 4;
  PriorityBoost other = boost;
  other.thread = Thread(11);
  EXPECT_FALSE(Find({wait}, {earlier, other}).inversions.at(0).inherited);
  EXPECT_FALSE(Find({Asked(Wait(30, 1'000, 6'000, {.tid = 10}))}, {boost}).inversions.at(0).inherited) << "by another lock";
  // Not collected: as the kernel would have done.
  EXPECT_TRUE(FindInversions(std::vector{wait}, std::nullopt).inversions.at(0).inherited);
  EXPECT_FALSE(FindInversions(std::vector{Asked(Wait(30, 1'000, 6'000, {.tid = 10, .priority = kHigh, .inherits = true}))}, std::nullopt)
                   .inversions.at(0)
                   .inherited);
}

TEST(PriorityInversionTest, TheyComeInTheOrderOfTheirEndsAndOnlyWhatWasAskedFor) {
  const std::vector<OffCpuTime> times = {Asked(Wait(30, 3'000, 6'000, {.tid = 10})), Asked(Wait(31, 1'000, 2'000, {.tid = 10})),
                                         Wait(32, 1'000, 2'500, {.tid = 10})};
  const InversionAnswer answer = Find(times);
  ASSERT_EQ(answer.inversions.size(), 2u);
  EXPECT_EQ(answer.inversions[0].wait->thread.tid, 31u);
  EXPECT_EQ(answer.inversions[1].wait->thread.tid, 30u);
}

TEST(OffCpuTimeTest, ASpikesBlockedPartAndItsRunnersAreTaken) {
  Spike spike;
  spike.id = 9;
  spike.kind = SpikeKind::kBlocked;
  spike.thread = Thread(30);
  spike.priority = kHigh;
  spike.start_mono_ns = 1'000;
  spike.duration_ns = 500;
  spike.cause_count = 3;
  spike.causes[0] = {.kind = CauseKind::kBlocked, .duration_ns = 300};
  spike.causes[1] = {.kind = CauseKind::kThread, .tid = 20, .tgid = 2, .duration_ns = 150};
  spike.causes[2] = {.kind = CauseKind::kThread, .others = true, .duration_ns = 50};
  const OffCpuTime ended = OffCpuTimeOf(spike, 9'000);
  EXPECT_EQ(ended.spike_id, 9u);
  EXPECT_EQ(ended.end_mono_ns, 1'500);
  EXPECT_EQ(ended.blocked_until_ns, 1'300);
  EXPECT_EQ(ended.priority, kHigh);
  ASSERT_EQ(ended.runners.size(), 1u);
  EXPECT_EQ(ended.runners[0].tid, 20u);
  EXPECT_EQ(ended.runners[0].duration_ns, 150);
  // It goes on: woken already, then still asleep.
  spike.in_progress = true;
  EXPECT_EQ(OffCpuTimeOf(spike, 9'000).blocked_until_ns, 1'300);
  EXPECT_EQ(OffCpuTimeOf(spike, 9'000).end_mono_ns, 9'000);
  EXPECT_FALSE(OffCpuTimeOf(spike, 9'000).priority.has_value());
  spike.cause_count = 1;
  spike.causes[0].duration_ns = spike.duration_ns;
  EXPECT_EQ(OffCpuTimeOf(spike, 9'000).blocked_until_ns, 9'000);
}

TEST(LockWaitTest, WordsOfLocksAreToldFromOthers) {
  Call call;
  EXPECT_FALSE(IsLockWait(call));
  EXPECT_FALSE(IsUnownedLockWait(call));
  call.state = HFT_CALL_KNOWN;
  call.futex_command = FUTEX_WAIT;
  call.futex_word_known = true;
  call.futex_word = 7;
  EXPECT_FALSE(IsUnownedLockWait(call)) << "a counter, perhaps: nobody owns it";
  call.futex_word = 2;
  EXPECT_TRUE(IsUnownedLockWait(call));
  call.futex_word = 0x80000000u | 55;
  EXPECT_TRUE(IsUnownedLockWait(call));
  call.futex_word_known = false;
  EXPECT_FALSE(IsUnownedLockWait(call));
  call.futex_command = FUTEX_LOCK_PI;
  EXPECT_TRUE(IsUnownedLockWait(call));
  EXPECT_TRUE(InheritsPriority(call));
  call.owner_tid = 3;
  EXPECT_TRUE(IsLockWait(call));
  EXPECT_FALSE(IsUnownedLockWait(call));
}

}  // namespace
}  // namespace hftmon
