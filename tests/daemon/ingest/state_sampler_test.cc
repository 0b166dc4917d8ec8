#include "daemon/ingest/state_sampler.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <numeric>
#include <thread>
#include <vector>

#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"
#include "tests/fakes/system_call_ban.h"

namespace hftmon {
namespace {

constexpr int64_t kUs = 1'000;

class StateSamplerTest : public testing::Test {
 protected:
  StateSamplerTest() { kernel_.Follow({.slot = 1, .tid = 100, .tgid = 90}); }

  KernelView View() {
    KernelView view = kernel_.view();
    view.interrupts = interrupts_;
    return view;
  }
  hft_cpu& Cpu(uint32_t cpu) { return kernel_.view().cpus[cpu]; }
  void Switch(uint32_t cpu, uint32_t tid, uint32_t tgid) {
    Cpu(cpu).log[Cpu(cpu).position % HFT_CPU_LOG_ENTRIES] = {.clock_ns = 1, .tid = tid, .tgid = tgid};
    ++Cpu(cpu).position;
  }
  // Enters or leaves an interrupt level now.
  void SetLevel(uint32_t cpu, hft_interrupt_level level, bool in) {
    interrupts_[cpu].levels[level].start_ns = in ? static_cast<uint64_t>(clock_.NowNs()) : 0;
    interrupts_[cpu].active = in ? interrupts_[cpu].active | 1u << level : interrupts_[cpu].active & ~(1u << level);
  }
  bool Begin(int64_t ticks, int64_t interval_ns = kUs, std::vector<int> cpus = {0}) {
    return sampler_.Begin({.cpus = cpus, .duration_ns = ticks * interval_ns, .interval_ns = interval_ns, .may_spin = true});
  }
  // As the loop does.
  void LookAndTick() {
    sampler_.Look(clock_.NowNs());
    sampler_.TickIfDue();
  }
  void Ticks(int count, int64_t interval_ns = kUs) {
    for (int i = 0; i < count; ++i) {
      LookAndTick();
      clock_.AdvanceNs(interval_ns);
    }
  }
  static const SampledThread* Find(const CpuSamples& cpu, uint32_t tid) {
    for (const SampledThread& thread : cpu.threads.entries()) {
      if (thread.tid == tid) return &thread;
    }
    return nullptr;
  }
  static uint64_t CountOf(const CpuSamples& cpu, uint32_t tid) {
    const SampledThread* thread = Find(cpu, tid);
    return thread == nullptr ? 0 : thread->count;
  }
  // Each sample is one thing.
  static uint64_t SumOf(const CpuSamples& cpu) {
    uint64_t sum = cpu.idle_count + cpu.unlisted_count + cpu.unknown_count;
    for (const uint64_t count : cpu.level_count) sum += count;
    for (const SampledThread& thread : cpu.threads.entries()) sum += thread.count;
    return sum;
  }

