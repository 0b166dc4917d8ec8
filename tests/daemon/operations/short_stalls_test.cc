#include "daemon/operations/short_stalls.h"

#include <gtest/gtest.h>

#include "tests/daemon/operations/made_stall.h"
#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr uint16_t kSlot = 5;

class ShortStallsTest : public ::testing::Test {
 protected:
  ShortStallsTest() : slot_(fake_.view().slots[kSlot]), stalls_(fake_.view()) {
    slot_.tid = kMadeThread.tid;
    slot_.tgid = kMadeThread.tgid;
    slot_.generation = 3;
    stalls_.Follow(kMadeThread, kSlot, 0);
  }
  // For its CPU, so many times and so long together.
  void Waited(uint32_t count, uint64_t sum_ns) {
    slot_.off_cpu_count += count;
    slot_.off_cpu_ns += sum_ns;
    slot_.run_delay_ns += sum_ns;
  }
  std::vector<Cause> Take(int64_t begin_ns, int64_t end_ns, std::vector<Stall> recorded = {}, int64_t limit_ns = kMs,
                          const ShortStalls::Track& track = {}) {
    ShortStallCauses taken = stalls_.Take(kMadeThread, track, begin_ns, end_ns, recorded, 25'000, limit_ns);
    looks_apart_ns_ = taken.looks_apart_ns;
    return taken.causes;
  }

  FakeKernelView fake_;
  hft_thread_slot& slot_;
  ShortStalls stalls_;
  int64_t looks_apart_ns_ = 0;
};

TEST_F(ShortStallsTest, WaitsWithoutARecordAreOneCauseOfTheSpanThatFillsTheTime) {
  stalls_.Sample(10 * kMs);
  Waited(20, 200'000);
  stalls_.Sample(12 * kMs);
  const std::vector<Cause> causes = Take(10 * kMs + 100'000, 11 * kMs + 900'000);
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].kind, CauseKind::kRunnable);
  EXPECT_EQ(causes[0].duration_ns, 200'000);
  EXPECT_TRUE(causes[0].estimated);
  EXPECT_TRUE(Take(10 * kMs + 100'000, 11 * kMs + 900'000).empty()) << "what one span had no other of its track has";
  const std::vector<Cause> gap = Take(10 * kMs + 100'000, 11 * kMs + 900'000, {}, kMs, {.heartbeat = true});
  ASSERT_EQ(gap.size(), 1u) << "a span around it is as long";
  EXPECT_EQ(gap[0].duration_ns, 200'000);
}

TEST_F(ShortStallsTest, WhatHasARecordIsNoneOfThem) {
  stalls_.Sample(10 * kMs);
  Waited(3, 650'000);
  stalls_.Sample(12 * kMs);
  const std::vector<Stall> recorded = {MakeStall(SpikeKind::kPreempted, 10 * kMs + 300'000, 620'000, {ByThread(9, 620'000)})};
  const std::vector<Cause> causes = Take(10 * kMs, 12 * kMs, recorded);
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].duration_ns, 30'000);
}

TEST_F(ShortStallsTest, ALongStallAtTheEdgeOfTwoLooksIsNotTakenForShortOnes) {
  stalls_.Sample(10 * kMs);
  Waited(1, 900'000);
  stalls_.Sample(12 * kMs);
  // By its record it ended just after the look that has it in its sums.
  const std::vector<Stall> recorded = {MakeStall(SpikeKind::kPreempted, 11 * kMs + 100'010, 900'000, {ByThread(9, 900'000)})};
  const std::vector<Cause> causes = Take(10 * kMs, 12 * kMs, recorded);
  for (const Cause& cause : causes) EXPECT_LE(cause.duration_ns, 25'000) << "one stall, shorter than the floor";
}

TEST_F(ShortStallsTest, AShortSpanInALongTimeTakesNothing) {
  stalls_.Sample(10 * kMs);
  Waited(20, 200'000);
  stalls_.Sample(14 * kMs);
  EXPECT_TRUE(Take(11 * kMs, 11 * kMs + 500'000).empty());
  EXPECT_EQ(looks_apart_ns_, 0) << "200 us are not half of what is asked for";
  EXPECT_TRUE(Take(11 * kMs, 11 * kMs + 500'000, {}, 400'000).empty());
  EXPECT_EQ(looks_apart_ns_, 4 * kMs) << "they may have had half of it: said, and not taken";
  EXPECT_FALSE(Take(10 * kMs, 13 * kMs).empty()) << "nothing was taken";
  EXPECT_EQ(looks_apart_ns_, 0);
}

TEST_F(ShortStallsTest, WhatCameAfterTheLastLookIsNotKnown) {
  stalls_.Sample(10 * kMs);
  Waited(20, 200'000);
  stalls_.Sample(12 * kMs);
  const std::vector<Cause> causes = Take(11 * kMs, 15 * kMs, {}, 4 * kMs);
  ASSERT_EQ(causes.size(), 1u) << "what was seen before is told";
  EXPECT_EQ(looks_apart_ns_, 3 * kMs);
  Take(11 * kMs, 12 * kMs + 100'000, {}, kMs);
  EXPECT_EQ(looks_apart_ns_, 0) << "a tenth of it does not matter";
  Take(8 * kMs, 11 * kMs, {}, 3 * kMs);
  EXPECT_EQ(looks_apart_ns_, 2 * kMs) << "nor what was before the first";
}

TEST_F(ShortStallsTest, WhatLooksTooFarApartDoNotTellDoesNotHideWhatCameAfterThem) {
  stalls_.Sample(0);
  Waited(20, 200'000);
  stalls_.Sample(10 * kMs);
  Take(9 * kMs + 900'000, 11 * kMs);
  EXPECT_EQ(looks_apart_ns_, kMs);
}

TEST_F(ShortStallsTest, OfAThreadThatIsNotFollowedNothingIsKnown) {
  const ThreadKey stranger = {.tid = 999, .tgid = 999, .start_ns = 1};
  EXPECT_EQ(stalls_.Take(stranger, {}, 10 * kMs, 12 * kMs, {}, 25'000, kMs).looks_apart_ns, 2 * kMs);
}

TEST_F(ShortStallsTest, NoMoreIsGivenThanAskedForAndTheRestIsLeft) {
  stalls_.Sample(10 * kMs);
  Waited(20, 200'000);
  stalls_.Sample(12 * kMs);
  EXPECT_EQ(Take(10 * kMs, 12 * kMs, {}, 50'000).at(0).duration_ns, 50'000);
  EXPECT_NEAR(static_cast<double>(Take(10 * kMs, 12 * kMs).at(0).duration_ns), 150'000, 10);
}

TEST_F(ShortStallsTest, AnotherThreadInTheSlotIsNotRead) {
  stalls_.Sample(10 * kMs);
  slot_.generation = 4;
  Waited(20, 200'000);
  stalls_.Sample(12 * kMs);
  EXPECT_TRUE(Take(10 * kMs, 12 * kMs).empty());
}

}  // namespace
}  // namespace hftmon
