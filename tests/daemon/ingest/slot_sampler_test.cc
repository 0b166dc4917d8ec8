#include "daemon/ingest/slot_sampler.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "common/histogram.h"
#include "tests/daemon/ingest/recording_sinks.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr int64_t kInterval = 1000;

class SlotSamplerTest : public testing::Test {
 protected:
  void CloseBucket() {
    now_ns_ += kInterval;
    while (sampler_.Step(now_ns_)) {
    }
  }
  static FakeKernelView::Options ManySlots() {
    FakeKernelView::Options options;
    options.slots = 1024;
    return options;
  }

  FakeKernelView kernel_{ManySlots()};
  RecordingSinks sinks_;
  SlotSampler sampler_{kernel_.view(), &sinks_, kInterval, 0};
  int64_t now_ns_ = 0;
};

TEST_F(SlotSamplerTest, TheFirstDeltaBeginsAtTheBase) {
  kernel_.Follow({.slot = 1,
                  .tid = 50,
                  .tgid = 40,
                  .start_ns = 9,
                  .base_voluntary_count = 1000,
                  .base_involuntary_count = 20,
                  .base_run_delay_ns = 5000});
  kernel_.SwitchOut(1, true, HFT_SWITCH_BLOCKED_SYSCALL);
  kernel_.SwitchIn(1, 300, 900, 2);
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 1u);
  const ThreadDelta& delta = sinks_.deltas[0];
  EXPECT_EQ(delta.thread, (ThreadKey{50, 40, 9}));
  EXPECT_EQ(delta.slot, 1);
  EXPECT_EQ(delta.voluntary_count, 1u);
  EXPECT_EQ(delta.involuntary_count, 0u);
  EXPECT_EQ(delta.run_delay_ns, 300u);
  EXPECT_EQ(delta.off_cpu_ns, 900u);
  EXPECT_EQ(delta.run_queue[BucketOf(300)], 1u);
  EXPECT_EQ(delta.off_cpu[BucketOf(900)], 1u);
  EXPECT_EQ(delta.depth[2], 1u);
  EXPECT_EQ(delta.kind_count[HFT_SWITCH_BLOCKED_SYSCALL], 1u);
  EXPECT_EQ(delta.run_queue_max_ns, 300);
  EXPECT_EQ(delta.off_cpu_max_ns, 900);
  EXPECT_EQ(sinks_.buckets, (std::vector<std::pair<int64_t, int64_t>>{{0, 1000}}));
}

TEST_F(SlotSamplerTest, AnIdleThreadIsNotDelivered) {
  kernel_.Follow({.base_voluntary_count = 7});
  CloseBucket();
  CloseBucket();
  EXPECT_TRUE(sinks_.deltas.empty());
  EXPECT_EQ(sinks_.buckets.size(), 2u);
}

TEST_F(SlotSamplerTest, WhatInterruptsTookFromAThreadThatDoesNotSwitchIsDelivered) {
  kernel_.Follow({.slot = 1, .tid = 50, .tgid = 40, .start_ns = 9});
  hft_stolen& stolen = kernel_.view().stolen[1];
  stolen.level_ns[HFT_LEVEL_HARD] = 70;  // an earlier owner's
  stolen.generation = kernel_.view().slots[1].generation + 1;
  CloseBucket();
  EXPECT_TRUE(sinks_.deltas.empty());
  stolen.generation = kernel_.view().slots[1].generation;
  stolen.level_ns[HFT_LEVEL_SOFTIRQ] = 5;
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 1u);
  EXPECT_EQ(sinks_.deltas[0].interrupted_ns, (std::array<uint64_t, HFT_LEVELS>{5, 70, 0}));
  EXPECT_EQ(sinks_.deltas[0].voluntary_count, 0u);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.size(), 1u) << "nothing new";
  stolen.level_ns[HFT_LEVEL_NMI] = 9;
  stolen.level_ns[HFT_LEVEL_HARD] = 71;
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 2u);
  EXPECT_EQ(sinks_.deltas[1].interrupted_ns, (std::array<uint64_t, HFT_LEVELS>{0, 1, 9}));
}

