// The loop while CPUs' states are sampled: it stays awake, goes on with its work, and takes ticks between the pieces of it.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <vector>

#include "daemon/ingest/housekeeping_loop.h"
#include "tests/daemon/ingest/recording_sinks.h"
#include "tests/fakes/fake_kernel_view.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

constexpr int64_t kReadingNs = 30;

// A clock whose reading takes its time, so that a loop that spins comes to an end of what it spins for.
class SlowClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return now_ns_.fetch_add(kReadingNs, std::memory_order_seq_cst) + kReadingNs; }
  void AdvanceNs(int64_t ns) { now_ns_.fetch_add(ns, std::memory_order_seq_cst); }

 private:
  mutable std::atomic<int64_t> now_ns_{1'000'000'000};
};

// Work on each interval.
class SlowSink : public IntervalSink {
 public:
  explicit SlowSink(SlowClock* clock) : clock_(clock) {}
  void OnInterval(const OffCpuInterval&) override {
    clock_->AdvanceNs(work_ns);
    ++count;
  }
  void OnLoss(const LossEvent&) override {}

  int64_t work_ns = 700;
  int count = 0;

 private:
  SlowClock* clock_;
};

class StateSamplingLoopTest : public testing::Test {
 protected:
  StateSamplingLoopTest() { kernel_.Follow({.slot = 1, .tid = 100, .tgid = 90}); }

  bool Begin(int64_t duration_ns, int64_t interval_ns, bool may_spin) {
    const int cpus[] = {0};
    return loop_.states().Begin({.cpus = cpus, .duration_ns = duration_ns, .interval_ns = interval_ns, .may_spin = may_spin});
  }
  // Until the sampling is over and the loop sleeps as its policy has it.
  void Run() {
    stop_.store(false, std::memory_order_relaxed);
    loop_.Run(stop_);
  }
  void OnSleep(int64_t ns) {
    if (loop_.states().result() != nullptr) {
      slept_after_ = true;
      stop_.store(true, std::memory_order_relaxed);
    } else if (loop_.states().active()) {
      slept_within_ns_.push_back(ns);
    }
    clock_.AdvanceNs(ns);
  }

  SlowClock clock_;
  FakeKernelView kernel_{{.cpus = 2, .ring_cells = 512}};
  RecordingSinks sinks_;
  SlowSink slow_{&clock_};
  std::atomic<bool> stop_{false};
  std::vector<int64_t> slept_within_ns_;
  bool slept_after_ = false;
  HousekeepingLoop loop_{{.view = kernel_.view(),
                          .clock = &clock_,
                          .interval_sinks = {&slow_},
                          .window_sink = &sinks_,
                          .sleep_ns = [this](int64_t ns) { OnSleep(ns); }},
                         {.policy = &kEconomyPolicy, .sampling_interval_ns = 10'000'000}};
};

TEST_F(StateSamplingLoopTest, ALoopThatMaySpinDoesNotSleepUntilItIsOverWhateverItsPolicy) {
  ASSERT_TRUE(Begin(50'000'000, 1'000, true));
  Run();
  EXPECT_TRUE(slept_after_) << "the policy is in force again";
  EXPECT_TRUE(slept_within_ns_.empty());
  const StateSamples* samples = loop_.states().result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->due_count, 50'000u);
  EXPECT_EQ(samples->missed_count, 0u);
  EXPECT_GE(sinks_.buckets.size(), 4u) << "it goes on with its work";
}

TEST_F(StateSamplingLoopTest, ALoopWhoseCpuIsSharedSleepsUntilTheNextTick) {
  ASSERT_TRUE(Begin(50'000'000, 200'000, false));
  Run();
  const StateSamples* samples = loop_.states().result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->due_count, 250u);
  EXPECT_EQ(samples->missed_count, 0u) << "its policy alone would sleep for 5 ms";
  EXPECT_GE(slept_within_ns_.size(), 249u);
  for (const int64_t ns : slept_within_ns_) EXPECT_LE(ns, 200'000);
}

TEST_F(StateSamplingLoopTest, TicksAreTakenBetweenRecords) {
  constexpr int kRecords = 300;
  hft_switch_in in{};
  in.tid = 100;
  in.tgid = 90;
  in.slot = 1;
  in.in_clock_ns = 2'000;
  in.queued_clock_ns = 1'000;
  in.wait_ns = 1'000;
  for (int i = 0; i < kRecords; ++i) kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500 + i);
  ASSERT_TRUE(Begin(200'000, 1'000, true));
  loop_.RunOnce();
  EXPECT_EQ(slow_.count, kRecords);
  // 300 records of 700 ns are longer than the whole of it.
  const StateSamples* samples = loop_.states().result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->missed_count, 0u);
  EXPECT_EQ(samples->on_time_count, 200u);
}

TEST_F(StateSamplingLoopTest, WorkThatTakesLongerThanATickIsSeenInTheMissedOnes) {
  slow_.work_ns = 50'000;
  hft_switch_in in{};
  in.tid = 100;
  in.tgid = 90;
  in.slot = 1;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  ASSERT_TRUE(Begin(1'000'000, 1'000, true));
  Run();
  const StateSamples* samples = loop_.states().result();
  ASSERT_NE(samples, nullptr);
  EXPECT_EQ(samples->due_count, 1'000u);
  EXPECT_GE(samples->missed_count, 48u);
  EXPECT_LE(samples->missed_count, 52u);
}

}  // namespace
}  // namespace hftmon
