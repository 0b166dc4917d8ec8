#include "daemon/shared_timer_returns.h"

#include <gmock/gmock.h>

#include <memory>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr uint32_t kEntries = 8;
constexpr uint32_t kCpus = 2;

class SharedTimerReturnsTest : public ::testing::Test {
 protected:
  SharedTimerReturnsTest() {
    view_.return_stride_bytes = offsetof(hft_return_ring, entries) + kEntries * sizeof(hft_timer_return);
    memory_ = std::make_unique<uint64_t[]>(kCpus * view_.return_stride_bytes / sizeof(uint64_t));
    view_.return_rings = reinterpret_cast<std::byte*>(memory_.get());
    view_.return_entries = kEntries;
    view_.ring_count = kCpus;
  }
  hft_return_ring& Ring(uint32_t cpu) { return *reinterpret_cast<hft_return_ring*>(view_.return_rings + cpu * view_.return_stride_bytes); }
  // As the program writes it.
  hft_timer_return& Put(uint32_t cpu, uint64_t mono_ns, uint64_t wake_at_ns, uint32_t tid = 101) {
    const uint64_t index = Ring(cpu).head++;
    hft_timer_return& entry = Ring(cpu).entries[index % kEntries];
    entry = {.sequence = static_cast<uint32_t>(index + 1), .tid = tid, .start_ns = 7, .wake_at_ns = wake_at_ns, .mono_ns = mono_ns};
    return entry;
  }
  KeptReturns Read(int64_t begin_ns = 100, int64_t end_ns = 10'000) {
    return SharedTimerReturns(
               view_, [] { return true; }, "")
        .Between(begin_ns, end_ns);
  }
  static std::vector<int64_t> TimesOf(const KeptReturns& kept) {
    std::vector<int64_t> times_ns;
    for (const TimerReturn& one : kept.returns) times_ns.push_back(one.mono_ns);
    return times_ns;
  }

  KernelView view_;
  std::unique_ptr<uint64_t[]> memory_;
};

TEST_F(SharedTimerReturnsTest, ThoseOfEveryCpuInTheWindowAreRead) {
  Put(0, 99, 90);
  Put(0, 200, 150);
  Put(1, 300, 240, 102);
  Put(1, 10'001, 10'000);
  const KeptReturns kept = Read();
  EXPECT_THAT(TimesOf(kept), UnorderedElementsAre(200, 300));
  EXPECT_EQ(kept.since_mono_ns, 100) << "nothing is missing";
  const TimerReturn& other = kept.returns[0].tid == 102 ? kept.returns[0] : kept.returns[1];
  EXPECT_EQ(other.start_ns, 7);
  EXPECT_EQ(other.wake_at_mono_ns, 240);
  EXPECT_EQ(other.end, SleepEnd::kTime);
}

TEST_F(SharedTimerReturnsTest, ASleepWithoutALatenessSaysWhatEndedIt) {
  Put(0, 200, HFT_RETURN_INTERRUPTED);
  Put(0, 201, HFT_RETURN_UNREAD);
  const KeptReturns kept = Read();
  ASSERT_EQ(kept.returns.size(), 2u);
  EXPECT_EQ(kept.returns[0].end, SleepEnd::kTimeLost);
  EXPECT_EQ(kept.returns[1].end, SleepEnd::kSignal);
}

TEST_F(SharedTimerReturnsTest, WhatIsOverwrittenIsSaidWhereTheWindowReachesThere) {
  for (uint64_t i = 0; i < kEntries + 3; ++i) Put(0, 200 + 10 * i, 100);
  Put(1, 150, 100);
  KeptReturns kept = Read();
  EXPECT_EQ(kept.returns.size(), kEntries + 1);
  EXPECT_EQ(kept.since_mono_ns, 230) << "the oldest of the CPU that has lost some";
  kept = Read(240);
  EXPECT_EQ(kept.returns.size(), kEntries - 1);
  EXPECT_EQ(kept.since_mono_ns, 240);
}

TEST_F(SharedTimerReturnsTest, AnEntryThatIsBeingWrittenIsLeftOut) {
  Put(0, 200, 150);
  Put(0, 300, 250).sequence = 0;
  const KeptReturns kept = Read();
  EXPECT_THAT(TimesOf(kept), ElementsAre(200));
  EXPECT_EQ(kept.since_mono_ns, 100);
}

TEST_F(SharedTimerReturnsTest, WhatIsOverwrittenWhileItIsReadEndsTheWalk) {
  Put(0, 200, 150);
  Put(0, 300, 250).sequence = 77;
  Put(0, 400, 350);
  const KeptReturns kept = Read();
  EXPECT_THAT(TimesOf(kept), ElementsAre(400));
  EXPECT_EQ(kept.since_mono_ns, 400);
}

TEST_F(SharedTimerReturnsTest, WithoutRingsThereAreNone) {
  view_.return_rings = nullptr;
  EXPECT_THAT(Read().returns, IsEmpty());
}

}  // namespace
}  // namespace hftmon