TEST_F(SlotSamplerTest, SumsOfRandomActivityAreExact) {
  std::mt19937 random(5);
  std::map<uint16_t, ThreadDelta> truth;
  for (uint16_t slot = 1; slot <= 200; ++slot) kernel_.Follow({.slot = slot, .tid = slot + 100u, .base_voluntary_count = random() % 50});
  for (int i = 0; i < 30'000; ++i) {
    const uint16_t slot = static_cast<uint16_t>(1 + random() % 200);
    const bool voluntary = random() % 2 == 0;
    const auto kind = static_cast<hft_switch_kind>(random() % HFT_SWITCH_KINDS);
    const int64_t wait_ns = random() % 100'000;
    const int64_t off_cpu_ns = wait_ns + random() % 100'000;
    kernel_.SwitchOut(slot, voluntary, kind);
    kernel_.SwitchIn(slot, wait_ns, off_cpu_ns, random() % 40);
    ThreadDelta& sum = truth[slot];
    (voluntary ? sum.voluntary_count : sum.involuntary_count) += 1;
    sum.run_delay_ns += static_cast<uint64_t>(wait_ns);
    sum.off_cpu_ns += static_cast<uint64_t>(off_cpu_ns);
    sum.run_queue.Add(BucketOf(wait_ns), 1);
    sum.kind_count[kind] += 1;
    sum.run_queue_max_ns = std::max(sum.run_queue_max_ns, wait_ns);
    if (random() % 500 == 0) CloseBucket();
    if (random() % 100 == 0) sampler_.Step(now_ns_);
  }
  CloseBucket();
  std::map<uint16_t, ThreadDelta> sums;
  for (const ThreadDelta& delta : sinks_.deltas) {
    ThreadDelta& sum = sums[delta.slot];
    sum.voluntary_count += delta.voluntary_count;
    sum.involuntary_count += delta.involuntary_count;
    sum.run_delay_ns += delta.run_delay_ns;
    sum.off_cpu_ns += delta.off_cpu_ns;
    sum.run_queue.Add(delta.run_queue);
    for (size_t i = 0; i < sum.kind_count.size(); ++i) sum.kind_count[i] += delta.kind_count[i];
    sum.run_queue_max_ns = std::max(sum.run_queue_max_ns, delta.run_queue_max_ns);
  }
  ASSERT_EQ(sums.size(), truth.size());
  for (const auto& [slot, sum] : truth) {
    const ThreadDelta& made = sums[slot];
    EXPECT_EQ(made.voluntary_count, sum.voluntary_count);
    EXPECT_EQ(made.involuntary_count, sum.involuntary_count);
    EXPECT_EQ(made.run_delay_ns, sum.run_delay_ns);
    EXPECT_EQ(made.off_cpu_ns, sum.off_cpu_ns);
    EXPECT_EQ(made.run_queue, sum.run_queue);
    EXPECT_EQ(made.kind_count, sum.kind_count);
    EXPECT_EQ(made.run_queue_max_ns, sum.run_queue_max_ns);
  }
}

TEST_F(SlotSamplerTest, ACounterMayWrap) {
  kernel_.Follow({});
  hft_thread_slot& slot = kernel_.view().slots[1];
  kernel_.SwitchIn(1, BucketLowerNs(5), 100, 1);
  __u32& count = kernel_.view().histogram_pool->pages[slot.pages[0][HFT_RUN_QUEUE]].counts[5];
  count = 0xfffffffe;
  kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  sinks_.deltas.clear();
  for (int i = 0; i < 4; ++i) kernel_.SwitchIn(1, BucketLowerNs(5), 100, 1);
  EXPECT_EQ(count, 2u);
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 1u);
  EXPECT_EQ(sinks_.deltas[0].run_queue[5], 4u);
}

