// Work that interrupts put off, and what devices make interrupts of, against what was provoked and what the kernel counts itself.
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/privileged/deferred_fixture.h"
#include "tests/privileged/harness/bpftrace_maps.h"
#include "tests/privileged/harness/disk_reader.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr char kTerminalWork[] = "flush_to_ldisc";  // what carries a terminal's bytes to its reader

// A pair of terminals. What is written to the one is carried to the other by a work of a workqueue.
class TerminalPair {
 public:
  TerminalPair() {
    writer_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (writer_ < 0 || grantpt(writer_) != 0 || unlockpt(writer_) != 0) return;
    reader_ = open(ptsname(writer_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw{};
    if (reader_ < 0 || tcgetattr(reader_, &raw) != 0) return;
    cfmakeraw(&raw);  // no echo: it would be carried back by another work
    ready_ = tcsetattr(reader_, TCSANOW, &raw) == 0;
  }
  ~TerminalPair() {
    if (writer_ >= 0) close(writer_);
    if (reader_ >= 0) close(reader_);
  }
  TerminalPair(const TerminalPair&) = delete;
  TerminalPair& operator=(const TerminalPair&) = delete;

  bool ready() const { return ready_; }
  // One byte at a time, each read before the next is written; how long each was on its way, in all.
  int64_t Carry(int count) const {
    int64_t sum_ns = 0;
    for (int i = 0; i < count; ++i) {
      char byte = 'x';
      const int64_t begin_ns = workload::NowNs();
      if (write(writer_, &byte, 1) != 1 || read(reader_, &byte, 1) != 1) return -1;
      sum_ns += workload::NowNs() - begin_ns;
    }
    return sum_ns;
  }

 private:
  int writer_ = -1;
  int reader_ = -1;
  bool ready_ = false;
};

// Of one function, over all CPUs.
v1::WorkFunction WorkOf(const v1::QueryInterruptsResponse& answer, const std::string& function) {
  v1::WorkFunction sum;
  for (const v1::CpuDeferred& cpu : answer.deferred().cpus()) {
    for (const v1::WorkFunction& work : cpu.works()) {
      if (work.function() != function) continue;
      sum.set_begin_count(sum.begin_count() + work.begin_count());
      sum.set_delay_count(sum.delay_count() + work.delay_count());
      sum.set_delay_ns(sum.delay_ns() + work.delay_ns());
      sum.set_end_count(sum.end_count() + work.end_count());
      sum.set_duration_ns(sum.duration_ns() + work.duration_ns());
    }
  }
  return sum;
}

class DeferredTest : public DeferredFixture {
 protected:
  static void ExpectOneRunForEachDatagram(const DaemonUnderTest& daemon);
  static void ExpectOneWorkForEachByte(const DaemonUnderTest& daemon);
};

void DeferredTest::ExpectOneRunForEachDatagram(const DaemonUnderTest& daemon) {
  constexpr uint64_t kCount = 5'000;
  const int cpu = daemon.WorkloadCpu();
  WorkloadRun run("timed_interrupts", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon.client().Attach(Asking(run.pid())).ok());
  const v1::QueryInterruptsResponse before = Ask(daemon, cpu);
  ASSERT_TRUE(before.deferred().collecting()) << before.deferred().reason();
  ASSERT_TRUE(run.Act("softirq " + std::to_string(kCount)).is_object());
  const v1::QueryInterruptsResponse after = Ask(daemon, cpu);
  const v1::SoftirqDelay first = SoftirqOf(before, "NET_RX");
  const v1::SoftirqDelay last = SoftirqOf(after, "NET_RX");
  const uint64_t runs = last.run_count() - first.run_count();
  const uint64_t raises = last.raise_count() - first.raise_count();
  const uint64_t unraised = last.unraised_count() - first.unraised_count();
  std::printf("NET_RX: %llu raises, %llu runs, %llu without a raise of their own, mean delay %lld ns\n",
              static_cast<unsigned long long>(raises), static_cast<unsigned long long>(runs), static_cast<unsigned long long>(unraised),
              static_cast<long long>(last.delay().sum_ns() / static_cast<int64_t>(std::max<uint64_t>(last.delay().count(), 1))));
  EXPECT_GE(runs, kCount) << "each datagram is received in a run of its own";
  EXPECT_GE(raises + unraised + 1, runs) << "nothing runs that was not raised";
  EXPECT_LE(unraised, runs / 50 + 2);
  EXPECT_EQ(last.delay().count() + last.unraised_count(), last.run_count());
  uint64_t in_buckets = 0;
  for (const v1::DelayBucket& bucket : last.delay().buckets()) in_buckets += bucket.count();
  EXPECT_EQ(in_buckets, last.delay().count());
  EXPECT_LE(last.delay().longest_ns(), last.delay().sum_ns());
  EXPECT_GE(last.delay().longest_ns() * static_cast<int64_t>(last.delay().count()), last.delay().sum_ns());
  // The programs that are always on count the same tracepoint.
  const auto always_on = [](const v1::QueryInterruptsResponse& answer) -> uint64_t {
    for (const v1::InterruptSource& source : answer.cpus(0).sources()) {
      if (source.name() == "NET_RX") return source.count();
    }
    return 0;
  };
  const uint64_t handled = always_on(after) - always_on(before);
  EXPECT_LE(std::max(handled, runs) - std::min(handled, runs), 3u) << "what comes between the two readings of one answer";
}

void DeferredTest::ExpectOneWorkForEachByte(const DaemonUnderTest& daemon) {
  constexpr uint64_t kCount = 2'000;
  const TerminalPair terminals;
  if (!terminals.ready()) GTEST_SKIP() << "no pair of terminals can be opened here";
  WorkloadRun asker("sleeper", {"--cpu", std::to_string(daemon.WorkloadCpu())});
  ASSERT_TRUE(daemon.client().Attach(Asking(asker.pid())).ok());
  ASSERT_GT(terminals.Carry(1), 0);  // its row has a name from now on
  const v1::WorkFunction before = WorkOf(Ask(daemon), kTerminalWork);
  ASSERT_GE(before.begin_count(), 1u) << Ask(daemon).deferred().ShortDebugString();
  const int64_t truth_ns = terminals.Carry(kCount);
  ASSERT_GT(truth_ns, 0);
  const v1::QueryInterruptsResponse answer = Ask(daemon);
  const v1::WorkFunction after = WorkOf(answer, kTerminalWork);
  const uint64_t begun = after.begin_count() - before.begin_count();
  const uint64_t delayed = after.delay_count() - before.delay_count();
  const int64_t delay_ns = after.delay_ns() - before.delay_ns();
  std::printf("%s: %llu began, %llu with a delay, %.1f us each; a byte was on its way for %.1f us\n", kTerminalWork,
              static_cast<unsigned long long>(begun), static_cast<unsigned long long>(delayed),
              static_cast<double>(delay_ns) / 1e3 / static_cast<double>(std::max<uint64_t>(delayed, 1)),
              static_cast<double>(truth_ns) / 1e3 / static_cast<double>(kCount));
  // Others of this host may use terminals too.
  EXPECT_GE(begun, kCount);
  EXPECT_LE(begun, kCount + kCount / 10);
  EXPECT_GE(delayed, kCount - kCount / 100) << "all were queued while the programs were attached";
  EXPECT_GE(after.end_count() - before.end_count() + 1, kCount) << "the last one may not have ended";
  // A byte waits for its work to begin, and is read while or after it runs.
  if (begun == kCount) {
    EXPECT_LE(delay_ns, truth_ns);
    EXPECT_GE(delay_ns, truth_ns / 50) << "most of the way is the wait for the worker";
  }
  uint64_t begun_on_cpus = 0;
  uint64_t queued = 0;
  for (const v1::CpuDeferred& cpu : answer.deferred().cpus()) {
    queued += cpu.queued_work_count();
    for (const v1::WorkFunction& work : cpu.works()) begun_on_cpus += work.begin_count();
  }
  EXPECT_GE(queued, kCount);
  EXPECT_GE(begun_on_cpus, begun);
}

TEST_F(DeferredTest, EachDatagramOverLoopbackIsARaisedSoftirq) {
  ExpectOneRunForEachDatagram(daemon_);
}

TEST_F(DeferredTest, EachByteThroughATerminalIsAWorkThatWasQueued) {
  ExpectOneWorkForEachByte(daemon_);
}

TEST_F(DeferredTest, ThroughRawTracepointsItIsTheSame) {
  DaemonUnderTest raw({.arguments = {"--kernel-access", "raw"}});
  const absl::Status started = raw.Start();
  ASSERT_TRUE(started.ok()) << started;
  ExpectOneRunForEachDatagram(raw);
  ExpectOneWorkForEachByte(raw);
}

TEST_F(DeferredTest, BpftraceSeesTheSameWorksAndTheirDelays) {
  const TerminalPair terminals;
  if (!terminals.ready()) GTEST_SKIP() << "no pair of terminals can be opened here";
  WorkloadRun asker("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.client().Attach(Asking(asker.pid())).ok());
  BpftraceMaps bpftrace(
      "tracepoint:workqueue:workqueue_queue_work { @queued[args->work] = nsecs; } "
      "tracepoint:workqueue:workqueue_execute_start /@queued[args->work]/ { @count[ksym(args->function)] = count(); "
      "@ns[ksym(args->function)] = sum(nsecs - @queued[args->work]); delete(@queued[args->work]); }",
      daemon_.client().GetStatus()->loop().cpu());
  if (!bpftrace.why_not().empty()) GTEST_SKIP() << bpftrace.why_not();
  const v1::WorkFunction before = WorkOf(Ask(daemon_), kTerminalWork);
  ASSERT_GT(terminals.Carry(3'000), 0);
  const v1::WorkFunction after = WorkOf(Ask(daemon_), kTerminalWork);
  auto theirs = bpftrace.Stop();
  const int64_t their_count = theirs["@count"][kTerminalWork];
  if (their_count == 0) GTEST_SKIP() << "bpftrace names no such work here";
  const auto count = static_cast<int64_t>(after.delay_count() - before.delay_count());
  const double each_ns = static_cast<double>(after.delay_ns() - before.delay_ns()) / static_cast<double>(std::max<int64_t>(count, 1));
  const double their_ns = static_cast<double>(theirs["@ns"][kTerminalWork]) / static_cast<double>(their_count);
  std::printf("%s: %lld of %.0f ns each, bpftrace %lld of %.0f ns each\n", kTerminalWork, static_cast<long long>(count), each_ns,
              static_cast<long long>(their_count), their_ns);
  EXPECT_LE(count, their_count) << "what comes at the edges is bpftrace's";
  EXPECT_GE(count * 100, their_count * 95);
  // One at the edges may have waited longer than all others together.
  if (count != their_count) GTEST_SKIP() << "another process used terminals meanwhile: the means are of different works";
  EXPECT_GT(each_ns, their_ns * 0.5);
  EXPECT_LT(each_ns, their_ns * 2.0 + 2'000) << "each has one of the other's programs in it";
}

TEST_F(DeferredTest, TheProgramsRunOnlyWhileATargetAsks) {
  const auto attached_count = [this] {
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    return std::count_if(status->probes().begin(), status->probes().end(), [](const v1::ProbeStatus& probe) {
      const bool is_one = probe.name().starts_with("on_work_") || probe.name().starts_with("on_handler_") ||
                          probe.name() == "on_softirq_raise" || probe.name() == "on_softirq_end";
      return is_one && !probe.detached();
    });
  };
  EXPECT_EQ(attached_count(), 0);
  EXPECT_FALSE(Ask(daemon_).deferred().collecting());
  EXPECT_THAT(Ask(daemon_).deferred().reason(), ::testing::HasSubstr("--probes irq"));
  WorkloadRun asker("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.client().Attach(Asking(asker.pid())).ok());
  EXPECT_EQ(attached_count(), 7);
  ASSERT_TRUE(daemon_.Detach(asker.pid()).ok());
  EXPECT_TRUE(Eventually([&] { return attached_count() == 0; }));
}

TEST_F(DeferredTest, WhileTheProgramsAreOffNothingIsCountedAndWhatWasPendingIsForgotten) {
  const int cpu = daemon_.WorkloadCpu();
  WorkloadRun run("timed_interrupts", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(daemon_.client().Attach(Asking(run.pid())).ok());
  ASSERT_TRUE(run.Act("softirq 100").is_object());
  v1::SetCollectingRequest request;
  request.set_on(false);
  ASSERT_TRUE(daemon_.client().SetCollecting(request).ok());
  const v1::SoftirqDelay off = SoftirqOf(Ask(daemon_, cpu), "NET_RX");
  ASSERT_TRUE(run.Act("softirq 1000").is_object());
  EXPECT_EQ(SoftirqOf(Ask(daemon_, cpu), "NET_RX").raise_count(), off.raise_count());
  const int64_t off_for_ns = 200'000'000;
  workload::SpinUntil(workload::NowNs() + off_for_ns);
  request.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(request).ok());
  ASSERT_TRUE(run.Act("softirq 1000").is_object());
  const v1::SoftirqDelay on = SoftirqOf(Ask(daemon_, cpu), "NET_RX");
  EXPECT_GE(on.run_count() - off.run_count(), 1000u);
  EXPECT_EQ(on.delay().count() + on.unraised_count(), on.run_count());
  EXPECT_LT(on.delay().sum_ns() - off.delay().sum_ns(), off_for_ns) << "no wait has the time in it in which the programs were off";
}

TEST_F(DeferredTest, AThreadThatWasAttachedAMomentAgoIsInTheAnswer) {
  for (int round = 0; round < 20; ++round) {
    WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
    ASSERT_TRUE(run.about().is_object());
    ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
    v1::QueryInterruptsRequest request;
    request.add_tids(run.pid());
    const auto answer = daemon_.client().QueryInterrupts(request);
    ASSERT_TRUE(answer.ok()) << answer.status() << " in round " << round;
    if (answer->late()) GTEST_SKIP() << "the daemon's loop is starved on this host";
    EXPECT_EQ(answer->threads_size(), 1) << round;
  }
}

TEST_F(DeferredTest, AWindowHasWhatInterruptsTookFromAThreadInItAndNoMore) {
  WorkloadRun run("timed_interrupts", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  ASSERT_TRUE(run.Act("softirq 20000").is_object());
  const auto ask = [&](int64_t window_ns) {
    v1::QueryInterruptsRequest request;
    request.add_pids(run.pid());
    request.set_window_ns(window_ns);
    const auto answer = daemon_.client().QueryInterrupts(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryInterruptsResponse();
  };
  const auto softirq_ns = [](const v1::QueryInterruptsResponse& answer) {
    int64_t sum_ns = 0;
    for (const v1::WindowInterrupts& thread : answer.window_threads()) sum_ns += thread.softirq_ns();
    return sum_ns;
  };
  const v1::QueryInterruptsResponse all = ask(600'000'000'000);
  if (all.window().late()) GTEST_SKIP() << "the daemon's loop is starved on this host";
  int64_t by_source_ns = 0;
  for (const v1::ThreadInterrupts& thread : all.threads()) {
    for (const v1::InterruptSource& source : thread.sources()) by_source_ns += source.kind() == "softirq" ? source.self_ns() : 0;
  }
  std::printf("softirqs took %.3f ms by source, %.3f ms by the window\n", static_cast<double>(by_source_ns) / 1e6,
              static_cast<double>(softirq_ns(all)) / 1e6);
  EXPECT_GT(softirq_ns(all), 0);
  EXPECT_LE(softirq_ns(all), by_source_ns);
  EXPECT_GE(softirq_ns(all), by_source_ns * 9 / 10) << "the whole of it is in the window";
  const int64_t quiet_ns = 1'000'000'000;
  const int64_t until_ns = workload::NowNs() + quiet_ns;
  EXPECT_TRUE(Eventually([&] { return workload::NowNs() >= until_ns; }));
  EXPECT_LT(softirq_ns(ask(quiet_ns / 2)), softirq_ns(all) / 10) << "the thread slept in this one";
}

// Of the disk's line, as the kernel counts it: the column sum of /proc/interrupts.
std::map<int, uint64_t> KernelCounts() {
  std::map<int, uint64_t> counts;
  std::ifstream file("/proc/interrupts");
  std::string row;
  std::getline(file, row);
  while (std::getline(file, row)) {
    std::istringstream cells(row);
    std::string number;
    cells >> number;
    if (number.find_first_not_of("0123456789:") != std::string::npos) continue;
    uint64_t count = 0;
    while (cells >> count) counts[std::stoi(number)] += count;
  }
  return counts;
}

TEST_F(DeferredTest, ReadsOfADiskAreItsCompletionsAndItsInterruptsAreCountedAsTheKernelCountsThem) {
  constexpr int kReads = 500;
  const DiskReader disk;
  if (!disk.why_not().empty()) GTEST_SKIP() << disk.why_not();
  const auto device_of = [&](const v1::QueryInterruptsResponse& answer) {
    for (const v1::BlockDeviceInterrupts& device : answer.coalescing().block_devices()) {
      if (device.name() == disk.disk()) return device;
    }
    ADD_FAILURE() << "no " << disk.disk();
    return v1::BlockDeviceInterrupts();
  };
  const v1::QueryInterruptsResponse before = Ask(daemon_, -1, /*with_coalescing=*/true);
  const v1::BlockDeviceInterrupts first = device_of(before);
  if (first.lines_size() == 0) GTEST_SKIP() << "the interrupts of " << disk.disk() << " cannot be told: " << first.lines_unavailable();
  const std::map<int, uint64_t> kernel_before = KernelCounts();
  ASSERT_EQ(disk.Read(kReads), kReads);
  const std::map<int, uint64_t> kernel_after = KernelCounts();
  const v1::QueryInterruptsResponse after = Ask(daemon_, -1, /*with_coalescing=*/true);
  const v1::BlockDeviceInterrupts last = device_of(after);
  const uint64_t completed = last.completed_count() - first.completed_count();
  const uint64_t interrupts = last.interrupt_count() - first.interrupt_count();
  uint64_t by_kernel = 0;
  uint64_t by_programs = 0;
  for (const v1::DeviceLine& line : last.lines()) {
    by_kernel += kernel_after.at(line.irq()) - kernel_before.at(line.irq());
    const auto handled = [&](const v1::QueryInterruptsResponse& answer) {
      uint64_t count = 0;
      for (const v1::CpuInterrupts& cpu : answer.cpus()) {
        for (const v1::DeviceHandler& device : cpu.devices()) count += device.irq() == line.irq() ? device.count() : 0;
      }
      return count;
    };
    by_programs += handled(after) - handled(before);
  }
  std::printf("%s: %llu completed with %llu interrupts; within, the kernel counted %llu; the programs' rows %llu\n", disk.disk().c_str(),
              static_cast<unsigned long long>(completed), static_cast<unsigned long long>(interrupts),
              static_cast<unsigned long long>(by_kernel), static_cast<unsigned long long>(by_programs));
  EXPECT_GE(completed, static_cast<uint64_t>(kReads));
  EXPECT_GT(interrupts, 0u);
  EXPECT_GE(interrupts, by_kernel) << "the kernel was read within";
  EXPECT_LE(interrupts, completed * 2 + 100) << "a completion makes one interrupt at most, but for the few that find nothing";
  // Handlers are counted as they enter, lines as they are handled; others use the disk too.
  EXPECT_GE(by_programs * 100, by_kernel * 95);
  EXPECT_LE(by_programs * 100, interrupts * 110 + 1'000);
}

}  // namespace
}  // namespace hftmon::testing
