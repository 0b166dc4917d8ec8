// The loop allocates nothing after construction: every operator new and malloc of its thread is counted while records of all kinds flow.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/ingest/life_queue.h"
#include "tests/fakes/allocation_counter.h"
#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

class CountingSinks : public IntervalSink, public WindowSink, public HeldUpSink {
 public:
  void OnInterval(const OffCpuInterval& interval) override {
    intervals.fetch_add(1, std::memory_order_relaxed);
    segments.fetch_add(interval.segment_count, std::memory_order_relaxed);
  }
  void OnLoss(const LossEvent& loss) override { lost.fetch_add(loss.lost_count, std::memory_order_relaxed); }
  void OnThreadDelta(const ThreadDelta&) override { deltas.fetch_add(1, std::memory_order_relaxed); }
  void OnBucketClosed(int64_t, int64_t, int64_t) override { buckets.fetch_add(1, std::memory_order_relaxed); }
  void OnAsleep(const OffCpuInterval&, int64_t) override { asleep.fetch_add(1, std::memory_order_relaxed); }
  void OnSleepOver(uint16_t, int64_t, int64_t) override {}
  void OnUnfollowed(uint64_t) override {}
  void OnKernelStallGoesOn(const EndedKernelStall&, int64_t) override { kernel_stalls.fetch_add(1, std::memory_order_relaxed); }
  void OnKernelStallOver(uint16_t, hft_kernel_what, int64_t, int64_t) override {}

  std::atomic<uint64_t> intervals{0}, segments{0}, lost{0}, deltas{0}, buckets{0}, asleep{0}, kernel_stalls{0};
};

// Writes a life of everything: waits with and without continuation, migrations, forks, execs, ends, cells left unpublished, overruns.
class Workload {
 public:
  Workload(FakeKernelView* kernel, FakeMonotonicClock* clock) : kernel_(kernel), clock_(clock) {
    for (uint32_t i = 0; i < 40; ++i) runners_.push_back({1000 + 10 * i, i, 1});
    for (uint16_t slot = 1; slot < 300; ++slot) kernel_->Follow({.slot = slot, .tid = slot, .tgid = 1});
  }

