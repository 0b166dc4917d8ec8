// A slot whose thread falls asleep and wakes up at the test's word, and what the watch tells of it.
#ifndef HFTMON_TESTS_DAEMON_INGEST_SLEEP_WATCH_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_INGEST_SLEEP_WATCH_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "daemon/ingest/sleep_watch.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon::sleep_watch {

inline constexpr ThreadKey kThread{100, 90, 7};
inline constexpr uint16_t kSlot = 5;
inline constexpr uint16_t kCpu = 1;
inline constexpr int64_t kThresholdNs = 1'000'000;
inline constexpr int64_t kOutMonoNs = 1'000'000'000;
inline constexpr int64_t kOutClockNs = 400'000'000;
inline constexpr int64_t kMs = 1'000'000;

class SleepSink : public HeldUpSink {
 public:
  void OnAsleep(const OffCpuInterval& so_far, int64_t crossing_mono_ns) override {
    told.push_back(so_far);
    crossings.push_back(crossing_mono_ns);
  }
  void OnSleepOver(uint16_t slot, int64_t out_clock_ns, int64_t asleep_until_mono_ns) override {
    over_slots.push_back(slot);
    EXPECT_EQ(out_clock_ns, expected_out_clock_ns);
    over_ns.push_back(asleep_until_mono_ns);
  }
  void OnUnfollowed(uint64_t) override { ADD_FAILURE(); }
  void OnKernelStallGoesOn(const EndedKernelStall&, int64_t) override { ADD_FAILURE(); }
  void OnKernelStallOver(uint16_t, hft_kernel_what, int64_t, int64_t) override { ADD_FAILURE(); }

  int64_t expected_out_clock_ns = kOutClockNs;
  std::vector<OffCpuInterval> told;
  std::vector<int64_t> crossings;
  std::vector<int64_t> over_ns;
  std::vector<uint16_t> over_slots;
};

class SleepWatchTest : public testing::Test {
 protected:
  SleepWatchTest() : calls_(16), view_(kernel_.view()) {
    view_.calls = calls_;
    view_.controls->off_cpu_threshold_ns = kThresholdNs;
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.state = HFT_SLOT_LIVE;
    slot.tid = kThread.tid;
    slot.tgid = kThread.tgid;
    slot.start_ns = kThread.start_ns;
    slot.generation = 3;
    view_.slot_of_tid[kThread.tid] = kSlot;
    view_.watched_bits[kThread.tgid / 64] |= 1ull << (kThread.tgid % 64);
  }
  SleepWatch& Watch() {
    if (!watch_) {
      watch_ = std::make_unique<SleepWatch>(view_, &wakers_, &earlier_, &offsets_, std::vector<HeldUpSink*>{&sink_});
      watch_->SetLevels(levels_);
    }
    return *watch_;
  }
  void Leave(hft_switch_kind kind = HFT_SWITCH_BLOCKED_SYSCALL) {
    hft_thread_slot& slot = view_.slots[kSlot];
    slot.out = {.cpu = kCpu, .kind = static_cast<uint8_t>(kind), .wait_migrations = 0, .syscall = 202};
    slot.out_clock_ns = kOutClockNs;
  }
  void Return() { view_.slots[kSlot].out_clock_ns = 0; }
  void LookAt(int64_t mono_ns, bool caught_up = true) { Watch().LookAt(kSlot, {.now_ns = mono_ns, .caught_up = caught_up}, of_all_); }
  // Looks every 10 ms from before it left until `mono_ns`.
  void LookUntil(int64_t mono_ns) {
    for (int64_t now_ns = kOutMonoNs + 2 * kMs; now_ns <= mono_ns; now_ns += 10 * kMs) LookAt(now_ns);
  }
  void LeaveUnderWatch() {
    LookAt(kOutMonoNs - 8 * kMs);
    offsets_.Note(kCpu, kOutClockNs - 50'000'000, kOutMonoNs - 50'000'000);
    Leave();
  }

  FakeKernelView kernel_;
  std::vector<hft_thread_calls> calls_;
  std::vector<int64_t> levels_{kThresholdNs};
  KernelView view_;
  WakerTable wakers_{64};
  EarlierSleeps earlier_{64};
  ClockOffsets offsets_{2};
  bool of_all_ = true;
  SleepSink sink_;
  std::unique_ptr<SleepWatch> watch_;
};

// Ten more sleepers than the watch holds, each in a slot of its own from 1 on.
struct ManySleepers {
  static constexpr uint32_t kSlots = SleepWatch::kOpenMax + 10;

  // `asleep`: they left under watch. Else the test says since when they sleep.
  explicit ManySleepers(bool asleep, const EarlierSleeps* earlier = nullptr)
      : kernel({.slots = kSlots + 1}), view(kernel.view()), watch(view, nullptr, earlier, &offsets, {&sink}) {
    view.controls->off_cpu_threshold_ns = kThresholdNs;
    view.watched_bits[0] = ~0ull;
    for (uint32_t slot = 1; slot <= kSlots; ++slot) {
      view.slots[slot].state = HFT_SLOT_LIVE;
      view.slots[slot].tid = slot;
      view.slots[slot].tgid = 1;
      view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
      if (!asleep) continue;
      view.slots[slot].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
      view.slots[slot].out_clock_ns = kOutClockNs;
    }
  }
  // At all of them, every 10 ms; the next look goes on from there.
  void Look(int rounds, bool of_all = true) {
    for (int round = 0; round < rounds; ++round, now_ns += 10 * kMs) {
      for (uint32_t slot = 1; slot <= kSlots; ++slot) watch.LookAt(slot, {.now_ns = now_ns}, of_all);
    }
  }

  FakeKernelView kernel;
  KernelView view;
  SleepSink sink;
  const ClockOffsets offsets{2};
  SleepWatch watch;
  int64_t now_ns = kOutMonoNs;
};

}  // namespace hftmon::sleep_watch

#endif  // HFTMON_TESTS_DAEMON_INGEST_SLEEP_WATCH_FIXTURE_H_
