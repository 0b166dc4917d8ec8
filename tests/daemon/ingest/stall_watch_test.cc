#include "daemon/ingest/stall_watch.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr ThreadKey kThread{100, 90, 7};
constexpr uint16_t kSlot = 5;
constexpr uint32_t kCpu = 1;
constexpr int64_t kThresholdNs = 50'000;
constexpr int64_t kOutMonoNs = 1'000'000'000;
constexpr int64_t kOutClockNs = 400'000'000;

class RecordingSink : public StallSink {
 public:
  void OnStalled(const OffCpuInterval& so_far, int64_t crossing_mono_ns) override {
    stalled.push_back(so_far);
    crossings.push_back(crossing_mono_ns);
  }
  void OnInterrupted(const Interruption& so_far, int64_t crossing_mono_ns) override {
    interrupted.push_back(so_far);
    crossings.push_back(crossing_mono_ns);
  }
  void OnStallOver(uint16_t slot, int64_t out_clock_ns, int64_t waiting_until_mono_ns) override {
    over_slots.push_back(slot);
    EXPECT_EQ(out_clock_ns, kOutClockNs);
    over_ns.push_back(waiting_until_mono_ns);
  }
  void OnStretchOver(uint16_t cpu, int64_t start_mono_ns, int64_t lasting_until_mono_ns) override {
    EXPECT_EQ(cpu, kCpu);
    over_stretches.push_back(start_mono_ns);
    over_ns.push_back(lasting_until_mono_ns);
  }

  std::vector<OffCpuInterval> stalled;
  std::vector<Interruption> interrupted;
  std::vector<int64_t> crossings;
  std::vector<uint16_t> over_slots;
  std::vector<int64_t> over_stretches;
  std::vector<int64_t> over_ns;
};

