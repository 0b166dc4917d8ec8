#include "daemon/ingest/housekeeping_loop.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>

#include "common/histogram.h"
#include "daemon/ingest/life_queue.h"
#include "tests/daemon/ingest/housekeeping_fixture.h"

namespace hftmon {
namespace {

TEST_F(HousekeepingLoopTest, AWaitReachesEverySink) {
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), 500);
  EXPECT_TRUE(loop_.RunOnce());
  EXPECT_FALSE(loop_.RunOnce());
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  EXPECT_EQ(second_.intervals.size(), 1u);
  EXPECT_EQ(sinks_.intervals[0].thread, (ThreadKey{100, 90, 7}));
  EXPECT_EQ(sinks_.intervals[0].spans[0].duration_ns, 1000);
  EXPECT_EQ(loop_.stats().record_count.Get(), 1u);
  EXPECT_EQ(loop_.stats().interval_count.Get(), 1u);
}

TEST_F(HousekeepingLoopTest, AMigratedWaitIsJoinedAcrossRings) {
  hft_migration move{};
  move.tid = 100;
  move.slot = 1;
  move.from_cpu = 1;
  move.to_cpu = 0;
  move.queued = 1;
  move.from_clock_ns = 700'000;
  move.wait_ns = 600;
  kernel_.PutWithRunners(1, HFT_RECORD_MIGRATION, move, std::vector<hft_runner>{{600'000, 31, 30}}, 400);
  hft_switch_in in = Wait(100, 1);
  in.out.wait_migrations = 1;
  in.wait_ns = 1600;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  const OffCpuInterval& interval = sinks_.intervals[0];
  ASSERT_EQ(interval.segment_count, 2);
  EXPECT_EQ(interval.segments[0].wait_ns, 600);
  EXPECT_EQ(interval.spans[0].tid, 31u);
  EXPECT_FALSE(interval.runners_truncated);
  ASSERT_EQ(sinks_.lives.size(), 1u);
  EXPECT_EQ(sinks_.lives[0].kind, LifeKind::kMigration);
  EXPECT_EQ(sinks_.lives[0].from_cpu, 1);
}

TEST_F(HousekeepingLoopTest, MoreMigrationsThanAreKeptTruncateAndAreCounted) {
  hft_migration move{};
  move.tid = 100;
  move.slot = 1;
  move.queued = 1;
  move.wait_ns = 10;
  move.from_clock_ns = 5000;
  for (int i = 0; i < 5; ++i) kernel_.PutWithRunners(1, HFT_RECORD_MIGRATION, move, std::vector<hft_runner>{{1, 31, 30}}, 400 + i);
  hft_switch_in in = Wait(100, 1);
  in.out.wait_migrations = 5;
  in.wait_ns = 1050;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  EXPECT_EQ(sinks_.intervals[0].segment_count, kWaitSegmentsMax);
  EXPECT_TRUE(sinks_.intervals[0].runners_truncated);
  EXPECT_EQ(loop_.stats().migration_segments_dropped_count.Get(), 2u);
}

TEST_F(HousekeepingLoopTest, ABoostReachesItsSinks) {
  hft_boost boost{};
  boost.tid = 100;
  boost.tgid = 90;
  boost.slot = 1;
  boost.old_priority = 120;
  boost.new_priority = 69;
  boost.own_priority = 120;
  boost.policy = 3;
  boost.donor_tid = 101;
  boost.donor_tgid = 91;
  std::memcpy(boost.donor_comm, "urgent", 7);
  kernel_.Put(1, HFT_RECORD_BOOST, boost, 500);
  boost.tid = 102;  // another thread has the slot
  kernel_.Put(1, HFT_RECORD_BOOST, boost, 501);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.boosts.size(), 1u);
  const BoostStep& step = sinks_.boosts[0];
  EXPECT_EQ(step.thread, (ThreadKey{100, 90, 7}));
  EXPECT_EQ(step.slot, 1);
  EXPECT_EQ(step.old_priority, 120);
  EXPECT_EQ(step.new_priority, 69);
  EXPECT_EQ(step.own_priority, 120);
  EXPECT_EQ(step.policy, 3);
  EXPECT_EQ(step.donor_tid, 101u);
  EXPECT_EQ(step.donor_tgid, 91u);
  EXPECT_STREQ(step.donor_comm, "urgent");
  EXPECT_EQ(step.mono_ns, 500);
  EXPECT_EQ(loop_.stats().stale_count.Get(), 1u);
}

TEST_F(HousekeepingLoopTest, RecordsOfThreadsNoLongerWatchedAreHarmless) {
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(101, 1), 500);       // another thread has the slot
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 2), 501);       // a free slot
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 0), 502);       // no slot
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 60'000), 503);  // no such slot
  kernel_.Put(0, HFT_RECORD_ENDED, Life(100, 60'000, 7), 504);
  loop_.RunOnce();
  EXPECT_TRUE(sinks_.intervals.empty());
  EXPECT_EQ(loop_.stats().stale_count.Get(), 4u);
  ASSERT_EQ(sinks_.lives.size(), 1u);
  EXPECT_EQ(sinks_.lives[0].slot, HFT_NO_SLOT);
}

TEST_F(HousekeepingLoopTest, AThreadsLastDeltaComesBeforeItsEnd) {
  kernel_.SwitchOut(1, false, HFT_SWITCH_EXIT);
  kernel_.EndThread(1);
  hft_life life = Life(100, 1, 7);
  life.process_ended = 1;
  kernel_.Put(0, HFT_RECORD_ENDED, life, clock_.NowNs());
  loop_.RunOnce();
  ASSERT_EQ(sinks_.lives.size(), 1u);
  EXPECT_EQ(sinks_.lives[0].kind, LifeKind::kEnded);
  EXPECT_TRUE(sinks_.lives[0].process_ended);
  EXPECT_EQ(sinks_.deltas_before_life[0], 1u);
  EXPECT_EQ(sinks_.deltas[0].involuntary_count, 1u);
  kernel_.Release(1);  // as the control thread does on hearing of it
  clock_.AdvanceNs(kInterval);
  while (loop_.RunOnce()) {
  }
  EXPECT_EQ(sinks_.deltas.size(), 1u);
  EXPECT_EQ(sinks_.buckets.size(), 1u);
}

TEST_F(HousekeepingLoopTest, ALossReachesEverySinkAndEndsTrustInPendingMigrations) {
  hft_migration move{};
  move.tid = 100;
  move.slot = 1;
  move.queued = 1;
  move.wait_ns = 600;
  kernel_.PutWithRunners(1, HFT_RECORD_MIGRATION, move, std::vector<hft_runner>{{1, 31, 30}}, 10);
  loop_.RunOnce();
  for (int i = 0; i < 100; ++i) kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), 500 + i);
  hft_switch_in in = Wait(100, 1);
  in.out.wait_migrations = 1;
  in.wait_ns = 1600;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 700);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.losses.size(), 1u);
  EXPECT_EQ(second_.losses.size(), 1u);
  EXPECT_EQ(sinks_.losses[0].lost_count + sinks_.intervals.size(), 101u);
  EXPECT_EQ(loop_.stats().lost_count.Get(), sinks_.losses[0].lost_count);
  EXPECT_TRUE(sinks_.intervals.back().runners_truncated);
  EXPECT_EQ(sinks_.intervals.back().segment_count, 1);
}

