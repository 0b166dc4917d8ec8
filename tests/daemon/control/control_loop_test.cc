#include "daemon/control/control_loop.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

#include "daemon/control/heartbeat_watchdog.h"
#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

class ControlLoopTest : public RegistryTest {
 protected:
  ControlLoop MakeLoop(std::vector<ControlLoop::Job> jobs = {}) {
    return ControlLoop(&host.clock, &queue, &host.registry, &names, std::move(jobs));
  }
  // What the host's hooks reported goes the way of the daemon.
  void CarryEvents() {
    while (std::optional<LifeEvent> event = host.NextEvent()) queue.OnLife(*event);
  }

  FileRoot no_files{"/nonexistent"};
  ProcessNames names{&no_files};
  LifeQueue queue{8};
};

TEST_F(ControlLoopTest, EventsReachTheRegistryAndTheNames) {
  ControlLoop loop = MakeLoop();
  hooks.StartProcess(100);
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.ForkProcess(100, 150);
  CarryEvents();
  loop.RunOnce();
  EXPECT_TRUE(host.Target(150).has_value());
  EXPECT_EQ(names.NameOf(150), "child");
  EXPECT_EQ(loop.turn_count(), 1u);
}

TEST_F(ControlLoopTest, MigrationsAreNotQueued) {
  queue.OnLife({.kind = LifeKind::kMigration});
  LifeEvent event;
  EXPECT_FALSE(queue.TryPop(&event));
}

TEST_F(ControlLoopTest, DroppedEventsLeadToAResyncAndNothingLeaks) {
  ControlLoop loop = MakeLoop();
  hooks.StartProcess(100);
  ASSERT_TRUE(host.Attach({100}).ok());
  for (uint32_t tid = 200; tid < 220; ++tid) hooks.StartThread(100, tid);
  for (uint32_t tid = 200; tid < 210; ++tid) hooks.EndThread(tid);
  CarryEvents();
  EXPECT_EQ(queue.dropped_count(), 22u);
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 1u);
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 1u) << "the same drops are made good once";
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 11);
  host.CheckInvariants("dropped events");
}

// A ring that overran may have held the end of a thread.
TEST_F(ControlLoopTest, LostRecordsLeadToAResyncButNotToOneATurn) {
  uint64_t lost = 0;
  ControlLoop loop(&host.clock, &queue, &host.registry, &names, {}, [&lost] { return lost; });
  hooks.StartProcess(100);
  ASSERT_TRUE(host.Attach({100}).ok());
  hooks.StartThread(100, 200);
  loop.RunOnce();
  hooks.LoseEvents(true);
  hooks.EndThread(200);
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 0u);
  lost = 1;
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 1u);
  lost = 2;
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 1u);
  host.clock.AdvanceNs(ControlLoop::kResyncIntervalNs);
  loop.RunOnce();
  EXPECT_EQ(host.registry.counters().resync_count, 2u);
  host.Settle();
  EXPECT_EQ(host.Target(100)->thread_count, 1);
  host.CheckInvariants("lost records");
}

TEST_F(ControlLoopTest, JobsRunWhenTheyAreDueAndOnceWhenTheyAreLate) {
  int fast = 0;
  int slow = 0;
  ControlLoop loop = MakeLoop({{"fast", 10'000'000, [&] { ++fast; }}, {"slow", 100'000'000, [&] { ++slow; }}});
  for (int turn = 0; turn < 20; ++turn) {
    loop.RunOnce();
    host.clock.AdvanceNs(10'000'000);
  }
  EXPECT_EQ(fast, 20);
  EXPECT_EQ(slow, 2);
  host.clock.AdvanceNs(1'000'000'000);
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_EQ(fast, 21);
  EXPECT_EQ(slow, 3);
}

TEST_F(ControlLoopTest, ThreadRunsTurnsUntilItIsStopped) {
  std::mutex mutex;
  std::condition_variable turned;
  int runs = 0;
  std::thread::id job_thread;
  bool started_first = false;
  ControlLoop loop(&host.clock, &queue, &host.registry, &names,
                   {{"count", 0,
                     [&] {
                       std::lock_guard lock(mutex);
                       ++runs;
                       job_thread = std::this_thread::get_id();
                       turned.notify_all();
                     }}},
                   {}, [&] {
                     std::lock_guard lock(mutex);
                     started_first = runs == 0;
                   });
  loop.Start();
  {
    std::unique_lock lock(mutex);
    turned.wait(lock, [&] { return runs >= 3; });
  }
  loop.Stop();
  EXPECT_TRUE(started_first);
  EXPECT_NE(job_thread, std::this_thread::get_id());
  const uint64_t turns = loop.turn_count();
  loop.Stop();
  EXPECT_EQ(loop.turn_count(), turns);
  EXPECT_GE(turns, 3u);
}

TEST_F(ControlLoopTest, LoopThatWasNeverStartedStops) {
  ControlLoop loop = MakeLoop();
  loop.Stop();
  EXPECT_EQ(loop.turn_count(), 0u);
}

TEST(HeartbeatWatchdogTest, FeedsOnlyWhileTheLoopTurns) {
  uint64_t beat = 0;
  int feeds = 0;
  HeartbeatWatchdog watchdog([&] { return beat; }, [&] { ++feeds; });
  watchdog.Check();
  EXPECT_EQ(feeds, 1);
  watchdog.Check();
  watchdog.Check();
  EXPECT_EQ(feeds, 1);
  EXPECT_EQ(watchdog.missed_count(), 2u);
  beat = 1;
  watchdog.Check();
  EXPECT_EQ(feeds, 2);
}

}  // namespace
}  // namespace hftmon
