// Counters that are read at overflows, beside `perf stat` of the same run and the workload's own figures: a thread that spins pinned to a
// CPU and touches pages for the first time meanwhile. The kernel's own events go the very same way as the processor's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "client/cpp/errors.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/thread_ids.h"
#include "daemon/pmu/host_overflow_events.h"
#include "daemon/pmu/process_overflows.h"
#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/eventually.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/perf_stat.h"
#include "tests/privileged/privileged_test.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kPages = 2'000;
constexpr size_t kPageBytes = 4'096;
constexpr int64_t kSpinNs = 300'000'000;
constexpr int64_t kRateHz = 2'000;

uint64_t FaultsOfThread() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return static_cast<uint64_t>(used.ru_minflt + used.ru_majflt);
}

// Spins for kSpinNs, touching the pages evenly meanwhile; the faults that the kernel counted of it.
uint64_t SpinAndTouch() {
  void* memory = mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(4);
  madvise(memory, kPages * kPageBytes, MADV_NOHUGEPAGE);
  const int64_t begin_ns = workload::NowNs();
  const uint64_t before = FaultsOfThread();
  for (size_t page = 0; page < kPages; ++page) {
    static_cast<volatile char*>(memory)[page * kPageBytes] = 1;
    workload::SpinUntil(begin_ns + kSpinNs * static_cast<int64_t>(page + 1) / static_cast<int64_t>(kPages));
  }
  const uint64_t after = FaultsOfThread();
  munmap(memory, kPages * kPageBytes);
  return after - before;
}

// A process of one thread that waits on a pipe until it is to spin, and then says how many faults it had.
class Spinner {
 public:
  Spinner() {
    if (pipe2(to_, O_CLOEXEC) != 0 || pipe2(from_, O_CLOEXEC) != 0) std::abort();  // the daemon must not keep it waiting
    pid_ = fork();
    if (pid_ == 0) Serve();
    close(to_[0]);
    close(from_[1]);
  }
  ~Spinner() {
    close(to_[1]);
    waitpid(pid_, nullptr, 0);
    close(from_[0]);
  }
  pid_t pid() const { return pid_; }
  // It waits, and spins only when it is told to.
  bool Waits() const { return WaitUntilBlocked(pid_); }
  void Spin() { ASSERT_EQ(write(to_[1], "s", 1), 1); }
  // Until it is told to end, however slow whoever looks is.
  void SpinOn() { ASSERT_EQ(write(to_[1], "o", 1), 1); }
  void EndSpinning() { ASSERT_EQ(write(to_[1], "e", 1), 1); }
  uint64_t AwaitFaults() {
    uint64_t faults = 0;
    EXPECT_EQ(read(from_[0], &faults, sizeof(faults)), static_cast<ssize_t>(sizeof(faults)));
    return faults;
  }

 private:
  [[noreturn]] void Serve() {
    workload::LimitLifetime(120);
    close(to_[1]);
    workload::PinTo(workload::ChooseCpu(-1));
    for (char word = 0; read(to_[0], &word, 1) == 1;) {
      if (word == 'e') continue;
      uint64_t faults = SpinAndTouch();
      while (word == 'o' && !IsTold()) faults += SpinAndTouch();
      if (write(from_[1], &faults, sizeof(faults)) != sizeof(faults)) _exit(1);
    }
    _exit(0);
  }

  bool IsTold() const {
    int bytes = 0;
    return ioctl(to_[0], FIONREAD, &bytes) != 0 || bytes > 0;
  }

  int to_[2] = {};
  int from_[2] = {};
  pid_t pid_ = -1;
};

class WorkloadClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return workload::NowNs(); }
};

struct Sums {
  uint64_t faults = 0;
  uint64_t switches = 0;
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  uint64_t spans = 0;        // that ended with an overflow
  uint64_t span_cpu_ns = 0;  // of those
  uint64_t spans_with_faults = 0;
  int64_t last_end_ns = 0;
  bool gap = false;
};

class CounterOverflowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    folder_ = std::filesystem::temp_directory_path() / ("counter_sampling." + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  absl::StatusOr<ProcessOverflows> Open(pid_t pid, OverflowBy by = OverflowBy::kCpuClock) {
    const PerfEventRefusalFacts facts = ReadPerfEventFacts(files_, SystemCapabilities(), calls_);
    const HostCounters host{.root = files_, .calls = &calls_, .facts = facts, .has_hypervisor = false};
    auto events = HostOverflowEvents(host, {.events = {"page-faults", "context-switches"}}, kGroupEventsMax, by, kRateHz);
    if (!events.ok()) return events.status();
    return ProcessOverflows::Open(
        {.calls = &calls_, .memory = &memory_, .clock = &clock_, .threads = [this](pid_t of) { return ReadThreadIds(files_, of); }}, pid,
        std::move(events->overflow), std::move(events->members), {.rate_hz = kRateHz, .facts = facts});
  }
  auto Add() {
    return [this](size_t, const OverflowSpan& span) {
      sums_.faults += span.values[0];
      sums_.switches += span.values[1];
      sums_.enabled_ns += span.enabled_ns;
      sums_.running_ns += span.running_ns;
      sums_.gap |= sums_.last_end_ns != 0 && span.begin_mono_ns != sums_.last_end_ns;
      sums_.last_end_ns = span.end_mono_ns;
      if (span.rest) return;
      ++sums_.spans;
      sums_.span_cpu_ns += span.enabled_ns;
      sums_.spans_with_faults += span.values[0] > 0 ? 1 : 0;
    };
  }
  // It spins once, from before its counters are on until after they are off; what it says itself.
  uint64_t RunOnce(Spinner& spinner, ProcessOverflows& overflows) {
    EXPECT_TRUE(overflows.Begin().ok());
    spinner.Spin();
    std::atomic<bool> done{false};
    uint64_t faults = 0;
    std::thread waiter([&] {
      faults = spinner.AwaitFaults();
      done.store(true, std::memory_order_release);
    });
    while (!done.load(std::memory_order_acquire)) {
      overflows.Drain(Add());
      workload::SleepUntil(workload::NowNs() + 5'000'000);
    }
    waiter.join();
    EXPECT_TRUE(spinner.Waits());
    EXPECT_TRUE(overflows.End(Add()).ok());
    return faults;
  }

  const FileRoot files_{"/"};
  SystemPerfEventCalls calls_;
  SystemPerfRingMemory memory_;
  const WorkloadClock clock_;
  Sums sums_;
  std::filesystem::path folder_;
};

TEST_F(CounterOverflowTest, SpansOfAThreadThatSpinsSumToItsOwnFaultsAndComeAtTheRate) {
  Spinner spinner;
  ASSERT_TRUE(spinner.Waits());
  auto overflows = Open(spinner.pid());
  ASSERT_TRUE(overflows.ok()) << overflows.status();
  const uint64_t faults = RunOnce(spinner, *overflows);
  ASSERT_EQ(overflows->threads().size(), 1u);
  const OverflowCounts counts = overflows->threads()[0].counts;
  std::printf("%llu spans of %llu ns on a CPU, %llu faults (its own: %llu), %llu switches, held back %llu times, %llu lost\n",
              static_cast<unsigned long long>(sums_.spans),
              static_cast<unsigned long long>(sums_.span_cpu_ns / std::max<uint64_t>(sums_.spans, 1)),
              static_cast<unsigned long long>(sums_.faults), static_cast<unsigned long long>(faults),
              static_cast<unsigned long long>(sums_.switches), static_cast<unsigned long long>(counts.throttle_count),
              static_cast<unsigned long long>(counts.lost_count));
  EXPECT_FALSE(sums_.gap);
  EXPECT_EQ(counts.undecoded_count, 0u);
  EXPECT_EQ(counts.discarded_count, 0u);
  EXPECT_GE(faults, kPages);
  EXPECT_EQ(sums_.running_ns, sums_.enabled_ns) << "software events are never multiplexed";
  if (counts.throttle_count > 0) {
    EXPECT_LE(sums_.faults, faults + 16);
    GTEST_SKIP() << "the kernel held the event back " << counts.throttle_count << " times: it counts nothing meanwhile";
  }
  // Beside the loop there are the reading of the pipe before it and the writing to it behind.
  EXPECT_GE(sums_.faults, faults);
  EXPECT_LE(sums_.faults, faults + 16);
  // One span each period that it was on a CPU: a timer never fires early, and a virtual machine's may be late.
  ASSERT_GT(sums_.spans, 0u);
  const double period_ns = 1e9 / static_cast<double>(kRateHz);
  const double ratio = static_cast<double>(sums_.span_cpu_ns) / static_cast<double>(sums_.spans) / period_ns;
  EXPECT_GT(ratio, 0.5);
  EXPECT_LT(ratio, 4);
  EXPECT_GT(sums_.spans_with_faults * 2, sums_.spans) << "it touches some seven pages each period";
}