TEST_F(HousekeepingLoopTest, AnIterationIsBounded) {
  FakeKernelView::Options options;
  options.ring_cells = 4096;
  FakeKernelView kernel(options);
  kernel.Follow({.slot = 1, .tid = 100, .tgid = 90, .start_ns = 7});
  HousekeepingLoop::Wiring wiring = Wiring();
  wiring.view = kernel.view();
  HousekeepingLoop loop(std::move(wiring), {.policy = &kLatencyPolicy});
  for (int i = 0; i < 2000; ++i) kernel.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), i);
  loop.RunOnce();
  EXPECT_EQ(sinks_.intervals.size(), static_cast<size_t>(HousekeepingLoop::kRecordsPerIteration));
}

TEST_F(HousekeepingLoopTest, TimeAwayIsAGap) {
  loop_.RunOnce();
  clock_.AdvanceNs(50'000);
  loop_.RunOnce();
  EXPECT_EQ(loop_.stats().gap_count.Get(), 0u);
  clock_.AdvanceNs(300'000);
  loop_.RunOnce();
  clock_.AdvanceNs(200'000);
  loop_.RunOnce();
  EXPECT_EQ(loop_.stats().gap_count.Get(), 2u);
  EXPECT_EQ(loop_.stats().gap_max_ns.Get(), 300'000);
  EXPECT_EQ(loop_.stats().gap_sum_ns.Get(), 500'000);
  EXPECT_EQ(loop_.stats().heartbeat_mono_ns.Get(), clock_.NowNs());
}

// Runs the loop until it has slept `sleeps` times.
class SleepCountingLoop {
 public:
  SleepCountingLoop(HousekeepingLoop::Wiring wiring, const PollPolicy* policy, FakeMonotonicClock* clock, int sleeps, int64_t oversleep_ns)
      : left_(sleeps) {
    wiring.sleep_ns = [this, clock, oversleep_ns](int64_t ns) {
      clock->AdvanceNs(ns + oversleep_ns);
      if (--left_ == 0) stop_.store(true, std::memory_order_relaxed);
    };
    loop_ = std::make_unique<HousekeepingLoop>(std::move(wiring), HousekeepingLoop::Options{.policy = policy});
  }
  const LoopStats& Run() {
    loop_->Run(stop_);
    return loop_->stats();
  }
  const HousekeepingLoop& loop() const { return *loop_; }

 private:
  int left_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<HousekeepingLoop> loop_;
};

TEST_F(HousekeepingLoopTest, ADeliberateSleepIsNoGap) {
  SleepCountingLoop loop(Wiring(), &kEconomyPolicy, &clock_, 5, 0);
  EXPECT_EQ(loop.Run().gap_count.Get(), 0u);
}

TEST_F(HousekeepingLoopTest, OversleepingIsAGap) {
  SleepCountingLoop loop(Wiring(), &kEconomyPolicy, &clock_, 6, 2'000'000);
  const LoopStats& stats = loop.Run();
  EXPECT_EQ(stats.gap_count.Get(), 5u);  // the last one is not looked at any more
  EXPECT_EQ(stats.gap_max_ns.Get(), 2'000'000);
}

TEST_F(HousekeepingLoopTest, LatenessIsWhatALookCameLaterThanMeant) {
  SleepCountingLoop loop(Wiring(), &kEconomyPolicy, &clock_, 6, 2'000'000);
  loop.Run();
  // The first look of a mode has none before it; the last sleep is followed by none.
  const auto histogram = loop.loop().lateness().histogram();
  EXPECT_EQ(histogram[BucketOf(2'000'000)], 5u);
  EXPECT_EQ(loop.loop().lateness().max_ns(), 2'000'000);
  EXPECT_EQ(loop.loop().lateness().sum_ns(), 10'000'000);
}

TEST_F(HousekeepingLoopTest, LatenessBeginsAnewWithAnotherPolicy) {
  loop_.RunOnce();
  clock_.AdvanceNs(500'000);
  loop_.RunOnce();
  EXPECT_EQ(loop_.lateness().max_ns(), 500'000);
  loop_.SetPolicy(&kEconomyPolicy);
  clock_.AdvanceNs(9'000'000);
  loop_.RunOnce();
  EXPECT_EQ(loop_.lateness().max_ns(), 0) << "the distance was of the policy before";
  clock_.AdvanceNs(100);
  loop_.RunOnce();
  EXPECT_EQ(loop_.lateness().max_ns(), 100);
}

TEST_F(HousekeepingLoopTest, AnIntervalCarriesTheGapAfterWhichItsRecordWasTaken) {
  loop_.RunOnce();
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), clock_.NowNs() + 1);
  clock_.AdvanceNs(7'000);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  EXPECT_EQ(sinks_.intervals[0].loop_gap_ns, 7'000);
}

// A clock on which every look takes a microsecond, so that spinning passes time.
class SpinningClock : public MonotonicClock {
 public:
  int64_t NowNs() const override {
    if (on_reading) on_reading();
    return now_ns_ += 1000;
  }
  void Advance(int64_t ns) { now_ns_ += ns; }

  std::function<void()> on_reading;

 private:
  mutable int64_t now_ns_ = 0;
};

TEST_F(HousekeepingLoopTest, BalancedSpinsAfterARecordBeforeItSleeps) {
  SpinningClock clock;
  HousekeepingLoop::Wiring wiring = Wiring();
  wiring.clock = &clock;
  std::atomic<bool> stop{false};
  int64_t slept_ns = 0;
  wiring.sleep_ns = [&](int64_t ns) {
    slept_ns = ns;
    stop.store(true, std::memory_order_relaxed);
  };
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), 1);
  HousekeepingLoop loop(std::move(wiring), {.policy = &kBalancedPolicy});
  loop.Run(stop);
  EXPECT_EQ(slept_ns, kBalancedPolicy.sleep_ns);
  // One reading of the clock for the look, one for the pause after it.
  const auto looks = static_cast<uint64_t>(kBalancedPolicy.spin_after_activity_ns / 2000);
  EXPECT_GE(loop.stats().iteration_count.Get(), looks);
  EXPECT_LE(loop.stats().iteration_count.Get(), looks + 3);
  EXPECT_EQ(sinks_.intervals.size(), 1u);
}

TEST_F(HousekeepingLoopTest, BalancedSleepsLongerTheLongerNothingHappens) {
  HousekeepingLoop::Wiring wiring = Wiring();
  std::atomic<bool> stop{false};
  std::vector<int64_t> slept_ns;
  wiring.sleep_ns = [&](int64_t ns) {
    clock_.AdvanceNs(ns);
    slept_ns.push_back(ns);
    if (slept_ns.size() == 100) stop.store(true, std::memory_order_relaxed);
  };
  HousekeepingLoop loop(std::move(wiring), {.policy = &kBalancedPolicy});
  clock_.AdvanceNs(kBalancedPolicy.spin_after_activity_ns);
  loop.Run(stop);
  EXPECT_EQ(slept_ns.front(), kBalancedPolicy.sleep_ns);
  EXPECT_TRUE(std::is_sorted(slept_ns.begin(), slept_ns.end()));
  EXPECT_EQ(slept_ns.back(), kBalancedPolicy.sleep_max_ns);
  EXPECT_EQ(loop.stats().gap_count.Get(), 0u);
}

TEST_F(HousekeepingLoopTest, BalancedClosesBucketsNarrowerThanItsLongestSleep) {
  HousekeepingLoop::Wiring wiring = Wiring();
  std::atomic<bool> stop{false};
  int sleeps = 0;
  wiring.sleep_ns = [&](int64_t ns) {
    clock_.AdvanceNs(ns);
    if (++sleeps == 1'000) stop.store(true, std::memory_order_relaxed);
  };
  HousekeepingLoop loop(std::move(wiring), {.policy = &kBalancedPolicy, .sampling_interval_ns = 100'000});
  clock_.AdvanceNs(kBalancedPolicy.spin_after_activity_ns);
  loop.Run(stop);
  ASSERT_GT(sinks_.buckets.size(), 100u);
  for (const auto& [begin, end] : sinks_.buckets) EXPECT_LE(end - begin, 100'000 + kBalancedPolicy.sleep_ns);
}

TEST_F(HousekeepingLoopTest, LatencyNeverSleepsUntilThePolicyChanges) {
  SpinningClock clock;
  HousekeepingLoop::Wiring wiring = Wiring();
  wiring.clock = &clock;
  std::atomic<bool> stop{false};
  std::atomic<int> sleeps{0};
  wiring.sleep_ns = [&](int64_t) {
    sleeps.fetch_add(1, std::memory_order_seq_cst);
    stop.store(true, std::memory_order_relaxed);
  };
  HousekeepingLoop loop(std::move(wiring), {.policy = &kLatencyPolicy});
  std::thread thread([&] { loop.Run(stop); });
  while (loop.stats().iteration_count.Get() < 10'000) std::this_thread::yield();
  EXPECT_EQ(sleeps.load(std::memory_order_seq_cst), 0);
  loop.SetPolicy(&kEconomyPolicy);
  thread.join();
  EXPECT_EQ(sleeps.load(std::memory_order_seq_cst), 1);
}

TEST_F(HousekeepingLoopTest, FifoSleepsAsOftenAsTheKernelWantsWithRecordsAndWithout) {
  for (const bool records : {false, true}) {
    SCOPED_TRACE(records);
    SpinningClock clock;
    HousekeepingLoop::Wiring wiring = Wiring();
    wiring.clock = &clock;
    std::atomic<bool> stop{false};
    std::vector<int64_t> worked_ns;
    std::vector<int64_t> slept_ns;
    int64_t awake_ns = clock.NowNs();
    uint64_t sequence = 0;
    // Records that never end: each look finds one, because the clock's reading puts it there.
    clock.on_reading = [&] {
      if (records) kernel_.Put(0, HFT_RECORD_SWITCH_IN, Wait(100, 1), ++sequence);
    };
    wiring.sleep_ns = [&](int64_t ns) {
      worked_ns.push_back(clock.NowNs() - awake_ns);
      slept_ns.push_back(ns);
      if (slept_ns.size() == 10) stop.store(true, std::memory_order_relaxed);
      clock.Advance(ns);
      awake_ns = clock.NowNs();
    };
    HousekeepingLoop loop(std::move(wiring), {.policy = &kFifoLatencyPolicy});
    loop.Run(stop);
    EXPECT_EQ(slept_ns, std::vector<int64_t>(10, kFifoLatencyPolicy.sleep_ns));
    for (const int64_t work_ns : worked_ns) {
      EXPECT_NEAR(work_ns, kFifoLatencyPolicy.work_max_ns, 5'000);  // a few readings of the clock
    }
  }
}

TEST(PollPolicyTest, OnlyOneThatSpinsOwnsItsCpu) {
  EXPECT_TRUE(kLatencyPolicy.owns_cpu());
  EXPECT_TRUE(kFifoLatencyPolicy.owns_cpu());
  EXPECT_FALSE(kBalancedPolicy.owns_cpu());
  EXPECT_FALSE(kEconomyPolicy.owns_cpu());
}

TEST(PollPolicyTest, PoliciesAreFoundByName) {
  EXPECT_EQ(FindPollPolicy("latency"), &kLatencyPolicy);
  EXPECT_EQ(FindPollPolicy("economy"), &kEconomyPolicy);
  EXPECT_EQ(FindPollPolicy("fast"), nullptr);
}

TEST(LifeQueueTest, MigrationsStayOutAndWhatDoesNotFitIsCounted) {
  LifeQueue queue(2);
  LifeEvent event;
  event.kind = LifeKind::kMigration;
  queue.OnLife(event);
  event.kind = LifeKind::kFork;
  for (uint32_t i = 1; i <= 3; ++i) {
    event.thread.tid = i;
    queue.OnLife(event);
  }
  EXPECT_EQ(queue.dropped_count(), 1u);
  ASSERT_TRUE(queue.TryPop(&event));
  EXPECT_EQ(event.thread.tid, 1u);
}

}  // namespace
}  // namespace hftmon