class StallWatchTest : public testing::Test {
 protected:
  StallWatchTest() : interrupts_(2), view_(kernel_.view()) {
    view_.interrupts = interrupts_;
    view_.controls->run_queue_threshold_ns = kThresholdNs;
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.state = HFT_SLOT_LIVE;
    slot.tid = kThread.tid;
    slot.tgid = kThread.tgid;
    slot.start_ns = kThread.start_ns;
    slot.generation = 3;
    slot.out_clock_ns = kOutClockNs;
    view_.slot_of_tid[kThread.tid] = kSlot;
    view_.watched_bits[kThread.tgid / 64] |= 1ull << (kThread.tgid % 64);
    Runs(11, kOutClockNs - 500'000);
  }
  StallWatch& Watch() {
    if (!watch_) watch_ = std::make_unique<StallWatch>(view_, &wakers_, std::vector<StallSink*>{&sink_});
    return *watch_;
  }
  // `tid` gets the CPU.
  void Runs(uint32_t tid, int64_t clock_ns) {
    hft_cpu& cpu = view_.cpus[kCpu];
    cpu.log[cpu.position % HFT_CPU_LOG_ENTRIES] = {static_cast<uint64_t>(clock_ns), tid, tid};
    ++cpu.position;
  }
  // The thread loses its CPU to `tid`.
  void Preempt(uint32_t tid) {
    Runs(tid, kOutClockNs);
    RingRecord record{};
    hft_preempted& from = record.preempted;
    from.header = {0, HFT_RECORD_PREEMPTED, 0, kCpu, kOutMonoNs};
    from.tid = kThread.tid;
    from.tgid = kThread.tgid;
    from.slot = kSlot;
    from.kind = HFT_SWITCH_USER_PREEMPTION;
    from.out_clock_ns = kOutClockNs;
    from.next_tid = tid;
    from.log_position = view_.cpus[kCpu].position;
    Preemption preemption;
    preemption.known = true;
    preemption.preemptor_tid = tid;
    std::strcpy(preemption.preemptor_comm, "bully");
    Watch().NotePreempted(record, kThread, preemption);
  }

  // The thread has the CPU, and an interrupt takes it.
  void BeginStretch(int64_t start_ns) {
    Runs(kThread.tid, kOutClockNs);
    hft_cpu_interrupts& state = interrupts_[kCpu];
    state.stretch_start_ns = start_ns;
    state.levels[HFT_LEVEL_HARD] = {.start_ns = static_cast<uint64_t>(start_ns), .source = HFT_SOURCE_LOCAL_TIMER};
    state.active = 1u << HFT_LEVEL_HARD;
  }

  // The thread, asleep since kOutClockNs, is woken; `cpu` is where it slept.
  void Wake(int64_t mono_ns, hft_switch_kind kind = HFT_SWITCH_BLOCKED_SYSCALL, int64_t out_clock_ns = kOutClockNs) {
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.out = {.cpu = kCpu, .kind = static_cast<uint8_t>(kind), .wait_migrations = 0, .syscall = 202};
    WakerTable::Entry* entry = wakers_.Note(kSlot);
    entry->tid = kThread.tid;
    entry->out_clock_ns = out_clock_ns;
    entry->log_position = view_.cpus[kCpu].position;
    entry->wait_cpu = kCpu;
    entry->waker.state = WakerState::kKnown;
    entry->waker.tid = 601;
    entry->waker.woken_mono_ns = mono_ns;
    entry->waker.woken_priority = 49;
    Watch().NoteWoken(kSlot, kThread);
  }

  FakeKernelView kernel_;
  WakerTable wakers_{64};
  std::vector<hft_cpu_interrupts> interrupts_;
  KernelView view_;
  RecordingSink sink_;
  std::unique_ptr<StallWatch> watch_;
};

TEST_F(StallWatchTest, AWaitIsToldOnceWhenItCrossesTheThreshold) {
  Preempt(501);
  Runs(502, kOutClockNs + 20'000);
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + kThresholdNs - 1));
  EXPECT_TRUE(sink_.stalled.empty());
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 700));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 2 * kThresholdNs));
  ASSERT_EQ(sink_.stalled.size(), 1u);
  EXPECT_EQ(sink_.crossings[0], kOutMonoNs + kThresholdNs);
  const OffCpuInterval& so_far = sink_.stalled[0];
  EXPECT_EQ(so_far.thread, kThread);
  EXPECT_EQ(so_far.wait_ns, kThresholdNs + 700);
  EXPECT_EQ(so_far.out_kind, HFT_SWITCH_USER_PREEMPTION);
  EXPECT_FALSE(so_far.runners_truncated);
  ASSERT_EQ(so_far.span_count, 2);
  EXPECT_EQ(so_far.spans[0].tid, 501u);
  EXPECT_EQ(so_far.spans[0].duration_ns, 20'000);
  EXPECT_EQ(so_far.spans[1].tid, 502u);
  EXPECT_EQ(so_far.spans[1].duration_ns, kThresholdNs + 700 - 20'000);
  EXPECT_STREQ(so_far.prev_comm, "bully");
}

TEST_F(StallWatchTest, AWaitIsToldAgainAtEachThresholdThatSomebodyHas) {
  Watch().SetLevels(std::vector<int64_t>{kThresholdNs, 4 * kThresholdNs, 5 * kThresholdNs, 100 * kThresholdNs});
  Preempt(501);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 4 * kThresholdNs));
  EXPECT_EQ(Watch().next_due_ns(), kOutMonoNs + 4 * kThresholdNs);
  // Late: past two levels at once, which is one telling.
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 6 * kThresholdNs, 70'000));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 50 * kThresholdNs));
  ASSERT_EQ(sink_.stalled.size(), 2u);
  EXPECT_EQ(sink_.crossings[1], kOutMonoNs + 4 * kThresholdNs);
  EXPECT_EQ(sink_.stalled[1].wait_ns, 6 * kThresholdNs);
  EXPECT_EQ(sink_.stalled[1].loop_gap_ns, 70'000);
  EXPECT_EQ(sink_.stalled[1].out_clock_ns, sink_.stalled[0].out_clock_ns);
  EXPECT_EQ(sink_.stalled[1].preemption.preemptor_tid, 501u);
  view_.slots[kSlot].out_clock_ns = 0;
  Watch().Poll(kOutMonoNs + 101 * kThresholdNs);
  EXPECT_EQ(sink_.stalled.size(), 2u) << "over before it crossed the last one";
}