TEST_F(CounterOverflowTest, SumsEqualThoseOfPerfStat) {
  if (const std::string why = PerfStat::WhyNot(); !why.empty()) GTEST_SKIP() << why;
  Spinner spinner;
  ASSERT_TRUE(spinner.Waits());
  auto overflows = Open(spinner.pid());
  ASSERT_TRUE(overflows.ok()) << overflows.status();
  PerfStat perf(spinner.pid(), "page-faults,context-switches", folder_);
  ASSERT_TRUE(perf.counting());
  RunOnce(spinner, *overflows);
  const auto theirs = perf.Stop();
  if (overflows->threads()[0].counts.throttle_count > 0) GTEST_SKIP() << "the kernel held the event back: it counts nothing meanwhile";
  EXPECT_EQ(std::to_string(sums_.faults), theirs.at("page-faults").value);
  EXPECT_EQ(std::to_string(sums_.switches), theirs.at("context-switches").value);
}

TEST_F(CounterOverflowTest, CyclesOverflowWhereThereIsAPmuAndElsewhereTheReasonIsThatOfTheHost) {
  Spinner spinner;
  ASSERT_TRUE(spinner.Waits());
  auto overflows = Open(spinner.pid(), OverflowBy::kCycles);
  const PerfEventRefusalFacts facts = ReadPerfEventFacts(files_, SystemCapabilities(), calls_);
  const absl::Status tried = TrySampledCycles(calls_, facts);
  if (!overflows.ok()) {
    ASSERT_FALSE(tried.ok()) << "cycles can be sampled here: " << overflows.status();
    EXPECT_EQ(overflows.status().message(), tried.message());
    GTEST_SKIP() << "cycles cannot be sampled here: " << tried.message();
  }
  RunOnce(spinner, *overflows);
  ASSERT_GT(sums_.running_ns, 0u) << "opened, and never had a counter";
  EXPECT_GT(sums_.spans, 0u);
  EXPECT_GT(sums_.spans_with_faults, 0u);
}

class CounterSamplingTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    v1::AttachRequest request;
    request.add_pids(spinner_.pid());
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }
  absl::StatusOr<v1::SampleCountersResponse> Sample(int32_t pid, const std::string& event = "page-faults") const {
    v1::SampleCountersRequest request;
    request.set_pid(pid);
    request.set_duration_ns(400'000'000);
    request.set_rate_hz(kRateHz);
    request.add_events(event);
    return daemon_.client().SampleCounters(request);
  }
  static std::string ReasonOf(const absl::Status& status) { return DetailsOf(status).reason; }

  Spinner spinner_;
};

