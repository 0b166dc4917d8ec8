#include "daemon/ingest/kernel_stall_watch.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{100, 90, 7};
constexpr uint16_t kSlot = 5;
constexpr int64_t kThresholdNs = 50'000;
constexpr int64_t kStartNs = 1'000'000'000;
constexpr int64_t kMs = 1'000'000;

struct Over {
  uint16_t slot;
  hft_kernel_what what;
  int64_t start_ns;
  int64_t until_ns;
};

class StallSinkOfTest : public HeldUpSink {
 public:
  void OnAsleep(const OffCpuInterval&, int64_t) override { ADD_FAILURE(); }
  void OnSleepOver(uint16_t, int64_t, int64_t) override { ADD_FAILURE(); }
  void OnUnfollowed(uint64_t) override { ADD_FAILURE(); }
  void OnKernelStallGoesOn(const EndedKernelStall& so_far, int64_t crossing_mono_ns) override {
    told.push_back(so_far);
    crossings.push_back(crossing_mono_ns);
  }
  void OnKernelStallOver(uint16_t slot, hft_kernel_what what, int64_t start_mono_ns, int64_t lasting_until_mono_ns) override {
    over.push_back({slot, what, start_mono_ns, lasting_until_mono_ns});
  }

  std::vector<EndedKernelStall> told;
  std::vector<int64_t> crossings;
  std::vector<Over> over;
};

class KernelStallWatchTest : public testing::Test {
 protected:
  KernelStallWatchTest() : table_(16), stolen_(64), view_(kernel_.view()), watch_(Prepared(), &levels_, &offsets_, {&sink_}) {
    const std::array<int64_t, 1> levels = {kThresholdNs};
    levels_.Set(levels);
  }
  const KernelView& Prepared() {
    view_.kernel = table_;
    view_.stolen = stolen_;
    view_.controls->run_queue_threshold_ns = kThresholdNs;
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.state = HFT_SLOT_LIVE;
    slot.tid = kThread.tid;
    slot.tgid = kThread.tgid;
    slot.start_ns = kThread.start_ns;
    slot.generation = 3;
    slot.wishes.probes = HFT_MEMORY | HFT_KERNEL_LOCKS;
    table_[kSlot].generation = 3;
    stolen_[kSlot].generation = 3;
    view_.slot_of_tid[kThread.tid] = kSlot;
    view_.watched_bits[kThread.tgid / 64] |= 1ull << (kThread.tgid % 64);
    return view_;
  }
  void IsOffCpu(hft_switch_kind kind) {
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.out = {.cpu = 1, .kind = static_cast<uint8_t>(kind), .wait_migrations = 0, .syscall = -1};
    slot.out_clock_ns = 400;
  }
  void BeginFault(size_t mode = 0) {
    table_[kSlot].faults_begun[mode].object = 0x7000;
    table_[kSlot].faults_begun[mode].start_ns = kStartNs;
  }
  void LookAt(int64_t now_ns) { watch_.LookAt(kSlot, {.now_ns = now_ns}); }

  FakeKernelView kernel_;
  std::vector<hft_thread_kernel> table_;
  std::vector<hft_stolen> stolen_;
  KernelView view_;
  StallLevels levels_;
  ClockOffsets offsets_{2};
  StallSinkOfTest sink_;
  KernelStallWatch watch_;
};

