// The detector must not allocate: every operator new of this binary is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "daemon/analysis/spike_detector.h"
#include "tests/daemon/analysis/interval_maker.h"

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

class CountingClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return ++now_ns_; }

 private:
  mutable int64_t now_ns_ = 1'000'000'000;
};

TEST(AnalysisAllocationTest, TheCounterCounts) {
  const uint64_t before = allocation_count;
  operator delete(operator new(1));  // a call by name cannot be optimised away
  EXPECT_GT(allocation_count, before);
}

TEST(AnalysisAllocationTest, DetectingSpikesAllocatesNothing) {
  CountingClock clock;
  SpikeHistory spikes(64);
  SpikeDetector detector(&clock, &spikes, 16);
  OffCpuInterval interval = MakeInterval(72'000, HFT_SWITCH_BLOCKED_SYSCALL);
  interval.off_cpu_ns = 5'000'000;
  std::vector<RunnerSpan> spans;
  for (uint32_t i = 0; i < kRunnerSpansMax; ++i) spans.push_back(Ran(i * 7, 1'000));
  AddSegment(interval, 1, 72'000, spans);
  const uint64_t before = allocation_count;
  detector.SetThresholds(1'000, 1'000);
  for (int i = 0; i < 1'000; ++i) {
    detector.OnInterval(interval);
    detector.OnLoss({.lost_count = 1, .begin_mono_ns = i, .end_mono_ns = i});
  }
  EXPECT_EQ(allocation_count, before);
  EXPECT_EQ(spikes.end(), 2'000u);
}

}  // namespace
}  // namespace hftmon
