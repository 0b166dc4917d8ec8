#include "daemon/numa/probe/memory_speed.h"

#include <gtest/gtest.h>

#include <vector>

namespace hftmon {
namespace {

// A clock that goes on by a step with each look, and by more with every look of one run.
struct SteppingClock {
  int64_t now_ns = 0;
  int64_t step_ns = 0;
  int look_count = 0;
  int64_t operator()() {
    ++look_count;
    return now_ns += step_ns;
  }
};

std::vector<CacheLine> Cycle() {
  std::vector<CacheLine> lines(8'192);
  MakeCycle(lines, 1);
  return lines;
}

TEST(MemorySpeedTest, TimeOfALoadIsTheTimeOfARunByItsLoads) {
  const std::vector<CacheLine> lines = Cycle();
  SteppingClock clock{.step_ns = 102'400};  // between two looks 1,024 loads
  const MemorySpeed speed = MeasureLoads(lines, [&clock] { return clock(); });
  EXPECT_DOUBLE_EQ(speed.value, 100.0);
  // 5 ms of 102.4 us are 49 portions.
  EXPECT_EQ(speed.bytes, 5u * 49u * 1'024u * 64u);
}

TEST(MemorySpeedTest, OneRunThatWasHeldUpDoesNotCount) {
  const std::vector<CacheLine> lines = Cycle();
  SteppingClock clock{.step_ns = 102'400};
  const MemorySpeed speed = MeasureLoads(lines, [&clock] {
    if (clock.look_count == 60) clock.now_ns += 900'000'000;  // within the second run
    return clock();
  });
  EXPECT_DOUBLE_EQ(speed.value, 100.0);
}

TEST(MemorySpeedTest, ReadingGoesRoundAndCountsWhatItRead) {
  const std::vector<CacheLine> lines = Cycle();  // two portions of 4,096 lines
  SteppingClock clock{.step_ns = 1'000'000};
  const MemorySpeed speed = MeasureReading(lines, [&clock] { return clock(); });
  EXPECT_EQ(speed.bytes, 5u * 5u * 4'096u * 64u);
  EXPECT_DOUBLE_EQ(speed.value, 4'096.0 * 64.0 * 1e3 / 1e6);
}

TEST(MemorySpeedTest, AClockThatStandsStillEndsARunWithoutAValue) {
  std::vector<CacheLine> lines(1);
  MakeCycle(lines, 1);
  const MemorySpeed speed = MeasureReading(lines, [] { return int64_t{5}; });
  EXPECT_EQ(speed.value, 0);
}

TEST(MemorySpeedTest, TheThreadsOwnClockGoesOnlyWhileItRuns) {
  const int64_t begin_ns = ThreadNowNs();
  const std::vector<CacheLine> lines = Cycle();
  EXPECT_GT(ThreadNowNs(), begin_ns);
}

}  // namespace
}  // namespace hftmon