TEST_F(SlotSamplerTest, ARecycledSlotBeginsAnew) {
  kernel_.Follow({.tid = 50, .tgid = 50, .start_ns = 1});
  for (int i = 0; i < 10; ++i) kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  kernel_.Release(1);
  kernel_.Follow({.tid = 60, .tgid = 60, .start_ns = 2, .base_voluntary_count = 500});
  for (int i = 0; i < 3; ++i) kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 2u);
  EXPECT_EQ(sinks_.deltas[1].thread, (ThreadKey{60, 60, 2}));
  EXPECT_EQ(sinks_.deltas[1].voluntary_count, 3u);
  EXPECT_EQ(sampler_.rebased_count(), 0u);
}

TEST_F(SlotSamplerTest, ASlotReusedWithoutANewGenerationIsBegunAnewAndCounted) {
  kernel_.Follow({.tid = 50});
  for (int i = 0; i < 10; ++i) kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  kernel_.Release(1);
  kernel_.view().slots[1].generation -= 1;
  kernel_.Follow({.tid = 60});
  kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 2u);
  EXPECT_EQ(sinks_.deltas[1].voluntary_count, 1u);
  EXPECT_EQ(sampler_.rebased_count(), 1u);
}

TEST_F(SlotSamplerTest, AThreadThatTakesItsLeadersTidGoesOnCounting) {
  kernel_.Follow({.tid = 51, .tgid = 50, .start_ns = 2, .base_voluntary_count = 5});
  for (int i = 0; i < 10; ++i) kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  kernel_.RenameThread(1, 50, 1);
  sampler_.Flush(1, now_ns_ + 1, false);
  kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 3u);
  EXPECT_EQ(sinks_.deltas[1].thread, (ThreadKey{51, 50, 2}));
  EXPECT_EQ(sinks_.deltas[1].voluntary_count, 1u);
  EXPECT_EQ(sinks_.deltas[2].thread, (ThreadKey{50, 50, 1}));
  EXPECT_EQ(sinks_.deltas[2].voluntary_count, 1u);
}

TEST_F(SlotSamplerTest, AFinalFlushStandsInTheOpenBucketAndTheSlotIsNotReadAgain) {
  kernel_.Follow({.tid = 50, .tgid = 50, .start_ns = 1});
  CloseBucket();
  kernel_.SwitchIn(1, 700, 700, 1);
  kernel_.EndThread(1);
  sampler_.Flush(1, now_ns_ + 10, true);
  ASSERT_EQ(sinks_.deltas.size(), 1u);
  EXPECT_EQ(sinks_.deltas[0].begin_mono_ns, 1000);
  EXPECT_EQ(sinks_.deltas[0].end_mono_ns, 1010);
  EXPECT_EQ(sinks_.deltas[0].run_queue_max_ns, 700);
  kernel_.view().slots[1].voluntary_count = 99;  // being zeroed, or anything else
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.size(), 1u);
}

TEST_F(SlotSamplerTest, AMaximumIsOfItsBucketAloneAndOneThatIsMissingIsItsHistogramsEdge) {
  kernel_.Follow({});
  kernel_.SwitchIn(1, 1'000'000, int64_t{1} << 50, 1);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().run_queue_max_ns, 1'000'000);
  EXPECT_EQ(sinks_.deltas.back().off_cpu_max_ns, int64_t{1} << 50);
  kernel_.SwitchIn(1, 100, 200, 1);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().run_queue_max_ns, 100);
  kernel_.SwitchIn(1, 100, 200, 1);
  kernel_.view().slots[1].maxima.run_queue_ns = 0;
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().run_queue_max_ns, BucketUpperNs(BucketOf(100)));
  EXPECT_EQ(sinks_.deltas.back().off_cpu_max_ns, 200);
}

TEST_F(SlotSamplerTest, AMaximumThatIsReadBeforeItsHistogramCountsItIsTheNextBuckets) {
  kernel_.Follow({});
  kernel_.SwitchIn(1, 100, 100, 1);
  kernel_.view().slots[1].maxima.off_cpu_ns = 5'000;  // a program between its two stores
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().off_cpu_max_ns, BucketUpperNs(BucketOf(100)));
  kernel_.SwitchIn(1, 100, 5'000, 1);
  kernel_.view().slots[1].maxima.off_cpu_ns = 0;  // it was taken
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().off_cpu_max_ns, 5'000);
  kernel_.SwitchIn(1, 100, 200, 1);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.back().off_cpu_max_ns, 200);
}