TEST_F(StallWatchTest, ASubscriberWhoComesWhileItGoesOnIsToldToo) {
  Watch().SetLevels(std::vector<int64_t>{kThresholdNs});
  Preempt(501);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  Watch().SetLevels(std::vector<int64_t>{kThresholdNs, 100 * kThresholdNs});
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 50 * kThresholdNs));
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 100 * kThresholdNs + 1));
  EXPECT_EQ(sink_.stalled.size(), 2u);
}

TEST_F(StallWatchTest, AStallWhoseEndHasNoRecordIsOverWhenTheThreadStallsAgain) {
  Preempt(501);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  view_.slots[kSlot].out_clock_ns = kOutClockNs + 1'000;  // it ran, and left again
  RingRecord record{};
  record.preempted.header = {0, HFT_RECORD_PREEMPTED, 0, kCpu, kOutMonoNs + 2 * kThresholdNs};
  record.preempted.slot = kSlot;
  record.preempted.out_clock_ns = kOutClockNs + 1'000;
  Watch().NotePreempted(record, kThread, {});
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 3 * kThresholdNs + 1));
  EXPECT_EQ(sink_.over_slots, std::vector<uint16_t>{kSlot});
  EXPECT_EQ(sink_.stalled.size(), 2u);
}

TEST_F(StallWatchTest, AStretchOfInterruptsIsToldAgainAtEachThreshold) {
  Watch().SetLevels(std::vector<int64_t>{kThresholdNs, 4 * kThresholdNs});
  Runs(kThread.tid, kOutClockNs);
  hft_cpu_interrupts& state = interrupts_[kCpu];
  state.stretch_start_ns = kOutMonoNs;
  state.levels[HFT_LEVEL_HARD] = {.start_ns = kOutMonoNs, .source = HFT_SOURCE_LOCAL_TIMER};
  state.active = 1u << HFT_LEVEL_HARD;
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 4 * kThresholdNs));
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 4 * kThresholdNs + 1));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 400 * kThresholdNs));
  ASSERT_EQ(sink_.interrupted.size(), 2u);
  EXPECT_EQ(sink_.crossings[1], kOutMonoNs + 4 * kThresholdNs);
}

TEST_F(StallWatchTest, AStretchWhoseEndHasNoRecordIsSaidToBeOverAfterAWhile) {
  BeginStretch(kOutMonoNs);
  int64_t now_ns = kOutMonoNs + kThresholdNs + 1;
  EXPECT_TRUE(Watch().Poll(now_ns));
  Watch().Poll(now_ns += 1'000'000);
  const int64_t lasting_ns = now_ns;
  interrupts_[kCpu].active = 0;
  Watch().Poll(now_ns += 1'000'000);
  EXPECT_TRUE(sink_.over_stretches.empty()) << "its record may be held";
  Watch().Poll(now_ns += StallWatch::kStretchPatienceNs);
  EXPECT_EQ(sink_.over_stretches, std::vector<int64_t>{kOutMonoNs});
  EXPECT_EQ(sink_.over_ns, std::vector<int64_t>{lasting_ns});
  Watch().Poll(now_ns += StallWatch::kStretchPatienceNs);
  EXPECT_EQ(sink_.over_stretches.size(), 1u) << "once";
}

