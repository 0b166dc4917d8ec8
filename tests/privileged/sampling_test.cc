// What CPUs do, sampled by the daemon, against what threads had of them by the kernel's own account in the same time.
#include <dirent.h>
#include <sched.h>

#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/privileged/harness/disturbance_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kMs = 1'000'000;
// Of a share against the kernel's account: what runs beside on a busy host takes ticks from the daemon and is not always the same.
constexpr double kMargin = 0.15;

// Time that the thread had a CPU, by the scheduler: the first figure of schedstat. It is brought up to date at its ticks and switches.
int64_t CpuTimeNs(pid_t pid, pid_t tid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/schedstat");
  int64_t ns = 0;
  file >> ns;
  return ns;
}

// All zero when it is not among them.
v1::SampledThread Find(const v1::SampledCpu& cpu, pid_t tid) {
  for (const v1::SampledThread& thread : cpu.threads()) {
    if (thread.tid() == tid) return thread;
  }
  return {};
}

double ShareOf(const v1::SampledCpu& cpu, pid_t tid) {
  return Find(cpu, tid).share();
}

double ShareOf(const v1::SampledCpu& cpu, const std::string& kind) {
  for (const v1::SampledInterrupt& interrupt : cpu.interrupts()) {
    if (interrupt.kind() == kind) return interrupt.share();
  }
  return 0;
}

class SamplingTest : public PrivilegedTest {
 protected:
  // Every us, or as slowly as a shared CPU takes it.
  absl::StatusOr<v1::SampleStateResponse> Sample(int64_t duration_ns, int64_t interval_ns = 1'000, const std::string& cpus = "") {
    v1::SampleStateRequest request;
    request.set_cpus(cpus.empty() ? CpuArgument() : cpus);
    request.set_duration_ns(duration_ns);
    request.set_interval_ns(interval_ns);
    return daemon_.client().SampleState(request);
  }
  // Whether this daemon's loop may be kept busy. False: the reason was printed.
  bool MaySampleFast() {
    const auto answer = Sample(kMs);
    if (answer.ok()) return true;
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition) << answer.status();
    std::printf("%s\n", std::string(answer.status().message()).c_str());
    return false;
  }
  // Ticks are told apart, and each sample is one thing.
  static void ExpectWhole(const v1::SampleStateResponse& answer, int64_t duration_ns) {
    EXPECT_EQ(answer.due_count(), static_cast<uint64_t>(duration_ns / answer.interval_ns()));
    EXPECT_EQ(answer.on_time_count() + answer.late_count() + answer.missed_count(), answer.due_count());
    EXPECT_EQ(answer.lateness().count(), answer.on_time_count() + answer.late_count());
    EXPECT_GE(answer.end_monotonic_ns() - answer.begin_monotonic_ns(), duration_ns - answer.interval_ns());
    EXPECT_GT(answer.cpu_share(), 0);
    EXPECT_LT(answer.cpu_share(), 1);
    for (const v1::SampledCpu& cpu : answer.cpus()) {
      EXPECT_EQ(cpu.sample_count() + cpu.torn_count(), answer.on_time_count() + answer.late_count());
      double sum = cpu.idle_share() + cpu.interrupt_share() +
                   static_cast<double>(cpu.unlisted_thread_sample_count()) / static_cast<double>(std::max<uint64_t>(cpu.sample_count(), 1));
      for (const v1::SampledThread& thread : cpu.threads()) sum += thread.share();
      EXPECT_LE(sum, 1 + 1e-9);
      double interrupts = 0;
      for (const v1::SampledInterrupt& interrupt : cpu.interrupts()) interrupts += interrupt.share();
      EXPECT_NEAR(interrupts, cpu.interrupt_share(), 1e-9);
    }
  }
  static void Print(const v1::SampleStateResponse& answer) {
    std::printf("%llu ticks due, %.2f %% on time, %llu late, %llu missed; cost %.1f %%\n",
                static_cast<unsigned long long>(answer.due_count()),
                100.0 * static_cast<double>(answer.on_time_count()) / static_cast<double>(answer.due_count()),
                static_cast<unsigned long long>(answer.late_count()), static_cast<unsigned long long>(answer.missed_count()),
                100.0 * answer.cpu_share());
  }
};