TEST_F(SlotSamplerTest, SlotsNobodyToldOfAreFound) {
  kernel_.Follow({.slot = 60, .tid = 1});
  kernel_.Follow({.slot = 900, .tid = 2});
  for (int i = 0; i < 20; ++i) CloseBucket();
  kernel_.SwitchOut(60, true, HFT_SWITCH_YIELD);
  kernel_.SwitchOut(900, true, HFT_SWITCH_YIELD);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.size(), 2u);
  EXPECT_EQ(sampler_.high_water(), 900u);
}

TEST_F(SlotSamplerTest, AStepReadsABoundedNumberOfSlots) {
  sampler_.NoteSlot(1000);
  int steps = 0;
  while (sampler_.Step(kInterval)) ++steps;
  EXPECT_EQ(steps, 1000 / static_cast<int>(SlotSampler::kSlotsPerStep) + 1);
}

TEST_F(SlotSamplerTest, AStepReadsABoundedNumberOfPages) {
  constexpr uint16_t kSlots = 60;
  for (uint16_t slot = 1; slot <= kSlots; ++slot) {
    kernel_.Follow({.slot = slot, .tid = slot});
    for (int octave = 6; octave < 36; ++octave) kernel_.SwitchIn(slot, int64_t{1} << octave, int64_t{1} << octave, 1);
  }
  int steps = 0;
  while (sampler_.Step(kInterval)) ++steps;
  EXPECT_GE(steps, kSlots * 60 / static_cast<int>(SlotSampler::kPagesPerStep));
  ASSERT_EQ(sinks_.deltas.size(), kSlots);
  for (const ThreadDelta& delta : sinks_.deltas) EXPECT_EQ(delta.off_cpu.total(), 30u);
}

TEST_F(SlotSamplerTest, ABucketSaysUntilWhenItsSlotsWereRead) {
  sampler_.NoteSlot(100);
  EXPECT_TRUE(sampler_.Step(kInterval));
  EXPECT_TRUE(sampler_.Step(kInterval + 70));
  EXPECT_FALSE(sampler_.Step(kInterval + 90));
  EXPECT_EQ(sinks_.buckets.back().second, kInterval);
  EXPECT_EQ(sinks_.last_read_until_mono_ns, kInterval + 90);
}

