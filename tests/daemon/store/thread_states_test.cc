#include "daemon/store/thread_states.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr ThreadKey kFirst{.tid = 101, .tgid = 100, .start_ns = 1};
constexpr ThreadKey kSecond{.tid = 102, .tgid = 100, .start_ns = 2};

class CountingSink : public WindowSink {
 public:
  void OnThreadDelta(const ThreadDelta&) override { ++delta_count; }
  void OnBucketClosed(int64_t, int64_t, int64_t) override { ++closed_count; }
  int delta_count = 0;
  int closed_count = 0;
};

class ThreadStatesTest : public testing::Test {
 protected:
  // The thread did something in the bucket [begin, begin + 10 ms), at whose end its slot says this.
  void Note(const ThreadKey& thread, uint16_t slot, int64_t begin_ns, uint64_t out_clock_ns, hft_switch_kind kind = HFT_SWITCH_YIELD) {
    hft_thread_slot& words = kernel_.view().slots[slot];
    words.out_clock_ns = out_clock_ns;
    words.out.cpu = 3;
    words.out.kind = kind;
    states_.OnThreadDelta({.thread = thread, .slot = slot, .begin_mono_ns = begin_ns, .end_mono_ns = begin_ns + 10 * kMs});
    states_.OnBucketClosed(begin_ns, begin_ns + 10 * kMs, begin_ns + 10 * kMs);
  }

  FakeKernelView kernel_;
  CountingSink next_;
  ThreadStates states_{kernel_.view().slots, &next_};
};

TEST_F(ThreadStatesTest, TheStateIsThatOfTheLastBucketWithActivityUntilThen) {
  Note(kFirst, 1, 0, 77);
  Note(kSecond, 2, 0, 0);
  Note(kFirst, 1, 50 * kMs, 0);
  const auto early = states_.At(40 * kMs);
  ASSERT_TRUE(early.contains(kFirst));
  EXPECT_EQ(early.at(kFirst).out_clock_ns, 77);
  EXPECT_EQ(early.at(kFirst).out_cpu, 3);
  EXPECT_EQ(early.at(kFirst).out_kind, HFT_SWITCH_YIELD);
  EXPECT_EQ(early.at(kFirst).bucket_begin_ns, 0);
  EXPECT_EQ(early.at(kFirst).bucket_end_ns, 10 * kMs);
  EXPECT_EQ(early.at(kSecond).out_clock_ns, 0);
  EXPECT_EQ(states_.At(60 * kMs).at(kFirst).out_clock_ns, 0);
  EXPECT_EQ(next_.delta_count, 3);
  EXPECT_EQ(next_.closed_count, 3);
}

TEST_F(ThreadStatesTest, SomeStatesAreKeptForWhoAsksALittleLate) {
  for (int64_t i = 0; i < 10; ++i) Note(kFirst, 1, i * 10 * kMs, static_cast<uint64_t>(100 + i));
  for (int64_t i = 10 - static_cast<int64_t>(ThreadStates::kKept); i < 10; ++i) {
    EXPECT_EQ(states_.At((i + 1) * 10 * kMs).at(kFirst).out_clock_ns, 100 + i);
  }
  EXPECT_FALSE(states_.At(20 * kMs).contains(kFirst)) << "too long ago to be known";
}

TEST_F(ThreadStatesTest, ASlotsNextThreadIsAnother) {
  Note(kFirst, 1, 0, 77);
  Note(kSecond, 1, 10 * kMs, 88);
  const auto states = states_.At(20 * kMs);
  EXPECT_EQ(states.at(kFirst).out_clock_ns, 77);
  EXPECT_EQ(states.at(kSecond).out_clock_ns, 88);
}

TEST_F(ThreadStatesTest, EndsAreKnownByThread) {
  states_.OnLife({.kind = LifeKind::kEnded, .thread = kFirst, .mono_ns = 5 * kMs});
  states_.OnLife({.kind = LifeKind::kFork, .thread = kSecond, .mono_ns = 6 * kMs});
  const auto ends = states_.Ends();
  EXPECT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends.at(kFirst), 5 * kMs);
}

TEST_F(ThreadStatesTest, ASlotThatIsNotThereIsPassedOnAndNotNoted) {
  states_.OnThreadDelta({.thread = kFirst, .slot = 60'000});
  EXPECT_EQ(next_.delta_count, 1);
  EXPECT_TRUE(states_.At(INT64_MAX).empty());
}

}  // namespace
}  // namespace hftmon
