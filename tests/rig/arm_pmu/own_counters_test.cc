// A program that reads its own counters from the processor's registers (client/marker/hftmon_counters.h): what it reads is what it did, and
// what the kernel says of the same events; and where it cannot read it is told why.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/system_call_ban.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/guest_machine.h"
#include "tests/rig/arm_pmu/known_loop.h"
#include "tests/rig/arm_pmu/own_counters.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

constexpr uint64_t kRounds = 5'000'000;
// Between two readings stands the way of both through the library, and the call of read().
constexpr uint64_t kHandful = 300;

TEST(OwnCounters, ALoopsInstructionsAreThoseItHas) {
  const UserAccess allowed(true);
  for (const uint64_t rounds : {uint64_t{100'000}, uint64_t{1'000'000}, uint64_t{50'000'000}}) {
    const OwnCounters counters({OwnInstructions(), OwnCycles()});
    ASSERT_TRUE(counters.ok()) << counters.why().text;
    const hftmon_counters_reading begin = counters.Read();
    RunRounds(rounds);
    const hftmon_counters_reading end = counters.Read();
    EXPECT_EQ(NotTheLoop(begin, end, 0, rounds), "");
    EXPECT_EQ(NotTheLoop(begin, end, 1, rounds), "");
    fmt::print("rig: own counters, a loop of {} instructions: {} instructions, {} cycles\n", kInstructionsPerRound * rounds,
               end.values[0] - begin.values[0], end.values[1] - begin.values[1]);
  }
}

// Counters of 32 bits are carried on by the kernel, by an interrupt at half their range: the thread reads across it.
TEST(OwnCounters, AreCarriedOnBeyondTheirBits) {
  const UserAccess allowed(true);
  constexpr uint64_t kLongRounds = 2'300'000'000 / kInstructionsPerRound;
  const OwnCounters counters({OwnInstructions(), OwnCycles()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  const uint32_t bits = counters.get()->pages[0]->pmc_width;
  const hftmon_counters_reading begin = counters.Read();
  RunRounds(kLongRounds);
  const hftmon_counters_reading end = counters.Read();
  EXPECT_EQ(NotTheLoop(begin, end, 0, kLongRounds), "");
  EXPECT_EQ(NotTheLoop(begin, end, 1, kLongRounds), "");
  const uint64_t kernels = counters.KernelsValue(0);
  EXPECT_LE(counters.Read().values[0] - kernels, kHandful);
  fmt::print("rig: own counters, {} instructions in {} bits: {} too many\n", kInstructionsPerRound * kLongRounds, bits,
             end.values[0] - begin.values[0] - kInstructionsPerRound * kLongRounds);
}

TEST(OwnCounters, EqualTheKernelsReadingOfTheSameEvents) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions(), OwnCycles()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  uint64_t widest = 0;
  for (int i = 0; i < 1'000; ++i) {
    const hftmon_counters_reading before = counters.Read();
    const uint64_t kernels[] = {counters.KernelsValue(0), counters.KernelsValue(1)};
    const hftmon_counters_reading after = counters.Read();
    for (size_t event = 0; event < 2; ++event) {
      ASSERT_LE(before.values[event], kernels[event]) << i;
      ASSERT_LE(kernels[event], after.values[event]) << i;
      widest = std::max(widest, after.values[event] - before.values[event]);
    }
    ASSERT_TRUE(hftmon_counters_whole(&before, &after)) << i;
    RunRounds(1'000);
  }
  EXPECT_LE(widest, 2 * kHandful);
  fmt::print("rig: own counters, read() lies between two readings that are at most {} apart, 1000 times\n", widest);
}

TEST(OwnCounters, OnePairCostsAHandfulOfInstructions) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions(), OwnCycles()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  hftmon_counters_reading cost = {};
  ASSERT_TRUE(hftmon_counters_own_cost(counters.get(), &cost));
  EXPECT_GT(cost.values[0], 0u);
  EXPECT_LE(cost.values[0], 150u);
  fmt::print("rig: own counters, a reading of two events is {} instructions\n", cost.values[0]);
}

TEST(OwnCounters, ReadingMakesNoSystemCall) {
  const UserAccess allowed(true);
  const int ended = WithoutSystemCalls([] {
    const hftmon_counter_event events[] = {HFTMON_COUNTER_INSTRUCTIONS, HFTMON_COUNTER_CYCLES};
    hftmon_counters* const counters = hftmon_counters_open(events, 2, nullptr);
    if (!ForbidSystemCalls()) return 77;
    hftmon_counters_reading begin;
    hftmon_counters_reading end;
    if (!hftmon_counters_read(counters, &begin)) return 1;
    for (int i = 0; i < 1'000; ++i) {
      RunRounds(1'000);
      if (!hftmon_counters_read(counters, &end)) return 2;
    }
    return hftmon_counters_whole(&begin, &end) && end.values[0] - begin.values[0] >= 2'000'000 ? 42 : 3;
  });
  if (ended == 77) GTEST_SKIP() << "this kernel filters no system calls";
  EXPECT_EQ(ended, 42);
}

TEST(OwnCounters, OthersOnTheCpuAreNotCountedAndTakeNothingAway) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  const hftmon_counters_reading begin = counters.Read();
  // One CPU: the thread is off it while the other one runs, and the registers are the other's then.
  for (int i = 0; i < 20; ++i) {
    std::thread([] { RunRounds(10 * kRounds); }).join();
    RunRounds(kRounds / 20);
  }
  const hftmon_counters_reading end = counters.Read();
  // Threads are made and joined in user code too.
  EXPECT_EQ(NotTheLoop(begin, end, 0, kRounds, 5), "");
}

TEST(OwnCounters, ATimeWithoutRegistersIsToldAndNeverRead) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  const hftmon_counters_reading begin = counters.Read();
  hftmon_counters_reading reading = {};
  hftmon_counters_refusal why;
  {
    absl::StatusOr<CounterGroup> holder = Open(SomeInstructions(kCounters), {}, {.pinned = true});
    ASSERT_TRUE(holder.ok()) << holder.status();
    ASSERT_TRUE(holder->Enable().ok());
    RunRounds(kRounds);
    EXPECT_FALSE(hftmon_counters_read(counters.get(), &reading));
    hftmon_counters_explain(counters.get(), &why);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_TAKEN) << why.text;
    const OwnCounters late({OwnInstructions()});
    EXPECT_FALSE(late.ok());
    EXPECT_EQ(late.why().cause, HFTMON_COUNTERS_TAKEN) << late.why().text;
  }
  // The registers come back with the next tick.
  for (int i = 0; i < 100 && !hftmon_counters_read(counters.get(), &reading); ++i) RunRounds(kRounds);
  const hftmon_counters_reading after = counters.Read();
  EXPECT_FALSE(hftmon_counters_whole(&begin, &after));
  hftmon_counters_explain(counters.get(), &why);
  EXPECT_EQ(why.cause, HFTMON_COUNTERS_NO_CAUSE) << why.text;
  hftmon_counter_page_times times = {};
  ASSERT_TRUE(hftmon_counters_read_times(counters.get(), &times));
  EXPECT_LT(times.running_ns, times.enabled_ns);
  EXPECT_EQ(times.enabled_ns - times.running_ns, after.paused_ns);
}

TEST(OwnCounters, AGroupThatHasNoRoomIsRefused) {
  const UserAccess allowed(true);
  absl::StatusOr<CounterGroup> holder = Open(SomeInstructions(kCounters / 2), {}, {.pinned = true});
  ASSERT_TRUE(holder.ok()) << holder.status();
  ASSERT_TRUE(holder->Enable().ok());
  const OwnCounters six(std::vector<hftmon_counter_event>(kCounters, OwnInstructions()));
  EXPECT_FALSE(six.ok());
  EXPECT_EQ(six.why().cause, HFTMON_COUNTERS_TAKEN) << six.why().text;
  const OwnCounters three(std::vector<hftmon_counter_event>(kCounters / 2, OwnInstructions()));
  EXPECT_TRUE(three.ok()) << three.why().text;
}

TEST(OwnCounters, CyclesDoWithoutTheirOwnRegisterWhereItIsTaken) {
  const UserAccess allowed(true);
  absl::StatusOr<CounterGroup> holder = Open({Cycles()}, {}, {.pinned = true});
  ASSERT_TRUE(holder.ok()) << holder.status();
  ASSERT_TRUE(holder->Enable().ok());
  const OwnCounters counters({OwnCycles()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  EXPECT_EQ(counters.get()->pages[0]->pmc_width, 32u);
  const hftmon_counters_reading begin = counters.Read();
  RunRounds(kRounds);
  EXPECT_EQ(NotTheLoop(begin, counters.Read(), 0, kRounds), "");
}

TEST(OwnCounters, TheTimesAreUntilNow) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  hftmon_counter_page_times before = {};
  hftmon_counter_page_times after = {};
  ASSERT_TRUE(hftmon_counters_read_times(counters.get(), &before));
  RunRounds(kRounds);
  ASSERT_TRUE(hftmon_counters_read_times(counters.get(), &after));
  ASSERT_TRUE(after.current);
  // An instruction takes a nanosecond here; ticks come besides.
  EXPECT_GE(after.running_ns - before.running_ns, kInstructionsPerRound * kRounds * 999 / 1000);
  EXPECT_LE(after.running_ns - before.running_ns, kInstructionsPerRound * kRounds * 12 / 10);
  EXPECT_EQ(after.running_ns, after.enabled_ns);
}

TEST(OwnCounters, AChildHasNoneAndAnotherThreadNeither) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  const pid_t child = fork();
  if (child == 0) {
    hftmon_counters_reading reading;
    hftmon_counters_refusal why;
    const bool read = hftmon_counters_read(counters.get(), &reading);
    hftmon_counters_explain(counters.get(), &why);
    _exit(read ? 1 : why.cause == HFTMON_COUNTERS_CLOSED ? 42 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
  std::thread([&] {
    hftmon_counters_reading reading;
    hftmon_counters_refusal why;
    EXPECT_FALSE(hftmon_counters_read(counters.get(), &reading));
    hftmon_counters_explain(counters.get(), &why);
    EXPECT_EQ(why.cause, HFTMON_COUNTERS_OTHER_THREAD) << why.text;
  }).join();
  counters.Read();
}

TEST(OwnCounters, WhereProgramsMayNotReadTheReasonIsGiven) {
  const UserAccess forbidden(false);
  const OwnCounters counters({OwnInstructions()});
  EXPECT_FALSE(counters.ok());
  EXPECT_EQ(counters.why().cause, HFTMON_COUNTERS_NO_USER_ACCESS);
  EXPECT_THAT(counters.why().text, HasSubstr("kernel.perf_user_access is 0"));
  EXPECT_THAT(counters.why().text, HasSubstr("sysctl kernel.perf_user_access=1"));
  fmt::print("rig: {}\n", counters.why().text);
}

TEST(OwnCounters, AUserWithoutPrivilegesCountsAtLevelTwoAndNotAtThree) {
  const UserAccess allowed(true);
  {
    const ParanoidLevel level(2);
    const Unprivileged user;
    const OwnCounters counters({OwnInstructions()});
    ASSERT_TRUE(counters.ok()) << counters.why().text;
    hftmon_counter_event kernel_too = OwnInstructions();
    kernel_too.flags = HFTMON_COUNTER_KERNEL;
    const OwnCounters with_kernel({kernel_too});
    EXPECT_FALSE(with_kernel.ok());
    EXPECT_EQ(with_kernel.why().cause, HFTMON_COUNTERS_PARANOID) << with_kernel.why().text;
  }
  const ParanoidLevel level(3);
  const Unprivileged user;
  const OwnCounters counters({OwnInstructions()});
  EXPECT_FALSE(counters.ok());
  EXPECT_EQ(counters.why().cause, HFTMON_COUNTERS_PARANOID) << counters.why().text;
}

TEST(OwnCounters, AnEventThatTheProcessorLacksIsNamed) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions(), HFTMON_COUNTER_DTLB_MISSES});
  EXPECT_FALSE(counters.ok());
  EXPECT_EQ(counters.why().cause, HFTMON_COUNTERS_NO_EVENT) << counters.why().text;
  EXPECT_THAT(counters.why().text, HasSubstr("dtlb_misses: this processor's PMU has no such event"));
}

TEST(TwoCpus, AThreadThatReadsItsOwnCountersIsMovedBetweenThem) {
  const UserAccess allowed(true);
  const OwnCounters counters({OwnInstructions(), OwnCycles()});
  ASSERT_TRUE(counters.ok()) << counters.why().text;
  const hftmon_counters_reading begin = counters.Read();
  hftmon_counters_reading last = begin;
  for (int i = 0; i < 20; ++i) {
    const OnCpu here(i % 2);
    RunRounds(kRounds / 20);
    const hftmon_counters_reading now = counters.Read();
    EXPECT_GE(now.values[0] - last.values[0], kInstructionsPerRound * (kRounds / 20)) << i;
    last = now;
  }
  EXPECT_EQ(NotTheLoop(begin, last, 0, kRounds, 20), "");
}

TEST(WithoutPmu, AProgramIsToldThatThereIsNone) {
  const OwnCounters counters({OwnInstructions()});
  EXPECT_FALSE(counters.ok());
  EXPECT_EQ(counters.why().cause, HFTMON_COUNTERS_NO_PMU) << counters.why().text;
}

}  // namespace
}  // namespace hftmon
