// Counts that are known to the digit, of a process: threads that were there, those they make, child processes; and between two readings.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <thread>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/pmu/counter_delta.h"
#include "daemon/pmu/counter_total.h"
#include "daemon/pmu/process_counters.h"
#include "gtest/gtest.h"
#include "tests/rig/arm_pmu/events.h"
#include "tests/rig/arm_pmu/known_loop.h"

namespace hftmon {
namespace {

constexpr uint64_t kRounds = 5'000'000;

absl::StatusOr<std::vector<pid_t>> ThreadsOf(pid_t pid) {
  const absl::StatusOr<std::vector<std::string>> names = FileRoot().List("/proc/" + std::to_string(pid) + "/task");
  if (!names.ok()) return names.status();
  std::vector<pid_t> tids;
  for (const std::string& name : *names) tids.push_back(static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10)));
  return tids;
}

// Threads that wait until they are told to run, each its own number of rounds: the first one kRounds, the next twice as many, and so on.
class Runners {
 public:
  explicit Runners(size_t count) : go_(begin_.get_future().share()) {
    for (size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this, rounds = (i + 1) * kRounds] {
        go_.wait();
        RunRounds(rounds);
      });
    }
  }
  ~Runners() {
    if (!threads_.empty()) RunToTheEnd();
  }
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;

  void RunToTheEnd() {
    begin_.set_value();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::promise<void> begin_;
  std::shared_future<void> go_;
  std::vector<std::thread> threads_;
};

// Of the process's only event.
CounterTotal Total(const std::vector<ThreadReadings>& threads) {
  const std::vector<CounterTotal> totals = SumOfThreads(threads);
  EXPECT_EQ(totals.size(), 1u);
  return totals.empty() ? CounterTotal{} : totals.front();
}

// As NotTheLoop, of a total.
void ExpectLoops(const CounterTotal& total, uint64_t rounds) {
  EXPECT_TRUE(total.exact);
  EXPECT_EQ(total.uncounted_thread_count, 0u);
  EXPECT_EQ(NotTheLoop({.value = total.count.value_or(0), .enabled_ns = 1, .running_ns = 1}, rounds), "");
}

void RunInAChild(uint64_t rounds) {
  const pid_t child = fork();
  if (child == 0) {
    RunRounds(rounds);
    _exit(0);
  }
  ASSERT_GT(child, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

TEST(ProcessCounts, EachThreadThatWasThereAndTheOnesItMakes) {
  Runners runners(3);
  const std::vector<CountedEvent> events = {Instructions()};
  absl::StatusOr<ProcessCounters> process = ProcessCounters::Open(Calls(), ThreadsOf, getpid(), events, {});
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->thread_count(), 4u);
  EXPECT_EQ(process->shortfall(), "");
  ASSERT_TRUE(process->Enable().ok());
  runners.RunToTheEnd();
  std::thread([] { RunRounds(4 * kRounds); }).join();
  ASSERT_TRUE(process->Disable().ok());
  const auto threads = process->Read();
  ASSERT_TRUE(threads.ok()) << threads.status();
  ASSERT_EQ(threads->size(), 4u);
  ExpectLoops(Total(*threads), (1 + 2 + 3 + 4) * kRounds);
}

TEST(ProcessCounts, ChildProcessesWhereTheyAreAskedFor) {
  const std::vector<CountedEvent> events = {Instructions()};
  for (const CounterHeirs heirs : {CounterHeirs::kThreads, CounterHeirs::kThreadsAndProcesses}) {
    absl::StatusOr<ProcessCounters> process = ProcessCounters::Open(Calls(), ThreadsOf, getpid(), events, {.heirs = heirs});
    ASSERT_TRUE(process.ok()) << process.status();
    ASSERT_TRUE(process->Enable().ok());
    RunRounds(kRounds);
    RunInAChild(3 * kRounds);
    ASSERT_TRUE(process->Disable().ok());
    const auto threads = process->Read();
    ASSERT_TRUE(threads.ok()) << threads.status();
    ExpectLoops(Total(*threads), heirs == CounterHeirs::kThreads ? kRounds : 4 * kRounds);
  }
}

TEST(ProcessCounts, BetweenTwoReadingsIsWhatRanBetweenThem) {
  absl::StatusOr<CounterGroup> group = Open({Instructions()});
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(group->Enable().ok());
  RunRounds(kRounds);
  const auto before = group->Read();
  ASSERT_TRUE(before.ok()) << before.status();
  RunRounds(2 * kRounds);
  const auto after = group->Read();
  ASSERT_TRUE(after.ok()) << after.status();
  const absl::StatusOr<CounterReading> between = CounterDelta(before->front(), after->front());
  ASSERT_TRUE(between.ok()) << between.status();
  EXPECT_EQ(NotTheLoop(*between, 2 * kRounds), "");
  EXPECT_EQ(CounterDelta(after->front(), before->front()).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace hftmon
