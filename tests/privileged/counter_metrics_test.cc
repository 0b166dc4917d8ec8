// What threads count as metrics of a stream, and changed while they are counted: page faults, which every host has, beside the kernel's own
// figures of the same run.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kPages = 300;
constexpr size_t kPageBytes = 4096;

// A process that faults when it is told to, and says how often the kernel says that it has.
class Faulter {
 public:
  Faulter() {
    faults_ = static_cast<volatile long*>(mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (faults_ == MAP_FAILED || pipe(to_) != 0 || pipe(from_) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) Serve();
  }
  ~Faulter() {
    close(to_[1]);
    waitpid(pid_, nullptr, 0);
    for (const int fd : {to_[0], from_[0], from_[1]}) close(fd);
    munmap(const_cast<long*>(faults_), kPageBytes);
  }
  pid_t pid() const { return pid_; }
  // Returns when it waits again: the minor faults that it has had since it began.
  long Fault() {
    char word = 'f';
    EXPECT_EQ(write(to_[1], &word, 1), 1);
    EXPECT_EQ(read(from_[0], &word, 1), 1);
    EXPECT_TRUE(WaitUntilBlocked(pid_));
    return *faults_;
  }

 private:
  [[noreturn]] void Serve() {
    workload::LimitLifetime(120);
    close(to_[1]);
    for (char word = 0; read(to_[0], &word, 1) == 1;) {
      void* memory = mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) _exit(4);
      madvise(memory, kPages * kPageBytes, MADV_NOHUGEPAGE);
      for (size_t page = 0; page < kPages; ++page) static_cast<volatile char*>(memory)[page * kPageBytes] = 1;
      munmap(memory, kPages * kPageBytes);
      *faults_ = 0;  // a fault of the page that they stand on is before them
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      *faults_ = usage.ru_minflt;
      if (write(from_[1], &word, 1) != 1) _exit(1);
    }
    _exit(0);
  }

  volatile long* faults_ = nullptr;
  int to_[2] = {};
  int from_[2] = {};
  pid_t pid_ = -1;
};

class CounterMetricsTest : public PrivilegedTest {
 protected:
  CommandResult AttachTo(const Faulter& faulter, const std::string& events) const {
    EXPECT_TRUE(WaitUntilBlocked(faulter.pid()));
    return daemon_.Hftmon({"attach", "--counters", events, "--counter-interval", "1us", std::to_string(faulter.pid())});
  }
  CommandResult Change(const Faulter& faulter, std::vector<std::string> what) const {
    what.insert(what.begin(), {"targets", "--set", std::to_string(faulter.pid())});
    return daemon_.Hftmon(what);
  }
  std::unique_ptr<MetricStream> Watch(const Faulter& faulter, const std::vector<std::string>& metrics) const {
    v1::WatchMetricsRequest request;
    request.set_period_ns(20'000'000);
    request.add_pids(faulter.pid());
    for (const std::string& metric : metrics) request.add_metrics(metric);
    return daemon_.client().WatchMetrics(request);
  }
  static std::map<std::string, double> ValuesOf(const v1::WatchMetricsResponse& snapshot) {
    std::map<std::string, double> values;
    for (const v1::MetricSample& sample : snapshot.samples()) values[sample.metric()] = sample.value();
    return values;
  }
  // Of the process's one thread since its events are counted; -1 where it has none of that name.
  double TotalOf(const Faulter& faulter, const std::string& event) const {
    v1::QueryCacheRequest request;
    request.add_pids(faulter.pid());
    const auto answer = daemon_.client().QueryCache(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok() || answer->threads_size() != 1) return -1;
    for (const v1::CounterValue& counter : answer->threads(0).counters()) {
      if (counter.name() == event) return counter.has_total() ? counter.total() : -1;
    }
    return -1;
  }
};

TEST_F(CounterMetricsTest, SnapshotsSumToTheFaultsThatTheKernelSaysTheProcessHad) {
  const SwitchWitness witness;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Faulter faulter;
    ASSERT_EQ(AttachTo(faulter, "minor-faults,page-faults").exit_code, 0);
    long before = faulter.Fault();
    const auto stream = Watch(faulter, {"minor_faults_count", "page_faults_count", "page_faults_per_second", "counted_on_cpu_sum_ns"});
    v1::WatchMetricsResponse snapshot;
    ASSERT_TRUE(stream->Read(&snapshot));
    // What came late of the time before is out.
    for (int settled = 0; settled < 5; ++settled) ASSERT_TRUE(stream->Read(&snapshot));
    const uint64_t hidden = witness.UnseenSwitchIns(faulter.pid());
    for (int times = 0; times < 4; ++times) faulter.Fault();
    const long faults = faulter.Fault() - before;
    double minor = 0;
    int snapshots = 0;
    int quiet = 0;  // snapshots without a fault since all were there
    for (; snapshots < 200 && quiet < 5; ++snapshots) {
      ASSERT_TRUE(stream->Read(&snapshot));
      EXPECT_EQ(snapshot.lost_counter_span_count(), 0u);
      const auto values = ValuesOf(snapshot);
      // What is on its way still has no value, and says so; what slept has one of 0.
      if (!values.contains("minor_faults_count")) {
        for (const v1::UnavailableMetrics& entry : snapshot.unavailable()) EXPECT_THAT(entry.reason(), HasSubstr("on their way still"));
        continue;
      }
      minor += values.at("minor_faults_count");
      quiet = minor >= static_cast<double>(faults) && values.at("minor_faults_count") == 0 ? quiet + 1 : 0;
      // A mean is the ratio of sums.
      if (values.contains("page_faults_per_second")) {
        EXPECT_NEAR(values.at("page_faults_per_second") * values.at("counted_on_cpu_sum_ns") / 1e9, values.at("page_faults_count"), 1e-6);
      }
    }
    if (witness.UnseenSwitchIns(faulter.pid()) != hidden) continue;
    EXPECT_EQ(minor, static_cast<double>(faults));
    std::printf("%ld faults in %d snapshots\n", faults, snapshots);
    return;
  }
  GTEST_SKIP() << "in each of five runs the kernel hid a switch of the thread from programs";
}

