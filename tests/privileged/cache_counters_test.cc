// What threads count, as the programs in the kernel add it up, beside `perf stat` of the same run and the kernel's own figures. The
// kernel's own events go the very same way as the processor's, and every host has them.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/privileged/counter_rig.h"
#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/eventually.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/privileged/perf_stat.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kPages = 500;
constexpr size_t kPageBytes = 4096;

// Touches so many pages for the first time.
void Touch() {
  void* memory = mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(4);
  madvise(memory, kPages * kPageBytes, MADV_NOHUGEPAGE);
  for (size_t page = 0; page < kPages; ++page) static_cast<volatile char*>(memory)[page * kPageBytes] = 1;
  munmap(memory, kPages * kPageBytes);
}

// A process that waits on a pipe for what to do.
class Child {
 public:
  Child() {
    if (pipe(to_) != 0 || pipe(from_) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) Serve();
  }
  ~Child() {
    close(to_[1]);
    waitpid(pid_, nullptr, 0);
    for (const int fd : {to_[0], from_[0], from_[1]}) close(fd);
  }
  pid_t pid() const { return pid_; }
  void Say(char what) { ASSERT_EQ(write(to_[1], &what, 1), 1); }
  void Await() {
    char word = 0;
    ASSERT_EQ(read(from_[0], &word, 1), 1);
  }
  // It has done it and waits again.
  void Do(char what) {
    Say(what);
    Await();
    ASSERT_TRUE(WaitUntilBlocked(pid_));
  }

 private:
  [[noreturn]] void Serve() {
    workload::LimitLifetime(120);
    close(to_[1]);
    for (char word = 0; read(to_[0], &word, 1) == 1;) {
      if (word == 'f') Touch();
      if (word == 't') std::thread(Touch).join();
      if (word == 'm') {
        for (const int cpu : workload::InheritedCpus()) workload::PinTo(cpu);
      }
      if (word == 's') {
        // As urgent as may be: what is asked for is a thread that does not switch.
        workload::BecomeFifo(1);
        if (write(from_[1], "s", 1) != 1) _exit(1);
        workload::SpinUntil(workload::NowNs() + 300'000'000);
      }
      if (write(from_[1], &word, 1) != 1) _exit(1);
    }
    _exit(0);
  }

  int to_[2] = {};
  int from_[2] = {};
  pid_t pid_ = -1;
};

size_t OpenEventCount() {
  size_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    count += std::filesystem::read_symlink(entry.path(), error).string() == "anon_inode:[perf_event]";
  }
  return count;
}