TEST_F(KernelStallWatchTest, AFaultThatAThreadIsBlockedInIsToldWithWhatItConsistedOf) {
  BeginFault();
  stolen_[kSlot].level_ns[HFT_LEVEL_HARD] = 3'000;
  IsOffCpu(HFT_SWITCH_BLOCKED_FAULT);
  LookAt(kStartNs + kThresholdNs);
  EXPECT_TRUE(sink_.told.empty());
  LookAt(kStartNs + 10 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  const EndedKernelStall& told = sink_.told[0];
  EXPECT_EQ(told.thread, kThread);
  EXPECT_EQ(told.cpu, 1);
  EXPECT_EQ(told.start_mono_ns, kStartNs);
  EXPECT_EQ(told.end_mono_ns, kStartNs + 10 * kMs);
  EXPECT_EQ(told.stall.what, HFT_KERNEL_FAULT);
  EXPECT_EQ(told.stall.address, 0x7000u);
  EXPECT_EQ(told.interrupted_ns[HFT_LEVEL_HARD], 3'000);
  EXPECT_EQ(told.off_cpu_ns, 10 * kMs - 3'000);
  EXPECT_EQ(told.wait_ns, 0);
  EXPECT_EQ(sink_.crossings[0], kStartNs + kThresholdNs);
}

TEST_F(KernelStallWatchTest, ABeginningThatMayBeLeftOverIsNotBelieved) {
  BeginFault(0);
  LookAt(kStartNs + 10 * kMs);  // it runs: perhaps long after the fault
  IsOffCpu(HFT_SWITCH_BLOCKED_SYSCALL);
  LookAt(kStartNs + 20 * kMs);  // no fault of its own code blocks in a system call
  BeginFault(1);
  LookAt(kStartNs + 30 * kMs);  // one of the kernel's may have been given up
  table_[kSlot].stalls_begun[HFT_STALL_SPINNING_LOCK].start_ns = kStartNs;
  LookAt(kStartNs + 40 * kMs);
  table_[kSlot].stalls_begun[HFT_STALL_SLEEPING_LOCK].start_ns = kStartNs;
  view_.slots[kSlot].off_cpu_count = 100;  // nobody sleeps so often for one lock
  LookAt(kStartNs + 50 * kMs);
  EXPECT_TRUE(sink_.told.empty());
}

TEST_F(KernelStallWatchTest, ALockIsToldWithItsOwnerAndReclaimOnACpuToo) {
  hft_kernel_begin& lock = table_[kSlot].stalls_begun[HFT_STALL_SLEEPING_LOCK];
  lock.object = 0xffff1;
  lock.lock_type = HFT_LOCK_RWSEM;
  lock.lock_flags = HFT_LOCK_FOR_WRITING;
  lock.owner_tid = 12;
  lock.owner_tgid = 11;
  lock.start_ns = kStartNs;
  IsOffCpu(HFT_SWITCH_BLOCKED_SYSCALL);
  LookAt(kStartNs + kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].stall.what, HFT_KERNEL_LOCK);
  EXPECT_EQ(sink_.told[0].stall.lock_type, HFT_LOCK_RWSEM);
  EXPECT_EQ(sink_.told[0].stall.lock_flags, HFT_LOCK_FOR_WRITING);
  EXPECT_EQ(sink_.told[0].stall.owner_tid, 12u);
  EXPECT_EQ(sink_.told[0].stall.owner_tgid, 11u);
  view_.slots[kSlot].out_clock_ns = 0;
  table_[kSlot].stalls_begun[HFT_STALL_RECLAIM].start_ns = kStartNs;
  LookAt(kStartNs + 2 * kMs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].stall.what, HFT_KERNEL_RECLAIM);
  EXPECT_EQ(sink_.told[1].off_cpu_ns, 0);
  table_[kSlot].stalls_begun[HFT_STALL_RECLAIM].start_ns = 0;
  table_[kSlot].stalls_begun[HFT_STALL_MIGRATION].object = 3;
  table_[kSlot].stalls_begun[HFT_STALL_MIGRATION].start_ns = kStartNs;
  LookAt(kStartNs + 3 * kMs);
  ASSERT_EQ(sink_.told.size(), 3u);
  EXPECT_EQ(sink_.told[2].stall.what, HFT_KERNEL_MIGRATION);
  EXPECT_EQ(sink_.told[2].stall.address, 3u) << "why pages are moved";
}

TEST_F(KernelStallWatchTest, ItIsToldOncePerSecondAndIsOverWhenItsBeginningIsGone) {
  BeginFault();
  IsOffCpu(HFT_SWITCH_BLOCKED_FAULT);
  for (int64_t at_ns = kStartNs; at_ns <= kStartNs + 1'500 * kMs; at_ns += 10 * kMs) LookAt(at_ns);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.crossings[1], 0);
  EXPECT_TRUE(sink_.over.empty());
  table_[kSlot].faults_begun[0].start_ns = 0;
  LookAt(kStartNs + 1'510 * kMs);
  EXPECT_TRUE(sink_.over.empty());
  LookAt(kStartNs + 1'520 * kMs);
  ASSERT_EQ(sink_.over.size(), 1u);
  EXPECT_EQ(sink_.over[0].what, HFT_KERNEL_FAULT);
  EXPECT_EQ(sink_.over[0].start_ns, kStartNs);
  EXPECT_EQ(sink_.over[0].until_ns, kStartNs + 1'500 * kMs);
}

TEST_F(KernelStallWatchTest, WhatAnotherOwnerOfTheSlotLeftIsNotLookedAt) {
  BeginFault();
  IsOffCpu(HFT_SWITCH_BLOCKED_FAULT);
  table_[kSlot].generation = 2;
  LookAt(kStartNs + 10 * kMs);
  table_[kSlot].generation = 3;
  view_.watched_bits[kThread.tgid / 64] = 0;
  LookAt(kStartNs + 20 * kMs);
  EXPECT_TRUE(sink_.told.empty());
}

TEST_F(KernelStallWatchTest, OneThatBeginsAnewIsAnother) {
  BeginFault();
  IsOffCpu(HFT_SWITCH_BLOCKED_FAULT);
  LookAt(kStartNs + 10 * kMs);
  table_[kSlot].faults_begun[0].start_ns = kStartNs + 12 * kMs;
  LookAt(kStartNs + 20 * kMs);
  LookAt(kStartNs + 30 * kMs);
  LookAt(kStartNs + 40 * kMs);
  ASSERT_EQ(sink_.over.size(), 1u);
  EXPECT_EQ(sink_.over[0].start_ns, kStartNs);
  ASSERT_EQ(sink_.told.size(), 2u);
  EXPECT_EQ(sink_.told[1].start_mono_ns, kStartNs + 12 * kMs);
}

TEST_F(KernelStallWatchTest, OnceToldItGoesOnWhereverItsThreadIs) {
  BeginFault();
  IsOffCpu(HFT_SWITCH_BLOCKED_FAULT);
  LookAt(kStartNs + 10 * kMs);
  view_.slots[kSlot].out_clock_ns = 0;
  for (int64_t at_ns = kStartNs + 20 * kMs; at_ns <= kStartNs + 500 * kMs; at_ns += 10 * kMs) LookAt(at_ns);
  EXPECT_EQ(sink_.told.size(), 1u);
  EXPECT_TRUE(sink_.over.empty());
}

TEST_F(KernelStallWatchTest, WhoseGroupIsNotAskedForAnyMoreIsOver) {
  table_[kSlot].stalls_begun[HFT_STALL_RECLAIM].start_ns = kStartNs;
  LookAt(kStartNs + 10 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  view_.slots[kSlot].wishes.probes = HFT_KERNEL_LOCKS;
  EXPECT_TRUE(watch_.any_open());
  LookAt(kStartNs + 20 * kMs);
  LookAt(kStartNs + 30 * kMs);
  EXPECT_EQ(sink_.over.size(), 1u);
  EXPECT_FALSE(watch_.any_open());
  LookAt(kStartNs + 40 * kMs);
  EXPECT_EQ(sink_.told.size(), 1u);
}

TEST_F(KernelStallWatchTest, OnlyThePartSinceItLeftItsCpuIsOffItAndWhoCouldRunOnWaits) {
  table_[kSlot].stalls_begun[HFT_STALL_RECLAIM].start_ns = kStartNs;
  offsets_.Note(1, 400, kStartNs + 6 * kMs);  // it left at clock 400
  IsOffCpu(HFT_SWITCH_KERNEL_PREEMPTION);
  LookAt(kStartNs + 10 * kMs);
  ASSERT_EQ(sink_.told.size(), 1u);
  EXPECT_EQ(sink_.told[0].off_cpu_ns, 4 * kMs);
  EXPECT_EQ(sink_.told[0].wait_ns, 4 * kMs);
}

TEST(KernelStallWatchBoundsTest, MoreThanItHoldsAreCountedOnceEach) {
  constexpr uint32_t kSlots = KernelStallWatch::kOpenMax + 10;
  FakeKernelView kernel({.slots = kSlots + 1});
  std::vector<hft_thread_kernel> table(kSlots + 1);
  KernelView view = kernel.view();
  view.kernel = table;
  view.controls->run_queue_threshold_ns = kThresholdNs;
  view.watched_bits[0] = ~0ull;
  for (uint32_t slot = 1; slot <= kSlots; ++slot) {
    view.slots[slot].state = HFT_SLOT_LIVE;
    view.slots[slot].generation = 1;
    view.slots[slot].wishes.probes = HFT_MEMORY;
    view.slots[slot].tid = slot;
    view.slots[slot].tgid = 1;
    view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
    table[slot].generation = 1;
    table[slot].stalls_begun[HFT_STALL_COMPACTION].start_ns = kStartNs;
  }
  StallSinkOfTest sink;
  StallLevels levels;
  const ClockOffsets offsets(2);
  KernelStallWatch watch(view, &levels, &offsets, {&sink});
  for (int64_t now_ns = kStartNs + kMs; now_ns < kStartNs + 60 * kMs; now_ns += 10 * kMs) {
    for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns});
  }
  EXPECT_EQ(sink.told.size(), KernelStallWatch::kOpenMax);
  EXPECT_EQ(watch.dropped_count(), 10u);
}

}  // namespace
}  // namespace hftmon
