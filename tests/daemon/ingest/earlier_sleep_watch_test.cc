// Sleeps that began before watching did: told from the list of tasks.
#include "tests/daemon/ingest/sleep_watch_fixture.h"

namespace hftmon::sleep_watch {
namespace {

class EarlierSleepTest : public SleepWatchTest {
 protected:
  static constexpr int64_t kFoundNs = kOutMonoNs - 5 * kMs;

  EarlierSleepTest() { sink_.expected_out_clock_ns = -kFoundNs; }
  void Find(uint32_t generation = 3, hft_call_state call = HFT_CALL_KNOWN) {
    const int32_t syscall = call == HFT_CALL_KNOWN ? 0 : -1;
    earlier_.Put(kSlot, generation, {.found_mono_ns = kFoundNs, .cpu = kCpu, .syscall = syscall, .call = call, .arguments = {8, 9, 10}});
  }
};

TEST_F(EarlierSleepTest, WhoSleptWhenWatchingBeganIsToldFromThereWithItsCall) {
  view_.slots[kSlot].wishes.probes = HFT_CALLS;
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  const OffCpuInterval& told = sink_.told[0];
  EXPECT_EQ(told.thread, kThread);
  EXPECT_EQ(told.out_cpu, kCpu);
  EXPECT_EQ(told.out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(told.out_syscall, 0);
  EXPECT_LT(told.out_clock_ns, 0);
  EXPECT_EQ(told.end_mono_ns - told.off_cpu_ns, kFoundNs);
  EXPECT_EQ(told.call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(told.call.arguments[0], 8u);
  EXPECT_EQ(told.call.futex_command, HFT_NO_FUTEX);
}

TEST_F(EarlierSleepTest, OfALockTheAddressIsToldAndThatNobodyLookedAtItsWord) {
  view_.slots[kSlot].wishes.probes = HFT_CALLS;
  const auto wait = [this](uint64_t command) {
    earlier_.Put(kSlot, 3,
                 {.found_mono_ns = kFoundNs, .cpu = kCpu, .syscall = 202, .call = HFT_CALL_KNOWN, .arguments = {0x7000, command, 2}});
  };
  wait(128 + 9);
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].call.arguments[0], 0x7000u);
  EXPECT_EQ(sink_.told[0].call.futex_command, 9);
  EXPECT_FALSE(sink_.told[0].call.futex_word_known);
  EXPECT_EQ(sink_.told[0].call.owner_tid, 0u);
}

TEST_F(EarlierSleepTest, WithoutTheWishTheCallIsNotTold) {
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].call.state, HFT_CALL_NONE);
  EXPECT_EQ(sink_.told[0].out_syscall, 0);
}

TEST_F(EarlierSleepTest, InNoCallItIsAFaultAndWithoutRegistersNobodyKnows) {
  Find(3, HFT_CALL_NONE);
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].out_kind, HFT_SWITCH_BLOCKED_FAULT);
  earlier_.Put(kSlot, 3,
               {.found_mono_ns = kFoundNs + 1, .cpu = kCpu, .syscall = HFT_STOPPED, .call = HFT_CALL_NO_REGISTERS, .arguments = {}});
  LookUntil(kOutMonoNs + 62 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].out_kind, HFT_SWITCH_UNKNOWN);
  EXPECT_EQ(sink_.told[1].out_syscall, HFT_STOPPED);
  sink_.expected_out_clock_ns = -kFoundNs - 1;
  earlier_.Put(kSlot, 3, {.found_mono_ns = kFoundNs + 2, .cpu = kCpu, .syscall = 63, .call = HFT_CALL_NO_REGISTERS, .arguments = {}});
  LookUntil(kOutMonoNs + 112 * kMs);
  ASSERT_EQ(sink_.told.size(), 3u);
  EXPECT_EQ(sink_.told[2].out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(sink_.told[2].call.state, HFT_CALL_NONE);
}

TEST_F(EarlierSleepTest, ItIsOverWhenItsThreadWasSeenOnACpu) {
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  view_.slots[kSlot].task = 0xffff'8880'0000'1000;
  LookUntil(kOutMonoNs + 42 * kMs);
  EXPECT_EQ(sink_.told.size(), 1u);
  ASSERT_EQ(sink_.over_ns.size(), 1u);
  EXPECT_EQ(sink_.over_ns[0], kOutMonoNs + 12 * kMs);
}

TEST_F(EarlierSleepTest, WhoeverAsksLateIsToldOfItAsOfThen) {
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.crossings.size(), 1u);
  EXPECT_EQ(sink_.crossings[0], kOutMonoNs + 2 * kMs) << "when a look found it first";
}

TEST_F(EarlierSleepTest, AWakeUpWithoutItsSwitchOutIsItsOwn) {
  Find();
  WakerTable::Entry* entry = wakers_.Note(kSlot);
  entry->tid = kThread.tid;
  entry->out_clock_ns = 0;
  entry->waker.state = WakerState::kKnown;
  entry->waker.woken_mono_ns = kOutMonoNs + 4 * kMs;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].wait_ns, 8 * kMs);
  EXPECT_EQ(sink_.told[0].waker.state, WakerState::kKnown);
}

TEST_F(EarlierSleepTest, AWakeUpOfBeforeIsNot) {
  Find();
  WakerTable::Entry* entry = wakers_.Note(kSlot);
  entry->tid = kThread.tid;
  entry->waker.state = WakerState::kKnown;
  entry->waker.woken_mono_ns = kFoundNs - 1;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].wait_ns, 0);
  EXPECT_EQ(sink_.told[0].waker.state, WakerState::kNone);
}

TEST_F(EarlierSleepTest, WhatItSleepsNextIsASleepOfItsOwn) {
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.slots[kSlot].task = 0xffff'8880'0000'1000;
  Leave();
  LookUntil(kOutMonoNs + 62 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].out_clock_ns, kOutClockNs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST_F(EarlierSleepTest, OfAnotherUseOfTheSlotOrOfOneThatWasClearedNothingIsTold) {
  Find(2);
  LookUntil(kOutMonoNs + 12 * kMs);
  Find(3);
  earlier_.Clear(kSlot);
  LookUntil(kOutMonoNs + 42 * kMs);
  EXPECT_TRUE(sink_.told.empty());
}

TEST_F(EarlierSleepTest, WhoIsWatchedNoMoreSleepsNoMore) {
  Find();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.watched_bits[kThread.tgid / 64] = 0;
  LookUntil(kOutMonoNs + 42 * kMs);
  EXPECT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST(SleepWatchBoundsTest, EarlierSleepsTakeHalfOfThePlaces) {
  EarlierSleeps earlier(ManySleepers::kSlots + 1);
  ManySleepers many(/*asleep=*/false, &earlier);
  for (uint32_t slot = 1; slot <= ManySleepers::kSlots; ++slot) {
    earlier.Put(static_cast<uint16_t>(slot), 0,
                {.found_mono_ns = kOutMonoNs, .cpu = 0, .syscall = 0, .call = HFT_CALL_KNOWN, .arguments = {}});
  }
  many.Look(6);
  EXPECT_EQ(many.sink.told.size(), SleepWatch::kEarlierOpenMax);
  EXPECT_EQ(many.watch.unfollowed_count(), ManySleepers::kSlots - SleepWatch::kEarlierOpenMax);
}

}  // namespace
}  // namespace hftmon::sleep_watch