TEST_F(StallWatchTest, AStretchIsOverAlsoWhenNobodyHasAThresholdAnyMoreOrTheProgramsAreOff) {
  for (const bool off : {false, true}) {
    const int64_t start_ns = kOutMonoNs + (off ? 1'000'000'000 : 0);
    view_.controls->run_queue_threshold_ns = kThresholdNs;
    BeginStretch(start_ns);
    EXPECT_TRUE(Watch().Poll(start_ns + kThresholdNs + 1));
    interrupts_[kCpu].active = 0;
    view_.controls->run_queue_threshold_ns = HFT_NO_THRESHOLD;
    view_.controls->off = off ? 1 : 0;
    Watch().Poll(start_ns + 2'000'000);
    Watch().Poll(start_ns + 3'000'000 + StallWatch::kStretchPatienceNs);
    ASSERT_FALSE(sink_.over_stretches.empty());
    EXPECT_EQ(sink_.over_stretches.back(), start_ns);
  }
}

TEST_F(StallWatchTest, AnEarlierStretchIsOverBeforeTheNextOneOfItsCpuIsTold) {
  BeginStretch(kOutMonoNs);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  BeginStretch(kOutMonoNs + 200'000);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 200'000 + kThresholdNs + 1));
  EXPECT_EQ(sink_.over_stretches, std::vector<int64_t>{kOutMonoNs});
  EXPECT_EQ(sink_.interrupted.size(), 2u);
}