TEST_F(CounterMetricsTest, WhatThisHostDoesNotCountHasAReasonAndNoSample) {
  Faulter faulter;
  ASSERT_EQ(AttachTo(faulter, "page-faults").exit_code, 0);
  faulter.Fault();
  const auto stream = Watch(faulter, {"l3_mpki", "major_faults_count", "migrations_count"});
  v1::WatchMetricsResponse snapshot;
  ASSERT_TRUE(stream->Read(&snapshot));
  EXPECT_EQ(snapshot.samples_size(), 1) << "the migrations";
  std::map<std::string, std::string> reasons;
  for (const v1::UnavailableMetrics& entry : snapshot.unavailable()) {
    for (const std::string& metric : entry.metrics()) reasons[metric] = entry.reason();
  }
  EXPECT_THAT(reasons["l3_mpki"], HasSubstr("l3_misses"));
  EXPECT_THAT(reasons["major_faults_count"], HasSubstr("--counters major-faults"));
  ASSERT_TRUE(stream->Read(&snapshot));
  EXPECT_EQ(snapshot.unavailable_size(), 0) << "told once";
}

TEST_F(CounterMetricsTest, ATargetThatSleepsSinceItWasAttachedIsNoneWithoutFigures) {
  Faulter faulter;
  ASSERT_EQ(AttachTo(faulter, "page-faults").exit_code, 0);
  const CommandResult answer = daemon_.Hftmon({"cache", "-p", std::to_string(faulter.pid())});
  EXPECT_EQ(answer.exit_code, 0) << answer.output << answer.error;
  EXPECT_THAT(answer.output, HasSubstr("did not run"));
}

TEST_F(CounterMetricsTest, WhatIsCountedCanBeChangedAndWhoIsConcernedIsTold) {
  Faulter one;
  Faulter other;
  ASSERT_EQ(AttachTo(one, "page-faults").exit_code, 0);
  const CommandResult joined = AttachTo(other, "minor-faults");
  ASSERT_EQ(joined.exit_code, 0) << joined.error;
  EXPECT_THAT(joined.error, HasSubstr("began anew"));
  one.Fault();
  EXPECT_GE(TotalOf(one, "page-faults"), static_cast<double>(kPages));

  const CommandResult unknown = Change(other, {"--counters", "page-fualts"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.error, AllOf(HasSubstr("page-fualts"), HasSubstr("page-faults")));
  EXPECT_EQ(daemon_.FindTarget(other.pid())->options().counter_events(0), "minor-faults") << "as it was";
  EXPECT_GE(TotalOf(one, "page-faults"), static_cast<double>(kPages)) << "nobody was disturbed";

  const CommandResult changed = Change(other, {"--counters", "context-switches,major-faults"});
  ASSERT_EQ(changed.exit_code, 0) << changed.error;
  EXPECT_THAT(changed.error, HasSubstr("began anew"));
  EXPECT_EQ(daemon_.FindTarget(other.pid())->options().counter_events_size(), 2);
  EXPECT_EQ(TotalOf(other, "minor-faults"), -1) << "in the place of what it asked for before";
  for (Faulter* faulter : {&one, &other}) {
    faulter->Fault();
    faulter->Fault();
    EXPECT_LT(TotalOf(*faulter, "page-faults"), 3.0 * kPages);
    EXPECT_GE(TotalOf(*faulter, "page-faults"), static_cast<double>(kPages));
    EXPECT_GE(TotalOf(*faulter, "context-switches"), 1);
  }

  const CommandResult none = Change(other, {"--counters", "none"});
  ASSERT_EQ(none.exit_code, 0) << none.error;
  EXPECT_EQ(none.error, "") << "who asks for less disturbs nobody";
  EXPECT_EQ(TotalOf(other, "page-faults"), -1);
  EXPECT_GE(TotalOf(one, "page-faults"), static_cast<double>(kPages));
}

}  // namespace
}  // namespace hftmon::testing
