// Records that say more of a wait are paired with the one that ends it.
#include "tests/daemon/ingest/housekeeping_fixture.h"

namespace hftmon {
namespace {

// A wake-up of thread 100 in slot 1, asleep since that switch-out.
hft_waker WakeUp(uint64_t out_clock_ns, uint32_t waker_tid) {
  hft_waker waker{};
  waker.tid = 100;
  waker.tgid = 90;
  waker.slot = 1;
  waker.out_clock_ns = out_clock_ns;
  waker.waker_tid = waker_tid;
  waker.waker_tgid = 30;
  return waker;
}

TEST_F(HousekeepingLoopTest, AWakeUpOnAnotherCpuIsPairedWithTheWaitThatItBegins) {
  kernel_.view().slots[1].wishes.waker = 1;
  hft_switch_in in = Wait(100, 1);
  in.out_clock_ns = 400;
  in.out.kind = HFT_SWITCH_BLOCKED_SYSCALL;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  kernel_.Put(1, HFT_RECORD_WAKER, WakeUp(400, 31), 450);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  const Waker& waker = sinks_.intervals[0].waker;
  EXPECT_EQ(waker.state, WakerState::kKnown);
  EXPECT_EQ(waker.tid, 31u);
  EXPECT_EQ(waker.tgid, 30u);
  EXPECT_EQ(waker.cpu, 1);
  EXPECT_EQ(waker.woken_mono_ns, 450);
  EXPECT_EQ(loop_.stats().waker_unknown_count.Get(), 0u);
}

TEST_F(HousekeepingLoopTest, AWakeUpWhoseRecordDidNotComeIsUnknownAndCountedNotGuessed) {
  kernel_.view().slots[1].wishes.waker = 1;
  kernel_.Put(1, HFT_RECORD_WAKER, WakeUp(400, 31), 450);  // of the sleep before
  hft_switch_in in = Wait(100, 1);
  in.out_clock_ns = 470;
  in.out.kind = HFT_SWITCH_BLOCKED_SYSCALL;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  in.out.kind = HFT_SWITCH_USER_PREEMPTION;  // nobody wakes whom nobody let sleep
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 510);
  in.out.kind = HFT_SWITCH_UNKNOWN;
  in.out_clock_ns = 0;  // not seen leaving: it may not have slept
  in.voluntary_count = 5;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 520);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 3u);
  EXPECT_EQ(sinks_.intervals[0].waker.state, WakerState::kUnknown);
  EXPECT_EQ(sinks_.intervals[1].waker.state, WakerState::kNone);
  EXPECT_EQ(sinks_.intervals[2].waker.state, WakerState::kNone);
  EXPECT_EQ(loop_.stats().waker_unknown_count.Get(), 1u);
}

TEST_F(HousekeepingLoopTest, NobodyAskedSoNothingIsUnknown) {
  hft_switch_in in = Wait(100, 1);
  in.out_clock_ns = 400;
  in.out.kind = HFT_SWITCH_BLOCKED_SYSCALL;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 1u);
  EXPECT_EQ(sinks_.intervals[0].waker.state, WakerState::kNone);
  EXPECT_EQ(loop_.stats().waker_unknown_count.Get(), 0u);
}

TEST_F(HousekeepingLoopTest, ACallBelongsToTheWaitThatBeganWithItsSwitchOutAndToNoOther) {
  hft_call call{};
  call.tid = 100;
  call.tgid = 90;
  call.slot = 1;
  call.call.out_clock_ns = 400;
  call.call.state = HFT_CALL_KNOWN;
  call.call.owner_tid = 31;
  hft_switch_in in = Wait(100, 1);
  in.out.kind = HFT_SWITCH_BLOCKED_SYSCALL;
  in.out_clock_ns = 400;
  kernel_.Put(0, HFT_RECORD_CALL, call, 499);
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 500);
  in.out_clock_ns = 1400;  // the next one, whose record did not come
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 600);
  call.tid = 101;  // the slot is not this thread's
  call.call.out_clock_ns = 1500;
  kernel_.Put(0, HFT_RECORD_CALL, call, 699);
  in.out_clock_ns = 1500;
  kernel_.Put(0, HFT_RECORD_SWITCH_IN, in, 700);
  loop_.RunOnce();
  ASSERT_EQ(sinks_.intervals.size(), 3u);
  EXPECT_EQ(sinks_.intervals[0].call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(sinks_.intervals[0].call.owner_tid, 31u);
  EXPECT_EQ(sinks_.intervals[1].call.state, HFT_CALL_NONE);
  EXPECT_EQ(sinks_.intervals[2].call.state, HFT_CALL_NONE);
  EXPECT_EQ(loop_.stats().stale_count.Get(), 1u);
}

}  // namespace
}  // namespace hftmon
