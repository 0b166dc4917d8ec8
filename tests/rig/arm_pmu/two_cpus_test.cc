// Two CPUs: which of them is counted, and one that goes off and comes back while it, or a thread on it, is counted.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr uint64_t kRounds = 5'000'000;
// The emulation lets slip in what the other CPU does meanwhile: its ticks. Seen: 2 per mille.
constexpr uint64_t kExcessPerMille = 20;
constexpr CounterPlace kCpuOne = {.tid = -1, .cpu = 1};

void RunOnCpu(int cpu, uint64_t rounds = kRounds) {
  const OnCpu here(cpu);
  RunRounds(rounds);
}

TEST(TwoCpus, OneIsCountedAndNotTheOther) {
  absl::StatusOr<CounterGroup> group = Open({Instructions()}, kCpuOne);
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    RunOnCpu(0, 3 * kRounds);
    RunOnCpu(1);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), kRounds, kExcessPerMille), "");
}

TEST(TwoCpus, AThreadIsCountedOnBoth) {
  absl::StatusOr<CounterGroup> group = Open({Instructions(), Cycles()});
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    for (const int cpu : {0, 1, 0, 1}) RunOnCpu(cpu);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop((*readings)[0], 4 * kRounds, kExcessPerMille), "");
  EXPECT_EQ(NotTheLoop((*readings)[1], 4 * kRounds, kExcessPerMille), "");
}

TEST(TwoCpus, AGroupOfACpuThatWentOffIsGoneForGoodAndSaysSo) {
  absl::StatusOr<CounterGroup> group = Open({Instructions(), Cycles()}, kCpuOne);
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(group->Enable().ok());
  RunOnCpu(1);
  const auto before = group->Read();
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(NotTheLoop(before->front(), kRounds, kExcessPerMille), "");

  CpuOneOffline off;
  EXPECT_EQ(group->Read().status().code(), absl::StatusCode::kUnavailable) << group->Read().status();
  const absl::StatusOr<CounterGroup> nowhere = Open({Instructions()}, kCpuOne);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.status().code(), absl::StatusCode::kNotFound) << nowhere.status();
  EXPECT_THAT(nowhere.status().message(), HasSubstr("CPU 1 is offline"));

  off.BringBack();
  RunOnCpu(1);
  EXPECT_EQ(group->Read().status().code(), absl::StatusCode::kUnavailable) << group->Read().status();
  absl::StatusOr<CounterGroup> again = Open({Instructions(), Cycles()}, kCpuOne);
  ASSERT_TRUE(again.ok()) << again.status();
  const auto after = CountDuring(*again, [] { RunOnCpu(1); });
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(NotTheLoop(after->front(), kRounds, kExcessPerMille), "");
}

TEST(TwoCpus, SoDoesASingleEventOfIt) {
  for (const bool pinned : {false, true}) {
    absl::StatusOr<CounterGroup> event = Open({Instructions()}, kCpuOne, {.pinned = pinned});
    ASSERT_TRUE(event.ok()) << event.status();
    ASSERT_TRUE(event->Enable().ok());
    RunOnCpu(1);
    const auto before = event->Read();
    ASSERT_TRUE(before.ok()) << before.status();
    EXPECT_EQ(NotTheLoop(before->front(), kRounds, kExcessPerMille), "");
    CpuOneOffline off;
    EXPECT_EQ(event->Read().status().code(), absl::StatusCode::kUnavailable) << event->Read().status();
    off.BringBack();
    EXPECT_EQ(event->Read().status().code(), absl::StatusCode::kUnavailable) << event->Read().status();
  }
}

TEST(TwoCpus, AThreadWhoseCpuGoesOffIsCountedOn) {
  absl::StatusOr<CounterGroup> group = Open({Instructions(), Cycles()});
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    const OnCpu here(1);
    RunRounds(kRounds);
    CpuOneOffline off;  // it is moved to the other one
    RunRounds(kRounds);
    off.BringBack();
    RunRounds(kRounds);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), 3 * kRounds, kExcessPerMille), "");
}

}  // namespace
}  // namespace hftmon