TEST_F(SlotSamplerTest, WhatFindsNoPageIsInTheSumsAndTheMaximumAndCountedApart) {
  kernel_.Follow({.slot = 1});
  kernel_.SwitchIn(1, 1'000, 5'000, 1);
  kernel_.ExhaustPages();
  kernel_.SwitchIn(1, 1'010, 5'010, 1);     // pages that it has already
  kernel_.SwitchIn(1, 90'000, 700'000, 1);  // octaves of its own
  CloseBucket();
  ASSERT_EQ(sinks_.deltas.size(), 1u);
  const ThreadDelta& delta = sinks_.deltas[0];
  EXPECT_EQ(delta.run_queue.total(), 2u);
  EXPECT_EQ(delta.run_queue_unbinned_count, 1u);
  EXPECT_EQ(delta.off_cpu.total(), 2u);
  EXPECT_EQ(delta.off_cpu_unbinned_count, 1u);
  EXPECT_EQ(delta.run_delay_ns, 92'010u);
  EXPECT_EQ(delta.run_queue_max_ns, 90'000);
  EXPECT_EQ(delta.off_cpu_max_ns, 700'000);
  CloseBucket();
  EXPECT_EQ(sinks_.deltas.size(), 1u);
}

// Pages change hands with each round; what an earlier owner counted is never seen again.
TEST_F(SlotSamplerTest, APageThatComesBackCountsFromZero) {
  for (uint32_t round = 1; round <= 50; ++round) {
    const auto slot = static_cast<uint16_t>(1 + round % 3);
    kernel_.Follow({.slot = slot, .tid = round, .tgid = round, .start_ns = round});
    for (uint32_t i = 0; i < round; ++i) kernel_.SwitchIn(slot, 3'000, 100'000 << round % 5, 1);
    if (round % 2 == 0) CloseBucket();
    for (uint32_t i = 0; i < round; ++i) kernel_.SwitchIn(slot, 3'000, 50'000, 1);
    sinks_.deltas.clear();
    CloseBucket();
    ASSERT_EQ(sinks_.deltas.size(), 1u);
    EXPECT_EQ(sinks_.deltas[0].run_queue[BucketOf(3'000)], round % 2 == 0 ? round : 2 * round);
    EXPECT_EQ(sinks_.deltas[0].off_cpu.total(), round % 2 == 0 ? round : 2 * round);
    kernel_.Release(slot);
  }
}

TEST_F(SlotSamplerTest, TheIntervalMayChangeWhileRunning) {
  sampler_.SetIntervalNs(10 * kInterval);
  EXPECT_FALSE(sampler_.Step(2 * kInterval));
  EXPECT_TRUE(sinks_.buckets.empty());
  while (sampler_.Step(10 * kInterval)) {
  }
  ASSERT_EQ(sinks_.buckets.size(), 1u);
  EXPECT_EQ(sinks_.buckets[0].second, 10 * kInterval);
}

TEST_F(SlotSamplerTest, BucketsFollowOneAnotherWithoutAHole) {
  std::mt19937 random(1);
  int64_t now_ns = 0;
  for (int i = 0; i < 500; ++i) {
    now_ns += random() % 3000;
    sampler_.Step(now_ns);
  }
  int64_t end_ns = 0;
  for (const auto& [begin, end] : sinks_.buckets) {
    EXPECT_EQ(begin, end_ns);
    EXPECT_GT(end, begin);
    end_ns = end;
  }
}

// The kernel counts while the sampler reads: no count is missed and none is seen twice.
TEST_F(SlotSamplerTest, SumsAreExactWhileTheKernelCounts) {
  constexpr uint64_t kSwitches = 100'000;
  kernel_.Follow({.slot = 1});
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t i = 0; i < kSwitches; ++i) {
      kernel_.SwitchOut(1, i % 3 == 0, HFT_SWITCH_YIELD);
      kernel_.SwitchIn(1, static_cast<int64_t>(i % 5000), static_cast<int64_t>(i % 7000), 1);
    }
    done.store(true, std::memory_order_release);
  });
  while (!done.load(std::memory_order_acquire)) CloseBucket();
  writer.join();
  CloseBucket();
  uint64_t switches = 0;
  uint64_t waits = 0;
  for (const ThreadDelta& delta : sinks_.deltas) {
    switches += delta.voluntary_count + delta.involuntary_count;
    waits += delta.run_queue.total();
  }
  EXPECT_EQ(switches, kSwitches);
  EXPECT_EQ(waits, kSwitches);
  EXPECT_EQ(sampler_.rebased_count(), 0u);
}

// A slot is released and given to the next thread while the sampler reads: no delta is ever larger than what one thread did.
TEST_F(SlotSamplerTest, ASlotReleasedUnderTheSamplerGivesNoWildDelta) {
  std::atomic<bool> done{false};
  std::thread control([&] {
    for (uint32_t round = 1; round <= 3000; ++round) {
      kernel_.Follow({.slot = 1, .tid = round, .tgid = round, .start_ns = round, .base_voluntary_count = 1'000'000});
      for (int i = 0; i < 5; ++i) kernel_.SwitchOut(1, true, HFT_SWITCH_YIELD);
      kernel_.Release(1);
    }
    done.store(true, std::memory_order_release);
  });
  while (!done.load(std::memory_order_acquire)) CloseBucket();
  control.join();
  for (const ThreadDelta& delta : sinks_.deltas) ASSERT_LE(delta.voluntary_count, 5u);
  EXPECT_EQ(sampler_.rebased_count(), 0u);
}

}  // namespace
}  // namespace hftmon
