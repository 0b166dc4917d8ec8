// Counts that are known to the digit, of a thread, its heirs and a CPU.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <future>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

constexpr uint64_t kRounds = 5'000'000;  // several ticks of the kernel's long

TEST(ExactCounts, ALoopsInstructionsAreThoseItHas) {
  for (const uint64_t rounds : {uint64_t{100'000}, uint64_t{1'000'000}, uint64_t{50'000'000}}) {
    absl::StatusOr<CounterGroup> group = Open({Instructions(), Cycles()});
    ASSERT_TRUE(group.ok()) << group.status();
    const auto readings = CountDuring(*group, [rounds] { RunRounds(rounds); });
    ASSERT_TRUE(readings.ok()) << readings.status();
    ASSERT_EQ(readings->size(), 2u);
    EXPECT_EQ(NotTheLoop((*readings)[0], rounds), "");
    // The emulated CPU takes a cycle for each.
    EXPECT_EQ(NotTheLoop((*readings)[1], rounds), "");
    fmt::print("rig: a loop of {} instructions: {} instructions, {} cycles\n", kInstructionsPerRound * rounds, (*readings)[0].value,
               (*readings)[1].value);
  }
}

TEST(ExactCounts, WhatRunsWhileSwitchedOffIsNotCounted) {
  absl::StatusOr<CounterGroup> group = Open({Instructions()});
  ASSERT_TRUE(group.ok()) << group.status();
  RunRounds(kRounds);
  ASSERT_TRUE(CountDuring(*group, [] { RunRounds(kRounds); }).ok());
  RunRounds(kRounds);
  const auto readings = group->Read();
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), kRounds), "");
}

TEST(ExactCounts, OfOneThreadAndNotOfItsNeighbours) {
  std::promise<pid_t> tid;
  std::promise<void> go;
  std::promise<void> done;
  std::promise<void> leave;
  std::thread counted([&] {
    tid.set_value(gettid());
    go.get_future().wait();
    RunRounds(kRounds);
    done.set_value();
    leave.get_future().wait();
  });
  absl::StatusOr<CounterGroup> group = Open({Instructions()}, {.tid = tid.get_future().get()});
  const auto readings = !group.ok() ? group.status() : CountDuring(*group, [&] {
    go.set_value();
    RunRounds(3 * kRounds);
    done.get_future().wait();
  });
  if (!group.ok()) go.set_value();
  leave.set_value();
  counted.join();
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), kRounds), "");
}

TEST(ExactCounts, HeirsAreCountedWithTheThreadThatMadeThem) {
  absl::StatusOr<CounterGroup> group = Open({Instructions(), Cycles()}, {}, {.heirs = CounterHeirs::kThreads});
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    std::vector<std::thread> heirs;
    for (int i = 0; i < 3; ++i) heirs.emplace_back([] { RunRounds(kRounds); });
    for (std::thread& heir : heirs) heir.join();
    RunRounds(kRounds);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop((*readings)[0], 4 * kRounds), "");
  EXPECT_EQ(NotTheLoop((*readings)[1], 4 * kRounds), "");
}

TEST(ExactCounts, WithoutHeirsTheyAreNot) {
  absl::StatusOr<CounterGroup> group = Open({Instructions()});
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    std::thread([] { RunRounds(3 * kRounds); }).join();
    RunRounds(kRounds);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), kRounds), "");
}

TEST(ExactCounts, OfACpuWhoeverRunsThere) {
  absl::StatusOr<CounterGroup> group = Open({Instructions()}, {.tid = -1, .cpu = 0});
  ASSERT_TRUE(group.ok()) << group.status();
  const auto readings = CountDuring(*group, [] {
    std::thread([] { RunRounds(kRounds); }).join();
    RunRounds(kRounds);
  });
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(NotTheLoop(readings->front(), 2 * kRounds), "");
}

TEST(ExactCounts, ReadingsStandInTheOrderOfTheEvents) {
  constexpr size_t kPages = 100;
  const CountedEvent faults = Event("page-faults:u", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS);
  // A hardware event leads, or a software one does and the hardware's PMU takes the group over.
  const std::vector<std::vector<CountedEvent>> orders = {{Instructions(), faults, Cycles()}, {faults, Cycles(), Instructions()}};
  const std::vector<size_t> places = {1, 0};
  for (size_t i = 0; i < orders.size(); ++i) {
    absl::StatusOr<CounterGroup> group = Open(orders[i]);
    ASSERT_TRUE(group.ok()) << group.status();
    const size_t page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* pages = mmap(nullptr, kPages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    ASSERT_EQ(madvise(pages, kPages * page_bytes, MADV_NOHUGEPAGE), 0);
    const auto readings = CountDuring(*group, [&] {
      for (size_t page = 0; page < kPages; ++page) static_cast<volatile char*>(pages)[page * page_bytes] = 1;
      RunRounds(kRounds);
    });
    munmap(pages, kPages * page_bytes);
    ASSERT_TRUE(readings.ok()) << readings.status();
    ASSERT_EQ(readings->size(), 3u);
    for (size_t event = 0; event < 3; ++event) {
      const CounterReading& reading = (*readings)[event];
      if (event == places[i]) {
        EXPECT_EQ(reading.value, kPages) << group->name(event);
      } else {
        EXPECT_EQ(NotTheLoop(reading, kRounds), "") << group->name(event);
      }
      EXPECT_EQ(reading.lost, 0u) << "kernels from 6.0 tell it";
    }
  }
}

}  // namespace
}  // namespace hftmon
