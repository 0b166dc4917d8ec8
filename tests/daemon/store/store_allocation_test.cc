// The writers of the store must not allocate: every operator new of this binary is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "daemon/store/clock_pair_recorder.h"
#include "daemon/store/event_recorder.h"
#include "daemon/store/loss_history.h"
#include "daemon/store/window_store.h"
#include "tests/daemon/store/random_delta.h"

namespace {
thread_local uint64_t allocation_count = 0;
}  // namespace

void* operator new(size_t bytes) {
  ++allocation_count;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace hftmon {
namespace {

TEST(StoreAllocationTest, TheCounterCounts) {
  const uint64_t before = allocation_count;
  operator delete(operator new(1));  // a call by name cannot be optimised away
  EXPECT_GT(allocation_count, before);
}

TEST(StoreAllocationTest, WritingWindowsThroughAllThreeLevelsAllocatesNothing) {
  std::mt19937_64 random(41);
  std::vector<ThreadDelta> deltas;
  for (uint16_t slot = 0; slot < 50; ++slot) deltas.push_back(RandomDelta(random, slot));
  WindowStore store({.fine_bytes = 1 << 20, .second_bytes = 1 << 20, .minute_bytes = 1 << 20, .slot_count = 64});
  const uint64_t before = allocation_count;
  for (int64_t bucket = 0; bucket < 20'000; ++bucket) {  // 200 s: the coarsest level is written too
    for (size_t i = 0; i < 5; ++i) store.OnThreadDelta(deltas[static_cast<size_t>(bucket * 5) % 50 + i]);
    store.OnBucketClosed(bucket * 10'000'000, (bucket + 1) * 10'000'000, (bucket + 1) * 10'000'000);
  }
  EXPECT_EQ(allocation_count, before);
  EXPECT_GT(store.Query(0, 200'000'000'000, {}).resolution_ns, 1'000'000'000);
}

TEST(StoreAllocationTest, RecordingEventsAndLossesAllocatesNothing) {
  SeqRing<SwitchEvent> events(64);
  EventRecorder recorder(&events);
  LossHistory losses(16);
  ClockPairRecorder pairs(2);
  const uint64_t before = allocation_count;
  for (int i = 0; i < 1000; ++i) {
    recorder.OnInterval(OffCpuInterval{});
    OffCpuInterval interval;
    interval.end_clock_ns = int64_t{i} * 60'000'000 + 1;  // an anchor each second record
    interval.end_mono_ns = interval.end_clock_ns + 500;
    pairs.OnInterval(interval);
    recorder.OnLife(LifeEvent{.kind = LifeKind::kMigration});
    losses.OnLoss(LossEvent{.lost_count = 1, .begin_mono_ns = i, .end_mono_ns = i});
  }
  EXPECT_EQ(allocation_count, before);
  EXPECT_EQ(events.end(), 2000u);
  ASSERT_EQ(pairs.Clocks(0).size(), 1u);
  EXPECT_EQ(pairs.Clocks(0)[0].offset_ns, 500);
}

}  // namespace
}  // namespace hftmon