TEST_F(SamplingTest, APinnedSpinnerHasItsCpuAsLongAsTheKernelSaysItHad) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  WorkloadRun run("duty_cycle", {"--cpu", CpuArgument(), "--busy-us", "1000", "--period-us", "1000", "--important"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const pid_t tid = run.about()["tid"];
  const int64_t before_ns = workload::NowNs();
  const int64_t had_before_ns = CpuTimeNs(run.pid(), tid);
  const auto answer = Sample(1'000 * kMs);
  const int64_t asked_ns = workload::NowNs() - before_ns;
  const auto had = static_cast<double>(CpuTimeNs(run.pid(), tid) - had_before_ns) / static_cast<double>(asked_ns);
  ASSERT_TRUE(answer.ok()) << answer.status();
  // What it had then is of another time than the samples.
  if (asked_ns > 1'100 * kMs) GTEST_SKIP() << "this host is too busy: a second's question took " << asked_ns / kMs << " ms";
  Print(*answer);
  ExpectWhole(*answer, 1'000 * kMs);
  ASSERT_EQ(answer->cpus_size(), 1);
  const v1::SampledCpu& cpu = answer->cpus(0);
  // The kernel's account has the interrupts in it.
  const double seen = ShareOf(cpu, tid) + cpu.interrupt_share();
  std::printf("it had %.1f %% of its CPU, sampled: %.1f %%, interrupts %.1f %%, torn %llu\n", had * 100, ShareOf(cpu, tid) * 100,
              cpu.interrupt_share() * 100, static_cast<unsigned long long>(cpu.torn_count()));
  EXPECT_NEAR(seen, had, kMargin);
  const v1::SampledThread thread = Find(cpu, tid);
  EXPECT_EQ(thread.pid(), run.pid());
  EXPECT_EQ(thread.comm(), "duty_cycle");
  EXPECT_TRUE(thread.watched());
  if (had < 0.5) GTEST_SKIP() << "others took more than half of the spinner's CPU: who had it longest is theirs to say";
  EXPECT_EQ(cpu.threads(0).tid(), tid) << "the largest comes first";
}

TEST_F(SamplingTest, AThreadThatSleepsHalfOfItsTimeHasHalfOfTheSamples) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  WorkloadRun run("duty_cycle", {"--cpu", CpuArgument(), "--busy-us", "500", "--period-us", "1000", "--important"});
  ASSERT_TRUE(run.about().is_object());
  const pid_t tid = run.about()["tid"];
  const int64_t before_ns = workload::NowNs();
  const int64_t had_before_ns = CpuTimeNs(run.pid(), tid);
  const auto answer = Sample(1'000 * kMs);
  const auto had = static_cast<double>(CpuTimeNs(run.pid(), tid) - had_before_ns) / static_cast<double>(workload::NowNs() - before_ns);
  ASSERT_TRUE(answer.ok()) << answer.status();
  Print(*answer);
  ExpectWhole(*answer, 1'000 * kMs);
  const v1::SampledCpu& cpu = answer->cpus(0);
  std::printf("it had %.1f %% of its CPU, sampled: %.1f %%, idle %.1f %%, interrupts %.1f %%\n", had * 100, ShareOf(cpu, tid) * 100,
              cpu.idle_share() * 100, cpu.interrupt_share() * 100);
  EXPECT_LT(had, 0.8) << "it sleeps";
  // Interrupts are in the kernel's account where they interrupted it.
  EXPECT_NEAR(ShareOf(cpu, tid), had, kMargin);
  EXPECT_GT(ShareOf(cpu, tid), 0);
  EXPECT_FALSE(Find(cpu, tid).watched()) << "nobody has attached it";
}

// A storm of timers is one long local timer interrupt, twenty times over.
TEST_F(SamplingTest, InterruptsThatTakeTheCpuAreSeenAsSuch) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  WorkloadRun run("interrupted_spinner", {"--cpu", CpuArgument(), "--storm", "timers", "--weight", "4000", "--count", "30"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  if (run.about()["weight"] < 2000) GTEST_SKIP() << "too few descriptors for a storm: raise the limit of open files above 4096";
  const auto quiet = Sample(300 * kMs);
  ASSERT_TRUE(quiet.ok()) << quiet.status();
  run.Say("go");
  const auto stormy = Sample(300 * kMs);
  ASSERT_TRUE(stormy.ok()) << stormy.status();
  ASSERT_TRUE(run.Read().is_object());
  const v1::SampledCpu& before = quiet->cpus(0);
  const v1::SampledCpu& during = stormy->cpus(0);
  std::printf("hard interrupts: %.3f %% of the samples without the storm, %.3f %% with it; the longest %lld ns and %lld ns\n",
              ShareOf(before, "hard_irq") * 100, ShareOf(during, "hard_irq") * 100, static_cast<long long>(before.longest_interrupt_ns()),
              static_cast<long long>(during.longest_interrupt_ns()));
  EXPECT_GT(ShareOf(during, "hard_irq"), 3 * ShareOf(before, "hard_irq"));
  EXPECT_GT(during.longest_interrupt_ns(), 100'000);
}

TEST_F(SamplingTest, AWatchedThreadThatIsKeptFromItsCpuIsCountedAsWaiting) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  // Both on one CPU: one of the two waits at any time.
  WorkloadRun one("duty_cycle", {"--cpu", CpuArgument(), "--busy-us", "1000", "--period-us", "1000", "--important"});
  WorkloadRun other("duty_cycle", {"--cpu", CpuArgument(), "--busy-us", "1000", "--period-us", "1000", "--important"});
  ASSERT_TRUE(one.about().is_object() && other.about().is_object());
  const pid_t tid = one.about()["tid"];
  ASSERT_TRUE(daemon_.Attach(one.pid()).ok());
  // A wait that began before it was watched is not known as one.
  ASSERT_TRUE(Eventually([&] {
    const auto switches = daemon_.Switches(one.pid());
    const v1::ThreadSwitches* thread = switches.ok() ? FindThread(*switches, tid) : nullptr;
    return thread != nullptr && thread->off_cpu().count() >= 2;
  }));
  const int64_t before_ns = workload::NowNs();
  const int64_t had_before_ns = CpuTimeNs(one.pid(), tid);
  const auto answer = Sample(2'000 * kMs);
  const auto had = static_cast<double>(CpuTimeNs(one.pid(), tid) - had_before_ns) / static_cast<double>(workload::NowNs() - before_ns);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::SampledCpu& cpu = answer->cpus(0);
  std::printf("it had %.1f %% of its CPU; it ran in %.1f %% of the samples and waited in %.1f %%\n", had * 100, ShareOf(cpu, tid) * 100,
              cpu.waiting_watched_mean() * 100);
  // It never sleeps, and the process's main thread always does.
  EXPECT_NEAR(cpu.waiting_watched_mean(), 1 - had, 2 * kMargin);
  EXPECT_GT(cpu.waiting_watched_mean(), 0);
}

TEST_F(SamplingTest, QuietHoursAllowItOffDoesNotAndOneAtATimeCan) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  EXPECT_TRUE(Sample(10 * kMs).ok());
  // Whoever begins first has it: the long one tries again until it does.
  std::thread first([this] { EXPECT_TRUE(Eventually([this] { return Sample(1'000 * kMs).ok(); })); });
  EXPECT_TRUE(Eventually([this] { return Sample(kMs).status().code() == absl::StatusCode::kResourceExhausted; }));
  first.join();
  EXPECT_TRUE(Sample(10 * kMs).ok());
  v1::SetCollectingRequest collecting;
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  const auto off = Sample(10 * kMs);
  EXPECT_EQ(off.status().code(), absl::StatusCode::kFailedPrecondition) << off.status();
  collecting.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  EXPECT_TRUE(Sample(10 * kMs).ok());
  const auto none = Sample(10 * kMs, 1'000, "8000");
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound) << none.status();
}

// In each mode: sampling overrides it while it lasts, and no longer.
TEST_F(SamplingTest, EveryModeSamplesAndIsInForceAgainAfterwards) {
  if (!MaySampleFast()) GTEST_SKIP() << "the loop's CPU is shared";
  for (const char* mode : {"economy", "balanced", "latency"}) {
    SCOPED_TRACE(mode);
    v1::SetModeRequest request;
    request.set_mode(mode);
    ASSERT_TRUE(daemon_.client().SetMode(request).ok());
    const auto answer = Sample(200 * kMs);
    ASSERT_TRUE(answer.ok()) << answer.status();
    std::printf("%s: ", mode);
    Print(*answer);
    ExpectWhole(*answer, 200 * kMs);
    // A loop that slept between two ticks, 50 us at least, would have missed nearly all. What else runs here may take most of its CPU.
    EXPECT_GT(answer->on_time_count() * 20, answer->due_count());
    if (std::string(mode) != "economy") continue;
    const auto before = daemon_.client().GetStatus();
    workload::SleepUntil(workload::NowNs() + 500 * kMs);
    const auto after = daemon_.client().GetStatus();
    ASSERT_TRUE(before.ok() && after.ok());
    const double share = static_cast<double>(after->daemon().cpu_time_ns() - before->daemon().cpu_time_ns()) / (500.0 * kMs);
    EXPECT_LT(share, 0.5) << "it sleeps again";
  }
}

TEST(SamplingOnASharedCpuTest, FastTicksAreRefusedWithTheMendAndSlowOnesAreTaken) {
  if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
  const int cpu = workload::ChooseCpu(-1);
  DaemonUnderTest::Options options;
  options.cpus = {cpu};
  DaemonUnderTest daemon(options);
  const absl::Status started = daemon.Start();
  ASSERT_TRUE(started.ok()) << started;
  v1::SampleStateRequest request;
  request.set_cpus(std::to_string(cpu));
  request.set_duration_ns(200 * kMs);
  request.set_interval_ns(99'000);
  const auto refused = daemon.client().SampleState(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), ::testing::HasSubstr("is the only one that the daemon may use"));
  request.set_interval_ns(1'000'000);
  const auto taken = daemon.client().SampleState(request);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->due_count(), 200u);
  EXPECT_GT(taken->on_time_count() + taken->late_count(), 20u);
}

void PinThreadsOf(pid_t pid, int cpu) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(static_cast<size_t>(cpu), &mask);
  DIR* tasks = opendir(("/proc/" + std::to_string(pid) + "/task").c_str());
  ASSERT_NE(tasks, nullptr);
  while (const dirent* entry = readdir(tasks)) {
    if (const int tid = std::atoi(entry->d_name); tid > 0) sched_setaffinity(tid, sizeof(mask), &mask);
  }
  closedir(tasks);
}

// All of the daemon and of its client keeps to the loop's CPU.
TEST(SamplingDisturbanceTest, NothingIsSentToTheCpuThatIsSampled) {
  if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
  const int cpu = workload::ChooseCpu(-1);
  const int other = workload::OtherCpu(cpu);
  if (other < 0) GTEST_SKIP() << "one CPU only: the daemon would share it with what it samples. Give two CPUs";
  cpu_set_t inherited;
  sched_getaffinity(0, sizeof(inherited), &inherited);
  WorkloadRun game("ping_pong", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(game.about().is_object());
  DaemonUnderTest daemon({.arguments = {"--cpu", std::to_string(other)}, .cpus = {}, .socket = "", .prefix = {}});
  const absl::Status started = daemon.Start();
  ASSERT_TRUE(started.ok()) << started;
  workload::PinTo(other);
  PinThreadsOf(daemon.pid(), other);
  PinThreadsOf(getpid(), other);  // the daemon's answer wakes those of its client
  ASSERT_TRUE(daemon.Attach(game.pid()).ok());
  const DisturbanceWitness witness(daemon.pid(), cpu);
  if (!witness.refused().empty()) {
    sched_setaffinity(0, sizeof(inherited), &inherited);
    GTEST_SKIP() << witness.refused();
  }
  game.Say("100000");
  v1::SampleStateRequest request;
  request.set_cpus(std::to_string(cpu));
  const DisturbanceWitness::Counts before = witness.Read();
  const auto answer = daemon.client().SampleState(request);
  const DisturbanceWitness::Counts after = witness.Read();
  ASSERT_TRUE(game.Read().is_object());
  sched_setaffinity(0, sizeof(inherited), &inherited);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->due_count(), 1'000'000u);
  // The kernel's own balancing kicks the CPU now and then when a thread of the daemon's goes to sleep, more often on a busy host; a tick
  // that sent anything would be a million.
  EXPECT_LE(after.ipi_count - before.ipi_count, answer->due_count() / 10'000) << witness.Origins(before.ipi_count, after.ipi_count);
  // A thread of the kernel's own (RCU's, a worker's) may have run there last when one of the answer's system calls wakes it.
  EXPECT_LE(after.wake_count - before.wake_count, 3u);
  EXPECT_EQ(after.run_count, before.run_count);
  std::printf("in a million ticks: %llu interrupts sent, %llu wake-ups, %llu runs\n",
              static_cast<unsigned long long>(after.ipi_count - before.ipi_count),
              static_cast<unsigned long long>(after.wake_count - before.wake_count),
              static_cast<unsigned long long>(after.run_count - before.run_count));
}

}  // namespace
}  // namespace hftmon::testing