TEST_F(CounterSamplingTest, AThreadThatSpinsIsReadAtTheRateAndNothingOfItStays) {
  const int fds = ReadBelongings(daemon_.pid()).fds;
  spinner_.SpinOn();
  const auto answer = daemon_.HftmonJson({"cache", "-p", std::to_string(spinner_.pid()), "--rate", std::to_string(kRateHz), "--for",
                                          "200ms", "--counters", "page-faults,context-switches"});
  spinner_.EndSpinning();
  spinner_.AwaitFaults();
  ASSERT_TRUE(answer.is_object());
  ASSERT_TRUE(answer["overflow"].contains("achieved_rate_hz")) << "it did not run: " << answer.dump();
  std::printf("%s: %.0f of %lld a second, %lld interrupts\n", answer["overflow"]["reason"].get<std::string>().c_str(),
              answer["overflow"]["achieved_rate_hz"].get<double>(), static_cast<long long>(kRateHz),
              answer["cost"]["interrupt_count"].get<long long>());
  EXPECT_EQ(answer["overflow"]["asked_rate_hz"], kRateHz);
  ASSERT_EQ(answer["threads"].size(), 1u);
  const auto& thread = answer["threads"][0];
  EXPECT_EQ(thread["tid"], spinner_.pid());
  EXPECT_GT(thread["counters"]["page-faults"]["value"], 0);
  EXPECT_EQ(thread["interrupt_count"], answer["cost"]["interrupt_count"]);
  if (answer["coverage"]["throttle_count"] == 0) {
    const double ratio = thread["achieved_rate_hz"].get<double>() / static_cast<double>(kRateHz);
    EXPECT_GT(ratio, 0.25);
    EXPECT_LT(ratio, 2);
  }
  EXPECT_EQ(answer["cost"]["event_count"], 3);
  EXPECT_GT(thread["rate_spans"]["page-faults_per_second"]["span_count"], 0);
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= fds; })) << fds;
}

TEST_F(CounterSamplingTest, DetachingEndsItAndIsNotToldAsTheProcessesEnd) {
  const int fds = ReadBelongings(daemon_.pid()).fds;
  absl::Status sampled;
  std::thread caller([&] {
    v1::SampleCountersRequest request;
    request.set_pid(spinner_.pid());
    request.set_duration_ns(10'000'000'000);
    request.add_events("page-faults");
    sampled = daemon_.client().SampleCounters(request).status();
  });
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds >= fds + 2; })) << fds;
  v1::DetachRequest request;
  request.add_pids(spinner_.pid());
  const auto detached = daemon_.client().Detach(request);
  caller.join();
  ASSERT_TRUE(detached.ok()) << detached.status();
  EXPECT_EQ(ReasonOf(sampled), "NOT_A_TARGET") << sampled;
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= fds; })) << fds;
}

TEST_F(CounterSamplingTest, WhatCannotBeCountedOrIsNotAllowedIsRefusedWithTheReason) {
  const auto misspelt = Sample(spinner_.pid(), "page-fualts");
  EXPECT_EQ(ReasonOf(misspelt.status()), "NO_COUNTERS");
  EXPECT_THAT(std::string(misspelt.status().message()), HasSubstr("page-faults"));
  EXPECT_EQ(ReasonOf(Sample(getpid()).status()), "NOT_A_TARGET");
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  EXPECT_EQ(ReasonOf(Sample(spinner_.pid()).status()), "QUIET");
  quiet.set_quiet(false);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  v1::SetCollectingRequest collecting;
  collecting.set_on(false);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  EXPECT_EQ(ReasonOf(Sample(spinner_.pid()).status()), "OFF");
  collecting.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  const auto asleep = Sample(spinner_.pid());
  ASSERT_TRUE(asleep.ok()) << asleep.status();
  EXPECT_EQ(asleep->cost().interrupt_count(), 0u) << "who sleeps is not interrupted";
  EXPECT_EQ(asleep->threads(0).cache().on_cpu_ns(), 0);
}

}  // namespace
}  // namespace hftmon::testing