  FakeMonotonicClock clock_;
  FakeKernelView kernel_;
  std::vector<hft_cpu_interrupts> interrupts_{2};
  WakerTable wakers_{64};
  StateSampler sampler_{View(), &clock_, &wakers_};
};

TEST_F(StateSamplerTest, WhatEachCpuDidIsCountedToTheSample) {
  kernel_.view().slot_of_tid[100] = 1;
  kernel_.view().watched_bits[90 / 64] |= 1ull << (90 % 64);
  Switch(0, 100, 90);
  ASSERT_TRUE(Begin(100, kUs, {0, 1}));
  Ticks(40);
  Switch(0, 0, 0);
  Ticks(30);
  Switch(0, 200, 190);
  Ticks(15);
  SetLevel(0, HFT_LEVEL_SOFTIRQ, true);
  Ticks(4);
  SetLevel(0, HFT_LEVEL_HARD, true);
  Ticks(3);
  SetLevel(0, HFT_LEVEL_HARD, false);
  SetLevel(0, HFT_LEVEL_SOFTIRQ, false);
  Switch(1, 300, 300);
  Ticks(7);
  EXPECT_EQ(sampler_.result(), nullptr);
  Ticks(1);
  const StateSamples* samples = sampler_.result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->due_count, 100u);
  EXPECT_EQ(samples->on_time_count, 100u);
  ASSERT_EQ(samples->cpus.size(), 2u);
  const CpuSamples& cpu = samples->cpus[0];
  EXPECT_EQ(cpu.sample_count, 100u);
  EXPECT_EQ(CountOf(cpu, 100), 40u);
  EXPECT_EQ(Find(cpu, 100)->tgid, 90u);
  EXPECT_TRUE(Find(cpu, 100)->watched);
  EXPECT_EQ(CountOf(cpu, 200), 23u);
  EXPECT_FALSE(Find(cpu, 200)->watched);
  EXPECT_EQ(cpu.idle_count, 30u);
  EXPECT_EQ(cpu.level_count[HFT_LEVEL_SOFTIRQ], 4u);
  EXPECT_EQ(cpu.level_count[HFT_LEVEL_HARD], 3u) << "the innermost one counts";
  EXPECT_EQ(SumOf(cpu), cpu.sample_count);
  EXPECT_EQ(cpu.longest_run_ns, 39 * kUs);
  EXPECT_EQ(cpu.longest_run_tid, 100u);
  EXPECT_EQ(cpu.longest_interrupt_ns, 6 * kUs);
  const CpuSamples& other = samples->cpus[1];
  EXPECT_EQ(other.unknown_count, 92u) << "it had not switched yet";
  EXPECT_EQ(CountOf(other, 300), 8u);
  EXPECT_EQ(SumOf(other), 100u);
}

TEST_F(StateSamplerTest, TicksAreOnTimeLateOrMissed) {
  ASSERT_TRUE(Begin(12, 10 * kUs));
  const auto at = [this, begin_ns = clock_.NowNs()](int64_t ns) {
    clock_.SetNs(begin_ns + ns);
    LookAndTick();
  };
  at(0);
  at(9'999);   // not due
  at(11'000);  // 1 us late: on time
  at(21'001);  // late
  at(39'999);  // 9.999 us late, the next one is not due yet
  at(75'500);  // those of 40, 50 and 60 are missed
  at(75'600);
  at(500'000);  // the four that are left are missed
  const StateSamples* samples = sampler_.result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->due_count, 12u);
  EXPECT_EQ(samples->on_time_count, 2u);
  EXPECT_EQ(samples->late_count, 3u);
  EXPECT_EQ(samples->missed_count, 7u);
  EXPECT_EQ(samples->cpus[0].sample_count, 5u);
  EXPECT_EQ(samples->lateness_max_ns, 9'999);
  EXPECT_EQ(samples->lateness_sum_ns, 0 + 1'000 + 1'001 + 9'999 + 5'500);
  EXPECT_EQ(std::accumulate(samples->lateness.begin(), samples->lateness.end(), uint64_t{0}), 5u);
}

TEST_F(StateSamplerTest, AtAMicrosecondATickThatIsNotOnTimeIsMissed) {
  ASSERT_TRUE(Begin(1'000));
  Ticks(500, 1'700);
  LookAndTick();
  while (sampler_.result() == nullptr) Ticks(1, 1'700);
  const StateSamples* samples = sampler_.result();
  EXPECT_EQ(samples->late_count, 0u);
  EXPECT_EQ(samples->on_time_count + samples->missed_count, 1'000u);
  EXPECT_GT(samples->missed_count, 400u);
}

TEST_F(StateSamplerTest, ACpuThatSwitchesWhileItIsReadIsTornOrWhole) {
  std::atomic<bool> stop{false};
  // The writer's side as the program keeps it; both words of an entry are the same number.
  std::thread writer([&] {
    std::atomic_ref<__u64> position(Cpu(0).position);
    while (!stop.load(std::memory_order_relaxed)) {
      const uint64_t at = position.load(std::memory_order_relaxed);
      hft_runner& entry = Cpu(0).log[at % HFT_CPU_LOG_ENTRIES];
      const auto number = static_cast<__u32>(1 + at % 100);
      std::atomic_ref<__u32>(entry.tid).store(number, std::memory_order_relaxed);
      std::atomic_ref<__u32>(entry.tgid).store(number, std::memory_order_relaxed);
      position.store(at + 1, std::memory_order_release);
    }
  });
  // Until both were seen: how long that takes the machine decides.
  bool torn = false;
  bool whole = false;
  while (!torn || !whole) {
    ASSERT_TRUE(Begin(1'000));
    while (sampler_.result() == nullptr) Ticks(1);
    const CpuSamples& cpu = sampler_.result()->cpus[0];
    EXPECT_EQ(cpu.sample_count + cpu.torn_count, 1'000u);
    EXPECT_EQ(SumOf(cpu), cpu.sample_count);
    for (const SampledThread& thread : cpu.threads.entries()) EXPECT_EQ(thread.tid, thread.tgid);
    torn = torn || cpu.torn_count > 0;
    whole = whole || cpu.sample_count > 0;
    sampler_.End();
  }
  stop.store(true, std::memory_order_relaxed);
  writer.join();
}

TEST_F(StateSamplerTest, ThreadsWithoutAPlaceInTheTableAreCountedTogether) {
  constexpr uint32_t kThreads = 2 * SampledThreads::kEntries;
  ASSERT_TRUE(Begin(kThreads));
  for (uint32_t tid = 1; tid <= kThreads; ++tid) {
    Switch(0, tid, tid);
    Ticks(1);
  }
  const StateSamples* samples = sampler_.result();
  ASSERT_NE(samples, nullptr);
  const CpuSamples& cpu = samples->cpus[0];
  EXPECT_GE(cpu.unlisted_count, SampledThreads::kEntries);
  EXPECT_LT(cpu.unlisted_count, kThreads - SampledThreads::kEntries / 2) << "most places were used";
  EXPECT_EQ(SumOf(cpu), kThreads);
}

TEST_F(StateSamplerTest, WatchedThreadsThatWaitAreMetInTurn) {
  kernel_.Follow({.slot = 2, .tid = 101, .tgid = 90});
  kernel_.Follow({.slot = 3, .tid = 102, .tgid = 90});
  kernel_.Follow({.slot = 4, .tid = 103, .tgid = 90});
  const std::span<hft_thread_slot> slots = kernel_.view().slots;
  slots[1].out_clock_ns = 5;  // preempted on CPU 0
  slots[1].out = {.cpu = 0, .kind = HFT_SWITCH_USER_PREEMPTION, .wait_migrations = 0, .syscall = -1};
  slots[2].out_clock_ns = 6;  // asleep
  slots[2].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
  slots[3].out_clock_ns = 7;  // was woken, and waits on CPU 1
  slots[3].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
  slots[3].wishes.waker = 1;
  wakers_.Note(3)->out_clock_ns = 7;
  wakers_.Note(3)->wait_cpu = 1;
  ASSERT_TRUE(Begin(400, StateSampler::kLookNs, {0, 1}));
  Ticks(400, StateSampler::kLookNs);
  const StateSamples* samples = sampler_.result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->watched_count, 4u);
  EXPECT_EQ(samples->look_count, 400u);
  EXPECT_EQ(samples->cpus[0].waiting_count, 100u);
  EXPECT_EQ(samples->cpus[1].waiting_count, 100u);
}

TEST_F(StateSamplerTest, WatchedThreadsAreLookedAtSeldomerThanCpus) {
  ASSERT_TRUE(Begin(160));
  Ticks(160);
  ASSERT_NE(sampler_.result(), nullptr);
  EXPECT_EQ(sampler_.result()->look_count, 10u);
  EXPECT_EQ(sampler_.result()->cpus[0].sample_count, 160u);
}

TEST_F(StateSamplerTest, OneSamplesAtATimeAndWhoAskedMayThinkBetterOfIt) {
  ASSERT_TRUE(Begin(10));
  EXPECT_FALSE(Begin(10));
  sampler_.End();  // before the loop has seen it
  ASSERT_TRUE(Begin(10));
  Ticks(3);
  EXPECT_TRUE(sampler_.active());
  sampler_.End();  // while it runs: the loop has to notice
  EXPECT_FALSE(Begin(10));
  EXPECT_EQ(sampler_.result(), nullptr);
  Ticks(1);
  EXPECT_FALSE(sampler_.active());
  ASSERT_TRUE(Begin(10));
  Ticks(10);
  ASSERT_NE(sampler_.result(), nullptr);
  EXPECT_FALSE(Begin(10)) << "its result is not read yet";
  EXPECT_EQ(sampler_.result()->due_count, 10u) << "nothing of the earlier ones is in it";
  sampler_.End();
  sampler_.End();
  EXPECT_TRUE(Begin(10));
}

TEST_F(StateSamplerTest, ProgramsThatAreSwitchedOffEndIt) {
  ASSERT_TRUE(Begin(10));
  Ticks(3);
  kernel_.view().controls->off = 1;
  Ticks(1);
  ASSERT_NE(sampler_.result(), nullptr);
  EXPECT_EQ(sampler_.result()->end, SamplingEnd::kSwitchedOff);
  EXPECT_EQ(sampler_.result()->due_count, 3u);
}

TEST_F(StateSamplerTest, WhatRanBeforeTheLogIsBelievedIsNotKnown) {
  Switch(0, 100, 90);
  Cpu(0).log_begin = Cpu(0).position;  // as after off and on
  ASSERT_TRUE(Begin(4));
  Ticks(2);
  Switch(0, 100, 90);
  Ticks(2);
  ASSERT_NE(sampler_.result(), nullptr);
  EXPECT_EQ(sampler_.result()->cpus[0].unknown_count, 2u);
  EXPECT_EQ(CountOf(sampler_.result()->cpus[0], 100), 2u);
}

TEST_F(StateSamplerTest, WhereInterruptsAreNotWatchedThreadsHaveAllOfTheTime) {
  StateSampler sampler(kernel_.view(), &clock_, nullptr);
  Switch(0, 100, 90);
  SetLevel(0, HFT_LEVEL_HARD, true);
  const int cpus[] = {0};
  ASSERT_TRUE(sampler.Begin({.cpus = cpus, .duration_ns = 3 * kUs, .interval_ns = kUs}));
  for (int i = 0; i < 3; ++i) {
    sampler.Look(clock_.NowNs());
    sampler.TickIfDue();
    clock_.AdvanceNs(kUs);
  }
  ASSERT_NE(sampler.result(), nullptr);
  EXPECT_EQ(CountOf(sampler.result()->cpus[0], 100), 3u);
}

// Memory that may not be read stands in for that of the kernel.
TEST_F(StateSamplerTest, NothingOfAnyCpuIsReadWhileNobodyAsks) {
  constexpr size_t kBytes = 1 << 20;
  void* memory = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  KernelView view;
  view.controls = static_cast<hft_controls*>(memory);
  view.cpus = {static_cast<hft_cpu*>(memory), 2};
  view.slots = {static_cast<hft_thread_slot*>(memory), 4};
  view.interrupts = {static_cast<hft_cpu_interrupts*>(memory), 2};
  StateSampler sampler(view, &clock_, nullptr);
  const auto look = [&] {
    for (int i = 0; i < 1'000; ++i) {
      sampler.Look(clock_.NowNs());
      sampler.TickIfDue();
      clock_.AdvanceNs(kUs);
    }
  };
  look();
  const int cpus[] = {0};
  EXPECT_DEATH(
      {
        sampler.Begin({.cpus = cpus, .duration_ns = kUs, .interval_ns = kUs});
        look();
      },
      "");
  munmap(memory, kBytes);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(StateSamplerTest, ItsTicksMakeNoSystemCall) {
  Switch(0, 100, 90);
  ASSERT_TRUE(Begin(100, kUs, {0, 1}));
  const int ended = WithoutSystemCalls([this] {
    if (!ForbidSystemCalls()) return 77;
    Ticks(50);
    Switch(0, 200, 190);
    SetLevel(1, HFT_LEVEL_SOFTIRQ, true);
    Ticks(50);
    return sampler_.result() != nullptr && sampler_.result()->due_count == 100 ? 42 : 1;
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls";
  EXPECT_EQ(ended, 42);
}
#endif

}  // namespace
}  // namespace hftmon