TEST_F(StallWatchTest, WhileRecordsWaitTheNextStretchIsNotToldBeforeTheEndOfTheOneThatWasTold) {
  BeginStretch(kOutMonoNs);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  BeginStretch(kOutMonoNs + 200'000);
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 200'000 + kThresholdNs + 1, 0, false));
  EXPECT_TRUE(sink_.over_stretches.empty());
  EXPECT_EQ(sink_.interrupted.size(), 1u);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + 400'000 + kThresholdNs, 0, true));
  EXPECT_EQ(sink_.interrupted.size(), 2u);
  EXPECT_EQ(sink_.over_stretches, std::vector<int64_t>{kOutMonoNs});
}

TEST_F(StallWatchTest, WhileRecordsWaitInTheRingsNothingIsSaidToBeOver) {
  Preempt(501);
  int64_t now_ns = kOutMonoNs + kThresholdNs + 1;
  Watch().Poll(now_ns);
  BeginStretch(kOutMonoNs);
  Watch().Poll(now_ns += 1'000'000);
  interrupts_[kCpu].active = 0;
  view_.slots[kSlot].out_clock_ns = 0;
  for (int i = 0; i < 100; ++i) Watch().Poll(now_ns += 1'000'000, 0, false);
  EXPECT_TRUE(sink_.over_slots.empty());
  EXPECT_TRUE(sink_.over_stretches.empty());
  Watch().Poll(now_ns += 1'000'000, 0, true);
  EXPECT_EQ(sink_.over_slots.size(), 1u);
  EXPECT_EQ(sink_.over_stretches.size(), 1u);
}

TEST(StallLevelsTest, TheNextOneAboveAndNoneBeyondTheLast) {
  StallLevels levels;
  EXPECT_EQ(levels.NextAbove(0), StallLevels::kNone);
  levels.Set(std::vector<int64_t>{10, 20, 30});
  EXPECT_EQ(levels.NextAbove(0), 10);
  EXPECT_EQ(levels.NextAbove(10), 20);
  EXPECT_EQ(levels.NextAbove(30), StallLevels::kNone);
}

TEST(StallLevelsTest, OfMoreThanTheBoundTheLargestStays) {
  std::vector<int64_t> many;
  for (int64_t i = 1; i <= 1'000; ++i) many.push_back(i * 1'000);
  StallLevels levels;
  levels.Set(many);
  EXPECT_EQ(levels.NextAbove(999'999), 1'000'000);
  int64_t at_ns = 0;
  size_t count = 0;
  for (int64_t next_ns; (next_ns = levels.NextAbove(at_ns)) != StallLevels::kNone; at_ns = next_ns) {
    EXPECT_LE(next_ns - at_ns, 10'000);
    ++count;
  }
  EXPECT_EQ(count, StallLevels::kLevelsMax);
}

TEST_F(StallWatchTest, AWaitThatEndedBeforeIsNoStall) {
  Preempt(501);
  view_.slots[kSlot].out_clock_ns = 0;
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  EXPECT_TRUE(sink_.stalled.empty());
}

TEST_F(StallWatchTest, WhileTheProgramsAreOffNothingIsToldAndWhatWasToldIsOver) {
  Preempt(501);
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  ASSERT_EQ(sink_.stalled.size(), 1u);
  Preempt(502);  // the slot still shows a wait when the programs go off, and for ever
  view_.controls->off = 1;
  int64_t now_ns = kOutMonoNs + kThresholdNs + 1;
  for (int i = 0; i < 20; ++i) Watch().Poll(now_ns += 1'000'000);
  EXPECT_EQ(sink_.stalled.size(), 1u);
  ASSERT_EQ(sink_.over_slots.size(), 1u);
  EXPECT_EQ(sink_.over_ns[0], kOutMonoNs + kThresholdNs + 1) << "when it was last seen to wait";
  view_.controls->off = 0;
  for (int i = 0; i < 20; ++i) Watch().Poll(now_ns += 1'000'000);
  EXPECT_EQ(sink_.stalled.size(), 1u) << "what began before is forgotten";
}

TEST_F(StallWatchTest, AnotherDepartureOrAnotherThreadOfTheSlotIsAnotherWait) {
  Preempt(501);
  view_.slots[kSlot].out_clock_ns = kOutClockNs + 10'000;
  Preempt(502);
  view_.slots[kSlot].out_clock_ns = kOutClockNs;
  view_.slots[kSlot].generation = 4;
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  EXPECT_TRUE(sink_.stalled.empty());
}

TEST_F(StallWatchTest, RunnersThatTheLogNoLongerHasAreSaidToBeMissing) {
  Preempt(501);
  for (uint32_t i = 0; i < HFT_CPU_LOG_ENTRIES; ++i) Runs(600 + i, kOutClockNs + 100 + i);
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  ASSERT_EQ(sink_.stalled.size(), 1u);
  EXPECT_TRUE(sink_.stalled[0].runners_truncated);
  EXPECT_EQ(sink_.stalled[0].span_count, 0);
}

TEST_F(StallWatchTest, AStallWhoseEndHasNoRecordIsSaidToBeOverAfterAWhile) {
  Preempt(501);
  int64_t now_ns = kOutMonoNs + kThresholdNs + 1;
  Watch().Poll(now_ns);
  ASSERT_EQ(sink_.stalled.size(), 1u);
  for (int i = 0; i < 5; ++i) Watch().Poll(now_ns += 1'000'000);
  EXPECT_TRUE(sink_.over_slots.empty()) << "it still waits";
  view_.slots[kSlot].out_clock_ns = 0;
  const int64_t waiting_ns = now_ns;
  Watch().Poll(now_ns += 1'000'000);
  EXPECT_TRUE(sink_.over_slots.empty()) << "its record may be on the way";
  Watch().Poll(now_ns += StallWatch::kEndPatienceNs);
  ASSERT_EQ(sink_.over_slots.size(), 1u);
  EXPECT_EQ(sink_.over_slots[0], kSlot);
  EXPECT_EQ(sink_.over_ns[0], waiting_ns) << "it is not known to have waited longer";
}

TEST_F(StallWatchTest, OfAThreadThatIsWatchedNoMoreOrInAnotherSlotTheOldSlotsWaitIsOver) {
  for (const bool other_slot : {false, true}) {
    Preempt(501);
    int64_t now_ns = kOutMonoNs + kThresholdNs + 1;
    Watch().Poll(now_ns);
    const size_t over = sink_.over_slots.size();
    if (other_slot) {
      view_.slot_of_tid[kThread.tid] = kSlot + 1;
    } else {
      view_.watched_bits[kThread.tgid / 64] = 0;
    }
    Watch().Poll(now_ns += 1'000'000);
    Watch().Poll(now_ns += StallWatch::kEndPatienceNs);
    ASSERT_EQ(sink_.over_slots.size(), over + 1);
    EXPECT_EQ(sink_.over_ns.back(), kOutMonoNs + kThresholdNs + 1) << "when it was last seen to wait";
    view_.watched_bits[kThread.tgid / 64] |= 1ull << (kThread.tgid % 64);
  }
}

TEST_F(StallWatchTest, WaitsBeyondTheBoundAreCounted) {
  for (size_t i = 0; i < StallWatch::kPendingMax + 3; ++i) Preempt(501);
  EXPECT_EQ(Watch().dropped_count(), 3u);
}

TEST_F(StallWatchTest, AStretchOfInterruptsIsToldWithWhatHasEndedAndWhatExecutes) {
  Runs(kThread.tid, kOutClockNs);
  hft_cpu_interrupts& state = interrupts_[kCpu];
  const auto start_ns = static_cast<uint64_t>(kOutMonoNs);
  state.stretch_start_ns = start_ns;
  state.log[0] = {.start_ns = start_ns, .duration_ns = 4'000, .number = 36, .source = HFT_SOURCE_DEVICE, .level = HFT_LEVEL_HARD, .row = 2};
  std::strcpy(state.devices[2].name, "eth0-rx");
  state.position = 1;
  state.levels[HFT_LEVEL_SOFTIRQ] = {.start_ns = start_ns + 5'000, .source = HFT_SOURCE_SOFTIRQ + 3};
  state.active = 1u << HFT_LEVEL_SOFTIRQ;
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 6'000));
  EXPECT_EQ(Watch().next_due_ns(), kOutMonoNs + kThresholdNs) << "the crossing is known from the first look";
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 400));
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 3 * kThresholdNs)) << "told once";
  ASSERT_EQ(sink_.interrupted.size(), 1u);
  EXPECT_EQ(sink_.crossings[0], kOutMonoNs + kThresholdNs);
  const Interruption& so_far = sink_.interrupted[0];
  EXPECT_EQ(so_far.thread, kThread);
  EXPECT_EQ(so_far.cpu, kCpu);
  ASSERT_EQ(so_far.interrupts.count, 2);
  EXPECT_STREQ(so_far.interrupts.spans[0].name, "eth0-rx");
  EXPECT_EQ(so_far.interrupts.spans[1].source, HFT_SOURCE_SOFTIRQ + 3);
  EXPECT_EQ(so_far.interrupts.spans[1].duration_ns, kThresholdNs + 400 - 5'000);
}

TEST_F(StallWatchTest, InterruptsOfNobodyWatchedOrWhileOffAreNobodysStall) {
  Runs(777, kOutClockNs);
  interrupts_[kCpu].stretch_start_ns = kOutMonoNs;
  interrupts_[kCpu].levels[HFT_LEVEL_HARD] = {.start_ns = kOutMonoNs, .source = HFT_SOURCE_LOCAL_TIMER};
  interrupts_[kCpu].active = 1u << HFT_LEVEL_HARD;
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  interrupts_[kCpu].stretch_start_ns = kOutMonoNs + 1;
  Runs(kThread.tid, kOutClockNs + 1);
  view_.controls->off = 1;
  EXPECT_FALSE(Watch().Poll(kOutMonoNs + 10 * kThresholdNs));
  EXPECT_TRUE(sink_.interrupted.empty());
}

TEST_F(StallWatchTest, AWaitAfterAWakeUpIsToldWithItsWakerAndTheOneWhoHasTheCpu) {
  Runs(501, kOutClockNs);
  constexpr int64_t kWokenNs = kOutMonoNs + 3'000'000;
  Wake(kWokenNs);
  EXPECT_FALSE(Watch().Poll(kWokenNs + kThresholdNs - 1));
  EXPECT_TRUE(Watch().Poll(kWokenNs + kThresholdNs + 500));
  ASSERT_EQ(sink_.stalled.size(), 1u);
  EXPECT_EQ(sink_.crossings[0], kWokenNs + kThresholdNs);
  const OffCpuInterval& so_far = sink_.stalled[0];
  EXPECT_EQ(so_far.thread, kThread);
  EXPECT_EQ(so_far.out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(so_far.out_syscall, 202);
  EXPECT_EQ(so_far.wait_ns, kThresholdNs + 500) << "from the wake-up on";
  EXPECT_EQ(so_far.off_cpu_ns, -1);
  EXPECT_EQ(so_far.out_clock_ns, kOutClockNs);
  EXPECT_EQ(so_far.priority, 49);
  EXPECT_EQ(so_far.waker.state, WakerState::kKnown);
  EXPECT_EQ(so_far.waker.tid, 601u);
  EXPECT_FALSE(so_far.preemption.known);
  ASSERT_EQ(so_far.span_count, 1);
  EXPECT_EQ(so_far.spans[0].tid, 501u);
  EXPECT_EQ(so_far.spans[0].duration_ns, so_far.wait_ns);
}

TEST_F(StallWatchTest, WhenOthersRanSinceTheWakeUpNobodyIsNamedBeforeTheEnd) {
  Runs(501, kOutClockNs);
  Wake(kOutMonoNs);
  Runs(502, kOutClockNs + 10'000);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  ASSERT_EQ(sink_.stalled.size(), 1u);
  EXPECT_EQ(sink_.stalled[0].span_count, 0);
  EXPECT_TRUE(sink_.stalled[0].runners_truncated);
}

TEST_F(StallWatchTest, AWakeUpThatPlacesItElsewhereWaitsThere) {
  Runs(501, kOutClockNs);
  Wake(kOutMonoNs);
  wakers_.NoteMove(kSlot, kThread.tid, 0);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  ASSERT_EQ(sink_.stalled.size(), 1u);
  EXPECT_EQ(sink_.stalled[0].cpu, 0);
  EXPECT_EQ(sink_.stalled[0].out_cpu, kCpu);
  EXPECT_TRUE(sink_.stalled[0].runners_truncated);
}

TEST_F(StallWatchTest, AWakeUpBeforeTheSwitchOutIsNoWaitThatIsFollowed) {
  Wake(kOutMonoNs, HFT_SWITCH_BLOCKED_SYSCALL, 0);
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  Wake(kOutMonoNs, HFT_SWITCH_USER_PREEMPTION);  // preempted before it could sleep
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  Wake(kOutMonoNs);
  view_.slots[kSlot].out_clock_ns = 0;  // it runs
  Watch().Poll(kOutMonoNs + kThresholdNs + 1);
  EXPECT_TRUE(sink_.stalled.empty());
}

TEST_F(StallWatchTest, WaitsThatEndedMakeRoomForNewOnes) {
  for (size_t i = 0; i < StallWatch::kPendingMax; ++i) Wake(kOutMonoNs, HFT_SWITCH_BLOCKED_SYSCALL, kOutClockNs - 1);
  EXPECT_EQ(Watch().dropped_count(), 0u);
  Wake(kOutMonoNs);
  EXPECT_EQ(Watch().dropped_count(), 0u);
  EXPECT_TRUE(Watch().Poll(kOutMonoNs + kThresholdNs + 1));
  EXPECT_EQ(sink_.stalled.size(), 1u);
}

}  // namespace
}  // namespace hftmon
