#include "daemon/ingest/held_up_walk.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr int64_t kThresholdNs = 1'000'000;
constexpr uint32_t kSlots = 3 * HeldUpWalk::kSlotsPerStep;

class CountingSink : public HeldUpSink {
 public:
  void OnAsleep(const OffCpuInterval& so_far, int64_t) override { slots.push_back(so_far.slot); }
  void OnSleepOver(uint16_t, int64_t, int64_t) override {}
  void OnUnfollowed(uint64_t sleep_count) override { unfollowed_count = sleep_count; }
  void OnKernelStallGoesOn(const EndedKernelStall&, int64_t) override {}
  void OnKernelStallOver(uint16_t, hft_kernel_what, int64_t, int64_t) override {}
  std::vector<uint16_t> slots;
  uint64_t unfollowed_count = 0;
};

TEST(HeldUpWalkTest, ARoundLooksAtAllSlotsInBoundedStepsAndTheNextWaitsForItsTime) {
  FakeKernelView kernel({.slots = kSlots});
  const KernelView& view = kernel.view();
  view.controls->off_cpu_threshold_ns = kThresholdNs;
  view.watched_bits[0] = ~0ull;
  for (uint32_t slot = 1; slot < kSlots; ++slot) {
    view.slots[slot].state = HFT_SLOT_LIVE;
    view.slots[slot].tid = slot;
    view.slots[slot].tgid = 1;
    view.slots[slot].out = {.cpu = 0, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 0};
    view.slots[slot].out_clock_ns = 5;
    view.slot_of_tid[slot] = static_cast<uint16_t>(slot);
  }
  CountingSink sink;
  StallLevels levels;
  HeldUpWalk walk(view, nullptr, nullptr, &levels, {&sink});
  walk.SetWishes({.sleeps_of_all = true});
  int64_t now_ns = 1'000'000'000;
  const auto round = [&] {
    int steps = 1;
    while (walk.Step({.now_ns = now_ns}, kSlots - 1)) ++steps;
    return steps;
  };
  EXPECT_EQ(round(), 3);
  EXPECT_TRUE(sink.slots.empty());
  now_ns += HeldUpWalk::kIntervalNs - 1;
  EXPECT_EQ(round(), 1);
  EXPECT_TRUE(sink.slots.empty());
  now_ns += 1;
  // A step ends early where there is so much to tell.
  EXPECT_GE(round(), static_cast<int>(kSlots - 1) / HeldUpWalk::kCallsPerStep);
  ASSERT_EQ(sink.slots.size(), kSlots - 1);
  EXPECT_EQ(sink.slots.front(), 1);
  EXPECT_EQ(sink.slots.back(), kSlots - 1);
}

TEST(HeldUpWalkTest, WhileNobodyAsksNothingIsLookedAt) {
  FakeKernelView kernel({.slots = kSlots});
  kernel.view().controls->off_cpu_threshold_ns = HFT_NO_THRESHOLD;
  CountingSink sink;
  StallLevels levels;
  HeldUpWalk walk(kernel.view(), nullptr, nullptr, &levels, {&sink});
  EXPECT_FALSE(walk.Step({.now_ns = 1'000'000'000}, kSlots - 1));
  walk.SetWishes({.kernel_stalls = true});
  EXPECT_TRUE(walk.Step({.now_ns = 2'000'000'000}, kSlots - 1));
}

}  // namespace
}  // namespace hftmon
