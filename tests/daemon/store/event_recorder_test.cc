#include "daemon/store/event_recorder.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hftmon {
namespace {

TEST(EventRecorderTest, AnIntervalIsKeptAsAnEvent) {
  SeqRing<SwitchEvent> events(8);
  EventRecorder recorder(&events);
  OffCpuInterval interval;
  interval.thread = {.tid = 11, .tgid = 10, .start_ns = 99};
  interval.cpu = 3;
  interval.out_cpu = 2;
  interval.out_kind = HFT_SWITCH_BLOCKED_SYSCALL;
  interval.out_syscall = 202;
  interval.depth = 4;
  interval.end_mono_ns = 5000;
  interval.off_cpu_ns = 1234;
  interval.wait_ns = 234;
  interval.prev_tid = 55;
  std::strcpy(interval.prev_comm, "stress");
  interval.call.state = HFT_CALL_KNOWN;
  interval.call.wake_at_mono_ns = 4900;
  recorder.OnInterval(interval);

  SwitchEvent event;
  ASSERT_EQ(events.Read(0, &event), SeqRead::kOk);
  EXPECT_EQ(event.thread, interval.thread);
  EXPECT_EQ(event.cpu_in, 3);
  EXPECT_EQ(event.cpu_out, 2);
  EXPECT_EQ(event.out_kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(event.out_syscall, 202);
  EXPECT_EQ(event.depth, 4);
  EXPECT_EQ(event.end_mono_ns, 5000);
  EXPECT_EQ(event.off_cpu_ns, 1234);
  EXPECT_EQ(event.wait_ns, 234);
  EXPECT_EQ(event.prev_tid, 55u);
  EXPECT_STREQ(event.prev_comm, "stress");
  EXPECT_FALSE(event.is_migration);
  EXPECT_EQ(event.wake_at_mono_ns, 4900);

  // What stands there of an earlier call is not this one's.
  interval.call.state = HFT_CALL_NONE;
  recorder.OnInterval(interval);
  ASSERT_EQ(events.Read(1, &event), SeqRead::kOk);
  EXPECT_EQ(event.wake_at_mono_ns, 0);
}

TEST(EventRecorderTest, OfLifeEventsMigrationsAndEndsAreKept) {
  SeqRing<SwitchEvent> events(8);
  EventRecorder recorder(&events);
  for (const LifeKind kind : {LifeKind::kFork, LifeKind::kExec, LifeKind::kRecycled}) {
    LifeEvent life;
    life.kind = kind;
    recorder.OnLife(life);
  }
  EXPECT_EQ(events.end(), 0u);

  LifeEvent move;
  move.kind = LifeKind::kMigration;
  move.thread = {.tid = 11, .tgid = 10, .start_ns = 99};
  move.from_cpu = 1;
  move.to_cpu = 2;
  move.reason = HFT_MIGRATION_BALANCE;
  move.mono_ns = 700;
  recorder.OnLife(move);
  SwitchEvent event;
  ASSERT_EQ(events.Read(0, &event), SeqRead::kOk);
  EXPECT_TRUE(event.is_migration);
  EXPECT_EQ(event.thread, move.thread);
  EXPECT_EQ(event.cpu_out, 1);
  EXPECT_EQ(event.cpu_in, 2);
  EXPECT_EQ(event.migration_reason, HFT_MIGRATION_BALANCE);
  EXPECT_EQ(event.end_mono_ns, 700);
  EXPECT_EQ(event.off_cpu_ns, 0);
  EXPECT_FALSE(event.is_end);

  LifeEvent end;
  end.kind = LifeKind::kEnded;
  end.thread = move.thread;
  end.mono_ns = 900;
  recorder.OnLife(end);
  ASSERT_EQ(events.Read(1, &event), SeqRead::kOk);
  EXPECT_TRUE(event.is_end);
  EXPECT_FALSE(event.is_migration);
  EXPECT_EQ(event.thread, move.thread);
  EXPECT_EQ(event.end_mono_ns, 900);
}

TEST(EventRecorderTest, WhatTheKernelRecordedForOthersSakeIsNotKept) {
  SeqRing<SwitchEvent> events(8);
  EventRecorder recorder(&events);
  recorder.SetThresholds(50'000, INT64_MAX);
  OffCpuInterval interval;
  interval.wait_ns = 50'000;
  interval.off_cpu_ns = 9'000'000;
  recorder.OnInterval(interval);
  EXPECT_EQ(events.end(), 0u);
  interval.wait_ns = 50'001;
  recorder.OnInterval(interval);
  EXPECT_EQ(events.end(), 1u);
  recorder.SetThresholds(50'000, 1'000'000);
  interval.wait_ns = 0;
  recorder.OnInterval(interval);
  EXPECT_EQ(events.end(), 2u);
}

}  // namespace
}  // namespace hftmon