  void Step() {
    const uint32_t cpu = random_() % 2;
    const uint16_t slot = static_cast<uint16_t>(1 + random_() % 299);
    kernel_->SwitchOut(slot, true, HFT_SWITCH_YIELD);
    kernel_->SwitchIn(slot, 500, 900, 2);
    hft_life life{};
    life.tid = life.slot = slot;
    life.tgid = 1;
    life.start_ns = 1;
    const uint32_t chance = random_() % 1024;
    switch (chance < 48 ? chance % 4 + 1 : chance) {
      case 1000:
        kernel_->Reserve(cpu, 1);
        break;
      case 1:
        kernel_->Put(cpu, HFT_RECORD_FORK, life, clock_->TickNs());
        break;
      case 2:
        kernel_->Put(cpu, HFT_RECORD_EXEC, life, clock_->TickNs());
        break;
      case 3:
        kernel_->EndThread(slot);
        kernel_->Put(cpu, HFT_RECORD_ENDED, life, clock_->TickNs());
        break;
      case 4:
        kernel_->Release(slot);
        kernel_->Follow({.slot = slot, .tid = slot, .tgid = 1});
        break;
      default:
        PutWait(cpu, slot);
        break;
    }
    clock_->AdvanceNs(20'000);
  }

 private:
  void PutWait(uint32_t cpu, uint16_t slot) {
    hft_switch_in in{};
    in.tid = in.slot = slot;
    in.tgid = 1;
    in.in_clock_ns = 2000;
    in.queued_clock_ns = 1000;
    in.wait_ns = 1000;
    if (random_() % 4 == 0) {
      hft_migration move{};
      move.tid = move.slot = slot;
      move.tgid = 1;
      move.queued = 1;
      move.wait_ns = 100;
      move.from_clock_ns = 1400;
      kernel_->PutWithRunners(cpu, HFT_RECORD_MIGRATION, move, std::span(runners_).first(random_() % 40), clock_->TickNs());
      in.out.wait_migrations = 1;
      in.wait_ns += 100;
    }
    kernel_->PutWithRunners(cpu, HFT_RECORD_SWITCH_IN, in, std::span(runners_).first(random_() % 40), clock_->TickNs());
  }

  FakeKernelView* kernel_;
  FakeMonotonicClock* clock_;
  std::mt19937 random_{1};
  std::vector<hft_runner> runners_;
};

TEST(AllocationTest, TheCounterSeesAnAllocation) {
  const uint64_t before = allocation_count;
  auto value = std::make_unique<int>(3);
  EXPECT_EQ(allocation_count - before, 1u + (*value - 3));
}

// Threads in slots of their own that sleep, within a reclaim of theirs.
void AddSleepers(const KernelView& view) {
  view.controls->off_cpu_threshold_ns = 1'000;
  view.controls->run_queue_threshold_ns = 1'000;
  view.watched_bits[2'000 / 64] |= 1ull << (2'000 % 64);
  for (uint16_t slot = 400; slot < 420; ++slot) {
    hft_thread_slot& state = view.slots[slot];
    state.tid = 2'000u + slot;
    state.tgid = 2'000;
    state.generation = 1;
    state.wishes.probes = HFT_MEMORY | HFT_BLOCKED;
    state.out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
    state.out_clock_ns = 5;
    state.state = HFT_SLOT_LIVE;
    view.slot_of_tid[state.tid] = slot;
    view.kernel[slot].generation = 1;
    view.kernel[slot].stalls_begun[HFT_STALL_RECLAIM].start_ns = 1;
  }
}

TEST(AllocationTest, TheLoopAllocatesNothingWhileRecordsFlow) {
  FakeMonotonicClock clock;
  FakeKernelView kernel({.cpus = 2, .ring_cells = 256, .slots = 512});
  Workload workload(&kernel, &clock);
  CountingSinks sinks;
  LifeQueue lives(64);
  AddSleepers(kernel.view());
  HousekeepingLoop loop({.view = kernel.view(),
                         .clock = &clock,
                         .interval_sinks = {&sinks},
                         .held_up_sinks = {&sinks},
                         .life_sinks = {&lives},
                         .window_sink = &sinks,
                         .sleep_ns = [](int64_t) { FAIL() << "slept in latency mode"; }},
                        {.policy = &kLatencyPolicy, .sampling_interval_ns = 1'000'000});
  loop.SetHeldUpWishes({.kernel_stalls = true});
  loop.sampler().RaiseHighWater(419);
  std::atomic<bool> stop{false};
  uint64_t allocated = ~0ull;
  std::thread thread([&] {
    const uint64_t before = allocation_count;
    loop.Run(stop);
    allocated = allocation_count - before;
  });
  // Until each feature was used, and then some: the loop decides how long that takes, not a clock. Every loss it can have is provoked here.
  LifeEvent event;
  const int sampled_cpus[] = {0, 1};
  int samplings = 0;
  while (samplings < 20 || sinks.intervals.load(std::memory_order_seq_cst) < 20'000 ||
         sinks.deltas.load(std::memory_order_seq_cst) < 1000 || sinks.buckets.load(std::memory_order_seq_cst) < 100 ||
         sinks.segments.load(std::memory_order_seq_cst) <= sinks.intervals.load(std::memory_order_seq_cst) ||
         sinks.lost.load(std::memory_order_seq_cst) == 0 || loop.stats().stuck_count.Get() == 0 || loop.stats().life_count.Get() < 1000 ||
         sinks.asleep.load(std::memory_order_seq_cst) < 20 || sinks.kernel_stalls.load(std::memory_order_seq_cst) < 20) {
    for (int i = 0; i < 40; ++i) workload.Step();
    while (lives.TryPop(&event)) {
    }
    if (loop.states().result() != nullptr) {
      ++samplings;
      loop.states().End();
    }
    loop.states().Begin({.cpus = sampled_cpus, .duration_ns = 1'000'000, .interval_ns = 1'000, .may_spin = true});
    std::this_thread::yield();
  }
  stop.store(true, std::memory_order_seq_cst);
  thread.join();
  EXPECT_EQ(allocated, 0u);
}

}  // namespace
}  // namespace hftmon
