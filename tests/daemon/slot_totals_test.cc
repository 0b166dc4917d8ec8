#include "daemon/slot_totals.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr uint32_t kSlot = 3;

class SlotTotalsTest : public ::testing::Test {
 protected:
  SlotTotalsTest() {
    slot_.tid = 41;
    slot_.tgid = 40;
    slot_.generation = 2;
    slot_.start_ns = 99;
    slot_.task = 0xffff;
    slot_.state = HFT_SLOT_LIVE;
  }
  std::optional<ThreadDeparture> Departure() const {
    const std::vector<ThreadTotal> totals = totals_.AllOf(40);
    EXPECT_EQ(totals.size(), 1u);
    return totals.empty() ? std::nullopt : totals[0].departure;
  }

  FakeKernelView kernel_;
  hft_thread_slot& slot_ = kernel_.view().slots[kSlot];
  EarlierSleeps earlier_{64};
  SlotTotals totals_{kernel_.view(), [] { return 10u; }, &earlier_};
};

TEST_F(SlotTotalsTest, AThreadThatRunsHasNoDeparture) {
  slot_.out = {.cpu = 1, .kind = HFT_SWITCH_YIELD, .wait_migrations = 0, .syscall = 24};
  EXPECT_FALSE(Departure().has_value());
}

TEST_F(SlotTotalsTest, OneThatIsOffItsCpuSaysHowItLeft) {
  slot_.out_clock_ns = 5'000;
  slot_.out = {.cpu = 1, .kind = HFT_SWITCH_BLOCKED_SYSCALL, .wait_migrations = 0, .syscall = 202};
  const auto departure = Departure();
  ASSERT_TRUE(departure.has_value());
  EXPECT_EQ(departure->out_clock_ns, 5'000);
  EXPECT_EQ(departure->cpu, 1);
  EXPECT_EQ(departure->kind, HFT_SWITCH_BLOCKED_SYSCALL);
  EXPECT_EQ(departure->syscall, 202);
  slot_.state = HFT_SLOT_ENDED;
  EXPECT_FALSE(Departure().has_value());
}

TEST_F(SlotTotalsTest, ASleepFromBeforeWatchingHoldsUntilAProgramSawItsThread) {
  earlier_.Put(kSlot, 2, {.found_mono_ns = 700, .cpu = 5, .syscall = 35});
  EXPECT_FALSE(Departure().has_value()) << "it has been seen since";
  slot_.task = 0;
  const auto departure = Departure();
  ASSERT_TRUE(departure.has_value());
  EXPECT_EQ(departure->out_clock_ns, -700);
  EXPECT_EQ(departure->cpu, 5);
  EXPECT_EQ(departure->syscall, 35);
  slot_.generation = 3;
  EXPECT_FALSE(Departure().has_value()) << "that was another thread";
}

}  // namespace
}  // namespace hftmon