class CacheCountersTest : public ::testing::Test {
 protected:
  // Loading takes the verifier seconds: once for all.
  static void SetUpTestSuite() {
    why_not_ = WhyNotPrivileged();
    if (!why_not_.empty()) return;
    shared_rig_ = new CounterRig;
    started_ = shared_rig_->Start();
    witness_ = new SwitchWitness;
  }
  static void TearDownTestSuite() {
    delete shared_rig_;
    shared_rig_ = nullptr;
    delete witness_;
    witness_ = nullptr;
  }
  void SetUp() override {
    if (!why_not_.empty()) GTEST_SKIP() << why_not_;
    ASSERT_TRUE(started_.ok()) << started_;
    folder_ = std::filesystem::temp_directory_path() / ("cache_counters." + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
    if (shared_rig_ == nullptr || !started_.ok()) return;
    shared_rig_->DetachAll();
    shared_rig_->Settle();
    EXPECT_FALSE(shared_rig_->programs().attached());
  }
  void AttachTo(const Child& child, const std::vector<std::string>& events, int64_t interval_ns = 1'000'000) {
    ASSERT_TRUE(WaitUntilBlocked(child.pid()));
    const absl::Status attached = rig().Attach(child.pid(), events, interval_ns);
    ASSERT_TRUE(attached.ok()) << attached;
  }
  // What a thread does after the kernel hid from programs that it got a CPU is counted from the next tick on: see SwitchWitness. It is at
  // most what it was told to do then.
  static uint64_t HiddenSwitchesOf(const Child& child) {
    uint64_t count = 0;
    for (const ThreadCounterTotal& total : rig().totals().ThreadsOf(static_cast<uint32_t>(child.pid()))) {
      count += witness_->UnseenSwitchIns(static_cast<pid_t>(total.thread.tid));
    }
    return count;
  }
  static uint64_t PagesAtLeast(const Child& child, uint64_t times) { return (times - std::min(times, HiddenSwitchesOf(child))) * kPages; }

  static inline std::string why_not_;
  static inline CounterRig* shared_rig_ = nullptr;
  static inline SwitchWitness* witness_ = nullptr;
  static inline absl::Status started_;
  static CounterRig& rig() { return *shared_rig_; }
  std::filesystem::path folder_;
};

TEST_F(CacheCountersTest, FaultsSwitchesAndMigrationsEqualThoseOfPerfStat) {
  if (const std::string why = PerfStat::WhyNot(); !why.empty()) GTEST_SKIP() << why;
  const std::vector<std::string> events = {"page-faults", "minor-faults", "major-faults", "context-switches", "cpu-migrations"};
  // A switch that only programs do not see is in the figures of perf: not of such a run.
  for (int attempt = 0; attempt < 5; ++attempt) {
    Child child;
    AttachTo(child, events);
    PerfStat perf(child.pid(), "page-faults,minor-faults,major-faults,context-switches,cpu-migrations", folder_);
    ASSERT_TRUE(perf.counting());
    for (const char what : {'f', 'm', 'f', 't', 'f'}) child.Do(what);
    const CounterSpan sum = rig().SumOf(child.pid());
    const auto theirs = perf.Stop();
    if (HiddenSwitchesOf(child) > 0) {
      ASSERT_TRUE(rig().Detach(child.pid()).ok());
      continue;
    }
    EXPECT_EQ(sum.running_ns, sum.enabled_ns) << "software events are never multiplexed";
    EXPECT_GE(sum.values[0], 4 * kPages);
    for (size_t event = 0; event < 3; ++event) {
      EXPECT_EQ(std::to_string(sum.values[event]), theirs.at(events[event]).value) << events[event];
    }
    // These are counted behind the tracepoint of the switch: a thread has the switch by which it came, and not the one by which it left. Of
    // the thread that ended perf has lost the last one: its events are gone before.
    EXPECT_EQ(std::to_string(sum.values[3] - 1), theirs.at("context-switches").value);
    EXPECT_EQ(std::to_string(sum.values[4]), theirs.at("cpu-migrations").value);
    std::printf("page-faults %llu, context-switches %llu, cpu-migrations %llu, %zu spans\n", static_cast<unsigned long long>(sum.values[0]),
                static_cast<unsigned long long>(sum.values[3]), static_cast<unsigned long long>(sum.values[4]),
                rig().SpanCountOf(child.pid()));
    return;
  }
  GTEST_SKIP() << "in each of five runs the kernel hid a switch of the thread from programs";
}

TEST_F(CacheCountersTest, SpansAndWhatIsPendingSumToTheTotals) {
  for (const int64_t interval_ns : {1'000, 1'000'000}) {
    SCOPED_TRACE(interval_ns);
    Child child;
    AttachTo(child, {"page-faults", "cpu-clock"}, interval_ns);
    for (int times = 0; times < 20; ++times) child.Do('f');
    const CounterSpan spans = rig().SpansOf(child.pid());
    const CounterSpan pending = rig().PendingOf(child.pid());
    const CounterSpan sum = rig().SumOf(child.pid());
    EXPECT_EQ(rig().lost_count(), 0u);
    EXPECT_GE(rig().SpanCountOf(child.pid()), interval_ns == 1'000 ? 20u : 1u);
    EXPECT_GE(sum.values[0], PagesAtLeast(child, 20));
    for (size_t event = 0; event < 2; ++event) EXPECT_EQ(spans.values[event] + pending.values[event], sum.values[event]) << event;
    EXPECT_EQ(spans.on_cpu_ns + pending.on_cpu_ns, sum.on_cpu_ns);
    EXPECT_EQ(spans.enabled_ns + pending.enabled_ns, sum.enabled_ns);
    EXPECT_EQ(spans.running_ns + pending.running_ns, sum.running_ns);
    ASSERT_TRUE(rig().Detach(child.pid()).ok());
  }
}

TEST_F(CacheCountersTest, AnotherSetBeginsAnewForAllAndGoesWhenNobodyAsks) {
  Child one;
  Child other;
  AttachTo(one, {"page-faults"});
  one.Do('f');
  const uint64_t before = rig().SumOf(one.pid()).values[0];
  const uint32_t number = rig().programs().set().number;
  EXPECT_GE(before, PagesAtLeast(one, 1));
  AttachTo(other, {"minor-faults", "page-faults"});
  EXPECT_EQ(rig().programs().set().number, number + 1);
  EXPECT_EQ(rig().programs().set().choice.events.size(), 2u);
  for (Child* child : {&one, &other}) child->Do('f');
  for (Child* child : {&one, &other}) {
    const CounterSpan sum = rig().SumOf(child->pid());
    EXPECT_GE(sum.values[0], PagesAtLeast(*child, 1));
    EXPECT_LT(sum.values[0], 2 * kPages) << "what was counted before is in no sum of this set";
    EXPECT_EQ(sum.values[0], sum.values[1]) << "none was major";
  }
  ASSERT_TRUE(rig().Detach(other.pid()).ok());
  rig().Settle();
  EXPECT_EQ(rig().programs().set().number, number + 1) << "who goes disturbs nobody who stays";
  one.Do('f');
  EXPECT_GE(rig().SumOf(one.pid()).values[0], PagesAtLeast(one, 2));
  ASSERT_TRUE(rig().Detach(one.pid()).ok());
  rig().Settle();
  EXPECT_FALSE(rig().programs().attached());
  EXPECT_EQ(OpenEventCount(), 0u);
  for (const ProbeFigures& probe : rig().Probes()) {
    EXPECT_TRUE(probe.detached || !CounterPrograms::IsOne(probe.name)) << probe.name;
  }
}

TEST_F(CacheCountersTest, WhatHappensWhileTheProgramsAreOffIsNotCounted) {
  Child child;
  AttachTo(child, {"page-faults"});
  child.Do('f');
  const uint64_t before = rig().SumOf(child.pid()).values[0];
  ASSERT_TRUE(rig().TurnOff().ok());
  child.Do('f');
  EXPECT_EQ(rig().SumOf(child.pid()).values[0], before);
  ASSERT_TRUE(rig().TurnOn().ok());
  child.Do('f');
  const uint64_t after = rig().SumOf(child.pid()).values[0];
  EXPECT_GE(after, before + PagesAtLeast(child, 1));
  EXPECT_LT(after, before + 2 * kPages);
}

TEST_F(CacheCountersTest, AThreadThatIsBornWhileItIsWatchedCountsFromItsBirth) {
  Child child;
  AttachTo(child, {"page-faults"}, 1'000'000'000);
  child.Do('t');
  const auto threads = rig().totals().ThreadsOf(static_cast<uint32_t>(child.pid()));
  ASSERT_EQ(threads.size(), 2u);
  const auto born = std::find_if(threads.begin(), threads.end(),
                                 [&](const ThreadCounterTotal& total) { return total.thread.tid != static_cast<uint32_t>(child.pid()); });
  ASSERT_NE(born, threads.end());
  EXPECT_EQ(born->unavailable, "");
  EXPECT_GE(born->sum.values[0], PagesAtLeast(child, 1));
  EXPECT_LT(born->sum.values[0], kPages + 100) << "and nobody else's";
  // Its end is a span, however long the interval.
  EXPECT_EQ(rig().SpansOf(child.pid()).values[0], born->sum.values[0]);
}

TEST_F(CacheCountersTest, AThreadThatSpinsIsReadAtTheTicksOfItsCpu) {
  for (const MissingProgram& missing : rig().missing_programs()) {
    if (missing.name == "on_counted_tick") GTEST_SKIP() << missing.reason;
  }
  Child child;
  AttachTo(child, {"cpu-clock", "page-faults"}, 1'000);
  child.Say('s');
  child.Await();
  const auto readings = [&] {
    const auto totals = rig().totals().ThreadsOf(static_cast<uint32_t>(child.pid()));
    return totals.empty() ? 0 : totals.front().reading_count;
  };
  // Between two of its switches: it may have been taken off its CPU while we look.
  uint64_t most = 0;
  EXPECT_TRUE(Eventually(
      [&] {
        const uint64_t switches = rig().SwitchesOf(child.pid());
        const uint64_t first = readings();
        workload::SleepUntil(workload::NowNs() + 40'000'000);
        const uint64_t last = readings();
        if (rig().SwitchesOf(child.pid()) == switches) most = std::max(most, last - first);
        return most >= 2;
      },
      280'000'000))
      << most;
  child.Await();
  ASSERT_TRUE(WaitUntilBlocked(child.pid()));
  const CounterSpan sum = rig().SumOf(child.pid());
  EXPECT_NEAR(static_cast<double>(sum.enabled_ns), static_cast<double>(sum.on_cpu_ns), static_cast<double>(sum.on_cpu_ns) / 100);
}

TEST_F(CacheCountersTest, ARunningThreadIsReadFromHereForOneInterruptAndWhoDoesNotRunForNone) {
  Child child;
  AttachTo(child, {"cpu-clock", "page-faults"}, 1'000'000'000);
  const auto idle = rig().totals().ReadNow(static_cast<uint32_t>(child.pid()));
  ASSERT_TRUE(idle.ok()) << idle.status();
  EXPECT_TRUE(idle->spans.empty());
  EXPECT_EQ(idle->cross_call_count, 0u);
  child.Say('s');
  child.Await();
  CounterTotals::Now now;
  EXPECT_TRUE(Eventually(
      [&] {
        now = rig().totals().ReadNow(static_cast<uint32_t>(child.pid())).value();
        return !now.spans.empty();
      },
      280'000'000));
  ASSERT_EQ(now.spans.size(), 1u);
  EXPECT_GE(now.cross_call_count, 1u);
  EXPECT_EQ(now.spans[0].counted, 3u);
  EXPECT_GT(now.spans[0].values[0], 0u);
  EXPECT_GT(now.spans[0].on_cpu_ns, 0);
  child.Await();
}

TEST_F(CacheCountersTest, WhatCannotBeCountedIsRefusedAndNothingIsAttachedForIt) {
  Child child;
  ASSERT_TRUE(WaitUntilBlocked(child.pid()));
  const absl::Status misspelt = rig().Attach(child.pid(), {"page-fualts"});
  EXPECT_EQ(misspelt.code(), absl::StatusCode::kNotFound) << misspelt;
  EXPECT_THAT(std::string(misspelt.message()), AllOf(HasSubstr("page-fualts"), HasSubstr("page-faults")));
  EXPECT_FALSE(rig().programs().attached());
  EXPECT_EQ(OpenEventCount(), 0u);
}

class CountingDaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    const absl::Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  bool IsAttached() const {
    const auto status = daemon_.client().GetStatus();
    for (const v1::ProbeStatus& probe : status->probes()) {
      if (probe.name() == "on_counted_switch") return !probe.detached();
    }
    ADD_FAILURE() << "no on_counted_switch";
    return false;
  }
  DaemonUnderTest daemon_;
};

TEST_F(CountingDaemonTest, CountersAreAttachedWithTheTargetAndNothingOfThemStays) {
  Child child;
  const std::set<std::string> objects = BpfObjectsOf(daemon_.pid());
  EXPECT_FALSE(IsAttached());
  const int fds = ReadBelongings(daemon_.pid()).fds;
  const CommandResult attached =
      daemon_.Hftmon({"attach", "--counters", "page-faults,context-switches", "--counter-interval", "100us", std::to_string(child.pid())});
  ASSERT_EQ(attached.exit_code, 0) << attached.error;
  EXPECT_TRUE(IsAttached());
  const auto target = daemon_.FindTarget(child.pid());
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->options().counter_events_size(), 2);
  EXPECT_EQ(target->options().counter_interval_ns(), 100'000);
  child.Do('f');
  const CommandResult unknown = daemon_.Hftmon({"attach", "--counters", "page-fualts", std::to_string(child.pid())});
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_THAT(unknown.error, HasSubstr("page-faults"));
  ASSERT_EQ(daemon_.Hftmon({"detach", std::to_string(child.pid())}).exit_code, 0);
  EXPECT_TRUE(Eventually([&] { return !IsAttached(); }));
  EXPECT_TRUE(Eventually([&] { return BpfObjectsOf(daemon_.pid()) == objects; }));
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= fds; })) << fds;
}

TEST_F(CountingDaemonTest, CachesAreCountedOrRefusedWithTheReasonOfTheHost) {
  Child child;
  const auto capabilities = daemon_.HftmonJson({"doctor"});
  bool has_cache = false;
  std::string reason;
  for (const auto& capability : capabilities["capabilities"]) {
    if (capability["name"] != "cache") continue;
    has_cache = capability["available"];
    reason = capability["reason"];
  }
  const CommandResult attached = daemon_.Hftmon({"attach", "--cache", std::to_string(child.pid())});
  if (has_cache) {
    EXPECT_EQ(attached.exit_code, 0) << attached.error;
  } else {
    EXPECT_NE(attached.exit_code, 0);
    EXPECT_THAT(attached.error, HasSubstr(reason));
    EXPECT_FALSE(IsAttached());
  }
}

}  // namespace
}  // namespace hftmon::testing
