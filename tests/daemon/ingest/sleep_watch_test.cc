#include "daemon/ingest/sleep_watch.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{100, 90, 7};
constexpr uint16_t kSlot = 5;
constexpr uint16_t kCpu = 1;
constexpr int64_t kThresholdNs = 1'000'000;
constexpr int64_t kOutMonoNs = 1'000'000'000;
constexpr int64_t kOutClockNs = 400'000'000;
constexpr int64_t kMs = 1'000'000;

class SleepSink : public HeldUpSink {
 public:
  void OnAsleep(const OffCpuInterval& so_far, int64_t crossing_mono_ns) override {
    told.push_back(so_far);
    crossings.push_back(crossing_mono_ns);
  }
  void OnSleepOver(uint16_t slot, int64_t out_clock_ns, int64_t asleep_until_mono_ns) override {
    over_slots.push_back(slot);
    EXPECT_EQ(out_clock_ns, expected_out_clock_ns);
    over_ns.push_back(asleep_until_mono_ns);
  }
  void OnUnfollowed(uint64_t) override { ADD_FAILURE(); }
  void OnKernelStallGoesOn(const EndedKernelStall&, int64_t) override { ADD_FAILURE(); }
  void OnKernelStallOver(uint16_t, hft_kernel_what, int64_t, int64_t) override { ADD_FAILURE(); }

  int64_t expected_out_clock_ns = kOutClockNs;
  std::vector<OffCpuInterval> told;
  std::vector<int64_t> crossings;
  std::vector<int64_t> over_ns;
  std::vector<uint16_t> over_slots;
};

class SleepWatchTest : public testing::Test {
 protected:
  SleepWatchTest() : calls_(16), view_(kernel_.view()) {
    view_.calls = calls_;
    view_.controls->off_cpu_threshold_ns = kThresholdNs;
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.state = HFT_SLOT_LIVE;
    slot.tid = kThread.tid;
    slot.tgid = kThread.tgid;
    slot.start_ns = kThread.start_ns;
    slot.generation = 3;
    view_.slot_of_tid[kThread.tid] = kSlot;
    view_.watched_bits[kThread.tgid / 64] |= 1ull << (kThread.tgid % 64);
  }
  SleepWatch& Watch() {
    if (!watch_) {
      watch_ = std::make_unique<SleepWatch>(view_, &wakers_, &earlier_, &offsets_, std::vector<HeldUpSink*>{&sink_});
      watch_->SetLevels(levels_);
    }
    return *watch_;
  }
  void Leave(hft_switch_kind kind = HFT_SWITCH_BLOCKED_SYSCALL) {
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.out = {.cpu = kCpu, .kind = static_cast<uint8_t>(kind), .wait_migrations = 0, .syscall = 202};
    slot.out_clock_ns = kOutClockNs;
  }
  void Return() { view_.slots[kSlot].out_clock_ns = 0; }
  void LookAt(int64_t mono_ns, bool caught_up = true) { Watch().LookAt(kSlot, {.now_ns = mono_ns, .caught_up = caught_up}, of_all_); }
  // Looks every 10 ms from before it left until `mono_ns`.
  void LookUntil(int64_t mono_ns) {
    for (int64_t now_ns = kOutMonoNs + 2 * kMs; now_ns <= mono_ns; now_ns += 10 * kMs) LookAt(now_ns);
  }
  void LeaveUnderWatch() {
    LookAt(kOutMonoNs - 8 * kMs);
    offsets_.Note(kCpu, kOutClockNs - 50'000'000, kOutMonoNs - 50'000'000);
    Leave();
  }

  FakeKernelView kernel_;
  std::vector<hft_thread_calls> calls_;
  std::vector<int64_t> levels_{kThresholdNs};
  KernelView view_;
  WakerTable wakers_{64};
  EarlierSleeps earlier_{64};
  ClockOffsets offsets_{2};
  bool of_all_ = true;
  SleepSink sink_;
  std::unique_ptr<SleepWatch> watch_;
};

