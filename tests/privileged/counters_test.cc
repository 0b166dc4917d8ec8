// The counting module against the kernel's own figures and `perf stat` of the same run. Software events go the way of hardware ones, and
// every host has them.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "daemon/os/thread_ids.h"
#include "daemon/pmu/counter_budget.h"
#include "daemon/pmu/counter_delta.h"
#include "daemon/pmu/counter_group.h"
#include "daemon/pmu/counter_total.h"
#include "daemon/pmu/process_counters.h"
#include "tests/daemon/pmu/counted_events.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/privileged/perf_stat.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;

struct SoftwareEvent {
  const char* name;  // perf's
  uint64_t config;
};
constexpr SoftwareEvent kSoftwareEvents[] = {
    {"page-faults", PERF_COUNT_SW_PAGE_FAULTS},       {"minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ},  {"context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS}, {"task-clock", PERF_COUNT_SW_TASK_CLOCK},
};

std::vector<CountedEvent> SoftwareEvents() {
  std::vector<CountedEvent> events;
  for (const SoftwareEvent& event : kSoftwareEvents) events.push_back(MakeEvent(event.name, PERF_TYPE_SOFTWARE, event.config));
  return events;
}

std::string PerfNames() {
  std::string names;
  for (const SoftwareEvent& event : kSoftwareEvents) names += (names.empty() ? "" : ",") + std::string(event.name);
  return names;
}

const ListThreads kThreadsOf = [](pid_t pid) { return ReadThreadIds(FileRoot(), pid); };

constexpr double kPerfClockStepNs = 10'000;  // perf prints a clock in hundredths of a millisecond
constexpr size_t kPages = 500;
constexpr size_t kPageBytes = 4096;

// Touches so many pages for the first time.
void Touch() {
  void* memory = mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  madvise(memory, kPages * kPageBytes, MADV_NOHUGEPAGE);
  for (size_t page = 0; page < kPages; ++page) static_cast<volatile char*>(memory)[page * kPageBytes] = 1;
  munmap(memory, kPages * kPageBytes);
}

uint64_t OwnFaults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

class CountersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto group = CounterGroup::Open(calls_, {}, std::vector{PageFaults()}, {});
    if (absl::IsPermissionDenied(group.status())) GTEST_SKIP() << group.status().message();
    ASSERT_TRUE(group.ok()) << group.status();
    std::string pattern = "/tmp/counters_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  // Page faults of the calling thread and its heirs.
  CounterGroup OpenFaults(CounterHeirs heirs) {
    auto group = CounterGroup::Open(calls_, {}, std::vector{PageFaults()}, {.heirs = heirs});
    EXPECT_TRUE(group.ok()) << group.status();
    EXPECT_TRUE(group->Enable().ok());
    return *std::move(group);
  }
  static uint64_t Count(const CounterGroup& group) {
    const auto readings = group.Read();
    EXPECT_TRUE(readings.ok()) << readings.status();
    if (!readings.ok()) return 0;
    EXPECT_TRUE(readings->front().exact());
    return readings->front().value;
  }
  // The same run of the workload by us and by perf: equal to the last digit.
  void ExpectWhatPerfCounts(const std::string& workload, const std::vector<std::string>& arguments) {
    if (const std::string why = PerfStat::WhyNot(); !why.empty()) GTEST_SKIP() << why;
    WorkloadRun run(workload, arguments);
    ASSERT_TRUE(run.about().is_object());
    ASSERT_TRUE(WaitUntilBlocked(run.pid()));
    auto counters = ProcessCounters::Open(calls_, kThreadsOf, run.pid(), SoftwareEvents(), {});
    ASSERT_TRUE(counters.ok()) << counters.status();
    PerfStat perf(run.pid(), PerfNames(), folder_);
    ASSERT_TRUE(perf.counting());
    ASSERT_TRUE(counters->Enable().ok());
    ASSERT_TRUE(run.Act().is_object());
    ASSERT_TRUE(WaitUntilBlocked(run.pid()));
    const auto threads = counters->Read();
    const std::map<std::string, PerfStatLine> theirs = perf.Stop();
    ASSERT_TRUE(threads.ok()) << threads.status();
    const std::vector<CounterTotal> totals = SumOfThreads(*threads);
    ASSERT_EQ(totals.size(), std::size(kSoftwareEvents));
    for (size_t event = 0; event < totals.size(); ++event) {
      const std::string name = kSoftwareEvents[event].name;
      SCOPED_TRACE(name);
      ASSERT_TRUE(theirs.contains(name));
      ASSERT_TRUE(totals[event].count.has_value());
      EXPECT_TRUE(totals[event].exact);
      const std::string& value = theirs.at(name).value;
      if (name == "task-clock") {
        EXPECT_NEAR(static_cast<double>(*totals[event].count), static_cast<double>(NanosecondsOf(value)), kPerfClockStepNs);
      } else {
        EXPECT_EQ(*totals[event].count, std::strtoull(value.c_str(), nullptr, 10));
      }
      uint64_t running_ns = 0;
      for (const ThreadReadings& thread : *threads) running_ns += thread.readings[event].running_ns;
      EXPECT_EQ(running_ns, theirs.at(name).running_ns);
      std::printf("%s of %s: %llu, perf stat %s\n", name.c_str(), workload.c_str(), static_cast<unsigned long long>(*totals[event].count),
                  value.c_str());
    }
  }

  SystemPerfEventCalls calls_;
  std::string folder_;
};