TEST_F(SleepWatchTest, ASleepIsToldWhenTwoLooksFoundItAndItsBeginningIsExact) {
  LeaveUnderWatch();
  LookAt(kOutMonoNs + 2 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  LookAt(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  const OffCpuInterval& told = sink_.told[0];
  EXPECT_EQ(told.thread, kThread);
  EXPECT_EQ(told.slot, kSlot);
  EXPECT_EQ(told.out_cpu, kCpu);
  EXPECT_EQ(told.out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(told.out_syscall, 202);
  EXPECT_EQ(told.out_clock_ns, kOutClockNs);
  EXPECT_EQ(told.end_mono_ns, kOutMonoNs + 12 * kMs);
  EXPECT_EQ(told.off_cpu_ns, 12 * kMs);
  EXPECT_EQ(told.wait_ns, 0);
  EXPECT_EQ(sink_.crossings[0], kOutMonoNs + kThresholdNs);
}

TEST_F(SleepWatchTest, WithoutAPairOfClocksItBeganWhenALookFirstFoundIt) {
  LookAt(kOutMonoNs - 8 * kMs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 10 * kMs);
}

TEST_F(SleepWatchTest, APairThatContradictsTheLooksIsBoundedByThem) {
  LookAt(kOutMonoNs - 8 * kMs);
  offsets_.Note(kCpu, kOutClockNs, kOutMonoNs - 500 * kMs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 20 * kMs);
}

TEST_F(SleepWatchTest, WhoCouldRunOnIsNotAsleep) {
  LookAt(kOutMonoNs - 8 * kMs);
  Leave(HFT_SWITCH_USER_PREEMPTION);
  LookUntil(kOutMonoNs + 100 * kMs);
  EXPECT_TRUE(sink_.told.empty());
}

TEST_F(SleepWatchTest, NothingIsLookedForWhereNobodyAsks) {
  view_.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_FALSE(Watch().wanted());
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 100 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  view_.controls->off_cpu_threshold_ns = kThresholdNs;
  EXPECT_TRUE(Watch().wanted());
}

TEST_F(SleepWatchTest, OfTargetsThatDoNotAskOnlyWhereASubscriberDoes) {
  of_all_ = false;
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  EXPECT_TRUE(sink_.told.empty());
  view_.slots[kSlot].wishes.probes = HFT_BLOCKED;
  LookUntil(kOutMonoNs + 22 * kMs);
  EXPECT_EQ(sink_.told.size(), 1u);
}

TEST_F(SleepWatchTest, WhereNobodyAsksAnyMoreItGoesOnUntilItsEndAndWhoAsksAnewHearsOfIt) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_TRUE(Watch().wanted());
  LookUntil(kOutMonoNs + 502 * kMs);
  EXPECT_TRUE(sink_.over_ns.empty());
  LookUntil(kOutMonoNs + 1'100 * kMs);
  EXPECT_EQ(sink_.told.size(), 2u);
  Return();
  LookAt(kOutMonoNs + 1'110 * kMs);
  LookAt(kOutMonoNs + 1'120 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  EXPECT_FALSE(Watch().wanted());
}

TEST_F(SleepWatchTest, ItsBeginningStaysWhereItWasFirst) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  offsets_.Note(kCpu, kOutClockNs, kOutMonoNs + 3 * kMs);
  LookUntil(kOutMonoNs + 1'100 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].end_mono_ns - sink_.told[1].off_cpu_ns, kOutMonoNs);
}

TEST_F(SleepWatchTest, AnOldPairOfClocksIsNotUsed) {
  LookAt(kOutMonoNs - 8 * kMs);
  offsets_.Note(kCpu, kOutClockNs - ClockOffsets::kAgeMaxNs, kOutMonoNs - ClockOffsets::kAgeMaxNs);
  Leave();
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 10 * kMs);
}

TEST_F(SleepWatchTest, TheNextSleepIsToldWhenTheRecordOfTheLastHadTimeToCome) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 12 * kMs);
  view_.slots[kSlot].out_clock_ns = kOutClockNs + 20 * kMs;
  LookAt(kOutMonoNs + 22 * kMs, /*caught_up=*/false);
  LookAt(kOutMonoNs + 32 * kMs, /*caught_up=*/false);
  EXPECT_EQ(sink_.told.size(), 1u);
  LookAt(kOutMonoNs + 42 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  LookAt(kOutMonoNs + 52 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].out_clock_ns, kOutClockNs + 20 * kMs);
}

TEST_F(SleepWatchTest, ItIsToldAgainAtEachLevelAndEachSecond) {
  levels_ = {kThresholdNs, 95 * kMs};
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 1'200 * kMs);
  ASSERT_EQ(sink_.told.size(), 3u);
  EXPECT_EQ(sink_.told[1].off_cpu_ns, 102 * kMs);
  EXPECT_EQ(sink_.crossings[1], kOutMonoNs + 95 * kMs);
  EXPECT_EQ(sink_.told[2].off_cpu_ns, 1'102 * kMs);
  EXPECT_EQ(sink_.crossings[2], 0);
}

TEST_F(SleepWatchTest, ItIsOverWhenTheThreadIsBackAndTheRecordHadTimeToCome) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  Return();
  LookAt(kOutMonoNs + 32 * kMs);
  LookAt(kOutMonoNs + 42 * kMs, /*caught_up=*/false);
  EXPECT_TRUE(sink_.over_ns.empty());
  LookAt(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns, std::vector<int64_t>{kOutMonoNs + 22 * kMs});
  LookAt(kOutMonoNs + 62 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST_F(SleepWatchTest, OfAThreadThatIsWatchedNoMoreItIsOverAndNotToldAgain) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  view_.watched_bits[kThread.tgid / 64] = 0;
  LookUntil(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
  EXPECT_EQ(sink_.told.size(), 1u);
}

TEST_F(SleepWatchTest, WhileTheProgramsAreOffNothingOfItIsBelieved) {
  LeaveUnderWatch();
  LookUntil(kOutMonoNs + 22 * kMs);
  view_.controls->off = 1;
  LookUntil(kOutMonoNs + 52 * kMs);
  EXPECT_EQ(sink_.over_ns.size(), 1u);
}

TEST_F(SleepWatchTest, WhatItBlocksInIsToldIfItIsOfThisDeparture) {
  LeaveUnderWatch();
  calls_[kSlot].generation = 3;
  hft_blocked_call& call = calls_[kSlot].last;
  call = {.out_clock_ns = kOutClockNs,
          .owner_tid = 77,
          .owner_syscall = -1,
          .state = HFT_CALL_KNOWN,
          .futex_command = HFT_NO_FUTEX,
          .owner_source = HFT_OWNER_GLIBC};
  call.arguments[0] = 9;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(sink_.told[0].call.arguments[0], 9u);
  EXPECT_EQ(sink_.told[0].call.owner_tid, 77u);
  call.out_clock_ns = kOutClockNs - 1;
  LookUntil(kOutMonoNs + 1'200 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].call.state, HFT_CALL_NONE);
}

TEST_F(SleepWatchTest, WhoWasWokenMeanwhileWaits) {
  LeaveUnderWatch();
  WakerTable::Entry* entry = wakers_.Note(kSlot);
  entry->tid = kThread.tid;
  entry->out_clock_ns = kOutClockNs;
  entry->waker.state = WakerState::kKnown;
  entry->waker.woken_mono_ns = kOutMonoNs + 4 * kMs;
  LookUntil(kOutMonoNs + 12 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 12 * kMs);
  EXPECT_EQ(sink_.told[0].wait_ns, 8 * kMs);
  EXPECT_EQ(sink_.told[0].waker.state, WakerState::kKnown);
}

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

TEST(SleepWatchBoundsTest, MoreThanItHoldsAreCountedOnceEach) {
  constexpr uint32_t kSlots = SleepWatch::kOpenMax + 10;
  FakeKernelView kernel({.slots = kSlots + 1});
  KernelView view = kernel.view();
  view.controls->off_cpu_threshold_ns = kThresholdNs;
  view.watched_bits[0] = ~0ull;
  SleepSink sink;
  const ClockOffsets offsets(2);
  SleepWatch watch(view, nullptr, nullptr, &offsets, {&sink});
  for (uint32_t slot = 1; slot <= kSlots; ++slot) {
    view.slots[slot].state = HFT_SLOT_LIVE;
    view.slots[slot].tid = slot;
    view.slots[slot].tgid = 1;
    view.slots[slot].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
    view.slots[slot].out_clock_ns = kOutClockNs;
    view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
  }
  for (int64_t now_ns = kOutMonoNs; now_ns < kOutMonoNs + 60 * kMs; now_ns += 10 * kMs) {
    for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns}, true);
  }
  EXPECT_EQ(sink.told.size(), SleepWatch::kOpenMax);
  EXPECT_EQ(watch.dropped_count(), 10u);
  EXPECT_EQ(watch.unfollowed_count(), 10u);
  // One of them is back, and so is one that was told: there is room again for another.
  view.slots[kSlots].out_clock_ns = 0;
  view.slots[1].out_clock_ns = 0;
  for (int64_t now_ns = kOutMonoNs + 60 * kMs; now_ns < kOutMonoNs + 90 * kMs; now_ns += 10 * kMs) {
    for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns}, true);
  }
  EXPECT_EQ(watch.unfollowed_count(), 8u);
  EXPECT_EQ(watch.dropped_count(), 10u);
}

TEST(SleepWatchBoundsTest, WhatWasUntoldIsForgottenWhenNobodyAsksOrItIsWatchedNoMore) {
  constexpr uint32_t kSlots = SleepWatch::kOpenMax + 10;
  FakeKernelView kernel({.slots = kSlots + 1});
  KernelView view = kernel.view();
  view.controls->off_cpu_threshold_ns = kThresholdNs;
  view.watched_bits[0] = ~0ull;
  SleepSink sink;
  const ClockOffsets offsets(2);
  SleepWatch watch(view, nullptr, nullptr, &offsets, {&sink});
  for (uint32_t slot = 1; slot <= kSlots; ++slot) {
    view.slots[slot].state = HFT_SLOT_LIVE;
    view.slots[slot].tid = slot;
    view.slots[slot].tgid = 1;
    view.slots[slot].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
    view.slots[slot].out_clock_ns = kOutClockNs;
    view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
  }
  int64_t now_ns = kOutMonoNs;
  const auto look = [&](bool of_all) {
    for (int round = 0; round < 4; ++round, now_ns += 10 * kMs) {
      for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns}, of_all);
    }
  };
  look(true);
  ASSERT_EQ(watch.unfollowed_count(), 10u);
  // Nobody asks for them any more: they are untold to nobody.
  look(false);
  EXPECT_EQ(watch.unfollowed_count(), 0u);
  look(true);
  ASSERT_EQ(watch.unfollowed_count(), 10u);
  view.watched_bits[0] = 0;
  view.controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  EXPECT_TRUE(watch.wanted());
  look(true);
  EXPECT_EQ(watch.unfollowed_count(), 0u);
  EXPECT_FALSE(watch.wanted());
}