TEST_F(CountersTest, OneThreadsFaultsAreThoseThatTheKernelCountsOfIt) {
  Touch();
  OwnFaults();
  CounterGroup group = OpenFaults(CounterHeirs::kNobody);
  const auto before = group.Read();
  const uint64_t faults_before = OwnFaults();
  Touch();
  const uint64_t faults = OwnFaults() - faults_before;
  const auto after = group.Read();
  ASSERT_TRUE(before.ok() && after.ok());
  const auto delta = CounterDelta(before->front(), after->front());
  ASSERT_TRUE(delta.ok()) << delta.status();
  EXPECT_GE(faults, kPages);
  // The memory that the readings lie in may be touched for the first time outside the kernel's own bracket.
  EXPECT_GE(delta->value, faults);
  EXPECT_LE(delta->value, faults + 3);
}

TEST_F(CountersTest, HeirsAreCountedAsAsked) {
  CounterGroup nobody = OpenFaults(CounterHeirs::kNobody);
  CounterGroup all = OpenFaults(CounterHeirs::kThreadsAndProcesses);
  std::vector<CounterGroup> threads;  // none before 5.13
  if (auto group = CounterGroup::Open(calls_, {}, std::vector{PageFaults()}, {.heirs = CounterHeirs::kThreads}); group.ok()) {
    ASSERT_TRUE(group->Enable().ok());
    threads.push_back(*std::move(group));
  }
  const auto rises = [&] {
    std::vector<uint64_t> counts = {Count(nobody), Count(all)};
    if (!threads.empty()) counts.push_back(Count(threads[0]));
    return counts;
  };
  const std::vector<uint64_t> begin = rises();
  std::thread(Touch).join();
  const std::vector<uint64_t> after_thread = rises();
  EXPECT_LT(after_thread[0] - begin[0], kPages);
  EXPECT_GE(after_thread[1] - begin[1], kPages);
  const pid_t child = fork();
  if (child == 0) {
    Touch();
    _exit(0);
  }
  ASSERT_GT(child, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const std::vector<uint64_t> after_process = rises();
  EXPECT_LT(after_process[0] - after_thread[0], kPages);
  EXPECT_GE(after_process[1] - after_thread[1], kPages);
  if (threads.empty()) GTEST_SKIP() << "this kernel (before 5.13) does not tell threads from processes";
  EXPECT_GE(after_thread[2] - begin[2], kPages);
  EXPECT_LT(after_process[2] - after_thread[2], kPages) << "a child process is another";
}

TEST_F(CountersTest, ACpusEventsCountWhatRunsThere) {
  const int cpu = workload::ChooseCpu(-1);
  auto group = CounterGroup::Open(calls_, {.tid = -1, .cpu = cpu}, std::vector{PageFaults()}, {});
  if (absl::IsPermissionDenied(group.status())) GTEST_SKIP() << group.status().message();
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE(group->Enable().ok());
  std::thread([cpu] {
    workload::PinTo(cpu);
    Touch();
  }).join();
  EXPECT_GE(Count(*group), kPages);
}

TEST_F(CountersTest, FaultsSwitchesAndTheirTimesEqualPerfStat) {
  ExpectWhatPerfCounts("page_faulter", {"--count", "2000"});
}

TEST_F(CountersTest, SoTheyDoOfThreadsThatBeginAndEndMeanwhile) {
  ExpectWhatPerfCounts("thread_churn", {"--threads", "50", "--rate", "500", "--milliseconds", "500"});
}

TEST_F(CountersTest, HardwareEventsCountOrGiveTheReason) {
  const int error = TryCycleCounter(calls_);
  auto group = CounterGroup::Open(calls_, {}, std::vector{Cycles(), Instructions()}, {});
  if (error == 0) {
    ASSERT_TRUE(group.ok()) << group.status();
    ASSERT_TRUE(group->Enable().ok());
    Touch();
    const auto readings = group->Read();
    ASSERT_TRUE(readings.ok()) << readings.status();
    for (const CounterReading& reading : *readings) EXPECT_TRUE(!reading.counted() || reading.value > 0);
    const auto budget = MeasureCounterBudget(calls_, {}, Cycles());
    ASSERT_TRUE(budget.ok()) << budget.status();
    std::printf("%zu copies of cycles count at once%s\n", budget->events, budget->at_least ? " at least" : "");
    return;
  }
  std::printf("%s\n", std::string(group.status().message()).c_str());
  ASSERT_EQ(error, ENOENT);
  EXPECT_TRUE(absl::IsFailedPrecondition(group.status()));
  EXPECT_THAT(std::string(group.status().message()), HasSubstr("no hardware PMU"));
  EXPECT_THAT(std::string(CounterGroup::Open(calls_, {}, std::vector{Raw(0xc0)}, {}).status().message()), HasSubstr("no hardware PMU"));
}

TEST_F(CountersTest, WhatTheKernelRefusesHasItsReason) {
  const auto why = [&](const CounterPlace& place, const CountedEvent& event) {
    return CounterGroup::Open(calls_, place, std::vector{event}, {}).status();
  };
  EXPECT_TRUE(absl::IsNotFound(why({.tid = 0x3fffffff}, PageFaults())));
  EXPECT_THAT(std::string(why({}, MakeEvent("new", PERF_TYPE_SOFTWARE, 5'000)).message()), HasSubstr("no software event 5000"));
  EXPECT_THAT(std::string(why({}, MakeEvent("other", 0x7ffffff0, 1)).message()), HasSubstr("PMU 2147483632 is not there"));
  CountedEvent odd = PageFaults();
  odd.attributes.clockid = 99;
  odd.attributes.use_clockid = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(why({}, odd))) << why({}, odd);
}

TEST_F(CountersTest, SoftwareEventsLeaveTheBudgetAlone) {
  const auto budget = MeasureCounterBudget(calls_, {}, PageFaults(), 20);
  ASSERT_TRUE(budget.ok()) << budget.status();
  EXPECT_EQ(budget->events, 20u);
  EXPECT_TRUE(budget->at_least);
  EXPECT_TRUE(CheckCounterBudget(calls_, {}, SoftwareEvents(), {}).ok());
}

TEST(ParsePerfStatTest, LinesAreReadAndHeadingsSkipped) {
  const auto lines = ParsePerfStat(
      "# started on Fri Nov 27 11:00:00 2026\n\n"
      "12.345678,msec,task-clock,12345678,100.00,0.012,CPUs utilized\n"
      "28,,page-faults,12345679,100.00,2.268,K/sec\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(NanosecondsOf(lines.at("task-clock").value), 12'345'678u);
  EXPECT_EQ(lines.at("page-faults").value, "28");
  EXPECT_EQ(lines.at("page-faults").running_ns, 12'345'679u);
}

}  // namespace
}  // namespace hftmon::testing