TEST(SleepWatchBoundsTest, EarlierSleepsTakeHalfOfThePlaces) {
  constexpr uint32_t kSlots = SleepWatch::kOpenMax + 10;
  FakeKernelView kernel({.slots = kSlots + 1});
  KernelView view = kernel.view();
  view.controls->off_cpu_threshold_ns = kThresholdNs;
  view.watched_bits[0] = ~0ull;
  SleepSink sink;
  const ClockOffsets offsets(2);
  EarlierSleeps earlier(kSlots + 1);
  SleepWatch watch(view, nullptr, &earlier, &offsets, {&sink});
  for (uint32_t slot = 1; slot <= kSlots; ++slot) {
    view.slots[slot].state = HFT_SLOT_LIVE;
    view.slots[slot].tid = slot;
    view.slots[slot].tgid = 1;
    view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
    earlier.Put(static_cast<uint16_t>(slot), 0,
                {.found_mono_ns = kOutMonoNs, .cpu = 0, .syscall = 0, .call = HFT_CALL_KNOWN, .arguments = {}});
  }
  for (int64_t now_ns = kOutMonoNs; now_ns < kOutMonoNs + 60 * kMs; now_ns += 10 * kMs) {
    for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns}, true);
  }
  EXPECT_EQ(sink.told.size(), SleepWatch::kEarlierOpenMax);
  EXPECT_EQ(watch.unfollowed_count(), kSlots - SleepWatch::kEarlierOpenMax);
}

}  // namespace
}  // namespace hftmon
