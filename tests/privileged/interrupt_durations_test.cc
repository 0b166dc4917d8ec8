// For how long softirqs and handlers of devices ran, and whether softirqs overlap, against what was provoked and what the programs that are
// always on count.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/privileged/deferred_fixture.h"
#include "tests/privileged/harness/disk_reader.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

// Of sums that nobody writes in a hurry: at most three are in one of their figures and not yet in another.
void ExpectConsistent(const v1::DelaySums& sums) {
  uint64_t in_buckets = 0;
  uint64_t below_p99 = 0;
  int64_t p99_upper_ns = 0;
  for (const v1::DelayBucket& bucket : sums.buckets()) in_buckets += bucket.count();
  for (const v1::DelayBucket& bucket : sums.buckets()) {
    p99_upper_ns = bucket.upper_ns();
    below_p99 += bucket.count();
    if (below_p99 * 100 >= in_buckets * 99) break;
  }
  EXPECT_LE(std::max(in_buckets, sums.count()) - std::min(in_buckets, sums.count()), 3u);
  if (p99_upper_ns > 128) {
    EXPECT_GE(sums.longest_ns() * 5, p99_upper_ns * 4) << "a bucket's upper edge is at most a quarter above its lower one";
  }
  EXPECT_GE(sums.longest_ns() * static_cast<int64_t>(sums.count() + 3), sums.sum_ns());
}

uint64_t HardInterruptsOf(const v1::QueryInterruptsResponse& answer) {
  uint64_t count = 0;
  for (const v1::InterruptSource& source : answer.cpus(0).sources()) count += source.kind() == "hard_irq" ? source.count() : 0;
  return count;
}

class InterruptDurationsTest : public DeferredFixture {
 protected:
  static v1::SoftirqDelay SoftirqOn(const DaemonUnderTest& daemon, int cpu) { return SoftirqOf(Ask(daemon, cpu), "NET_RX"); }
  static void ExpectADurationForEachRun(const DaemonUnderTest& daemon);
  static void ExpectADurationForEachHandler(const DaemonUnderTest& daemon);
};

void InterruptDurationsTest::ExpectADurationForEachRun(const DaemonUnderTest& daemon) {
  const int cpu = daemon.WorkloadCpu();
  WorkloadRun run("timed_interrupts", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon.client().Attach(Asking(run.pid())).ok());
  const v1::QueryInterruptsResponse before = Ask(daemon, cpu);
  ASSERT_TRUE(run.Act("softirq 5000").is_object());
  const v1::QueryInterruptsResponse after = Ask(daemon, cpu);
  const v1::SoftirqDelay first = SoftirqOf(before, "NET_RX");
  const v1::SoftirqDelay last = SoftirqOf(after, "NET_RX");
  EXPECT_GE(last.duration().count() - first.duration().count(), 5'000u);
  EXPECT_LE(last.duration().count(), last.run_count() + 3) << "read a moment later";
  EXPECT_GE(last.duration().count() + 3, last.run_count());
  ExpectConsistent(last.duration());
  const auto always_on_ns = [](const v1::QueryInterruptsResponse& answer) -> int64_t {
    for (const v1::InterruptSource& source : answer.cpus(0).sources()) {
      if (source.name() == "NET_RX") return source.self_ns();
    }
    return 0;
  };
  const int64_t self_ns = always_on_ns(after) - always_on_ns(before);
  const int64_t duration_ns = last.duration().sum_ns() - first.duration().sum_ns();
  const uint64_t within = last.interrupted_count() - first.interrupted_count();
  std::printf("NET_RX ran for %.3f ms, %.3f ms by the programs that are always on, without the %llu interrupts within; longest %lld ns\n",
              static_cast<double>(duration_ns) / 1e6, static_cast<double>(self_ns) / 1e6, static_cast<unsigned long long>(within),
              static_cast<long long>(last.duration().longest_ns()));
  EXPECT_GE(duration_ns, self_ns / 2);
  EXPECT_LE(within, HardInterruptsOf(after) - HardInterruptsOf(before) + 3);
}

struct HandlerCounts {
  uint64_t handled = 0;  // by the programs that are always on
  int64_t self_ns = 0;
  uint64_t count = 0;  // by those of the group
  int64_t duration_ns = 0;
};

// By CPU, interrupt and name.
using Handlers = std::map<std::tuple<int, int, std::string>, HandlerCounts>;
Handlers HandlersOf(const v1::QueryInterruptsResponse& answer) {
  Handlers handlers;
  for (const v1::CpuInterrupts& cpu : answer.cpus()) {
    for (const v1::DeviceHandler& device : cpu.devices()) {
      HandlerCounts& counts = handlers[{cpu.cpu(), device.irq(), device.name()}];
      counts.handled += device.count();
      counts.self_ns += device.self_ns();
    }
  }
  for (const v1::CpuDeferred& cpu : answer.deferred().cpus()) {
    for (const v1::HandlerDurations& handler : cpu.handlers()) {
      HandlerCounts& counts = handlers[{cpu.cpu(), handler.irq(), handler.name()}];
      counts.count += handler.duration().count();
      counts.duration_ns += handler.duration().sum_ns();
      ExpectConsistent(handler.duration());
    }
  }
  return handlers;
}

void InterruptDurationsTest::ExpectADurationForEachHandler(const DaemonUnderTest& daemon) {
  constexpr int kReads = 500;
  const DiskReader disk;
  if (!disk.why_not().empty()) GTEST_SKIP() << disk.why_not();
  WorkloadRun asker("sleeper", {"--cpu", std::to_string(daemon.WorkloadCpu())});
  ASSERT_TRUE(daemon.client().Attach(Asking(asker.pid())).ok());
  ASSERT_EQ(disk.Read(kReads), kReads);
  Handlers before = HandlersOf(Ask(daemon));
  ASSERT_EQ(disk.Read(kReads), kReads);
  uint64_t all = 0;
  for (const auto& [key, after] : HandlersOf(Ask(daemon))) {
    const auto& [cpu, irq, name] = key;
    const HandlerCounts& first = before[key];
    const uint64_t handled = after.handled - first.handled;
    const uint64_t count = after.count - first.count;
    if (handled == 0 && count == 0) continue;
    all += count;
    const auto duration_ns = static_cast<double>(after.duration_ns - first.duration_ns);
    const auto self_ns = static_cast<double>(after.self_ns - first.self_ns);
    std::printf("CPU %d, irq %d %s: %llu handled for %.0f ns each, %llu with a duration of %.0f ns each\n", cpu, irq, name.c_str(),
                static_cast<unsigned long long>(handled), self_ns / static_cast<double>(handled), static_cast<unsigned long long>(count),
                duration_ns / static_cast<double>(count));
    EXPECT_LE(std::max(handled, count) - std::min(handled, count), 3 + handled / 100) << "what comes between two readings of one answer";
    EXPECT_GE(duration_ns, self_ns / 3);
  }
  EXPECT_GT(all, 0u) << "reads of the disk make interrupts";
  const auto status = daemon.client().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  for (const v1::ProbeStatus& probe : status->probes()) {
    if (probe.name() == "on_handler_begin" || probe.name() == "on_handler_end") {
      EXPECT_GE(probe.run_count(), all) << probe.name();
    }
  }
}

TEST_F(InterruptDurationsTest, EachHandlerOfADeviceHasADuration) {
  ExpectADurationForEachHandler(daemon_);
}

TEST_F(InterruptDurationsTest, EachRunOfASoftirqHasADuration) {
  ExpectADurationForEachRun(daemon_);
}

TEST_F(InterruptDurationsTest, ThroughRawTracepointsItIsTheSame) {
  DaemonUnderTest raw({.arguments = {"--kernel-access", "raw"}});
  const absl::Status started = raw.Start();
  ASSERT_TRUE(started.ok()) << started;
  ExpectADurationForEachRun(raw);
  ExpectADurationForEachHandler(raw);
}

struct Overlap {
  uint64_t run_count = 0;
  uint64_t overlapped_count = 0;
  uint64_t interrupted_count = 0;
};
Overlap Between(const v1::SoftirqDelay& before, const v1::SoftirqDelay& after) {
  return {after.run_count() - before.run_count(), after.overlapped_count() - before.overlapped_count(),
          after.interrupted_count() - before.interrupted_count()};
}

constexpr int kDatagrams = 300'000;

// Sends datagrams to itself over loopback, on one CPU: each is received there in a softirq before the call returns, and dropped. Returns
// how many could be sent. `start`: all that flood begin together.
int Flood(int cpu, std::barrier<>& start) {
  workload::PinTo(cpu);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int smallest = 1;  // the kernel makes it as small as it allows
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  const bool ready = bind(fd, general, length) == 0 && getsockname(fd, general, &length) == 0 && connect(fd, general, length) == 0;
  start.arrive_and_wait();
  int sent = 0;
  for (int i = 0; ready && i < kDatagrams; ++i) sent += send(fd, "x", 1, 0) == 1 ? 1 : 0;
  close(fd);
  return sent;
}

// Of each of these CPUs, all at once; whether all was sent.
bool FloodAll(const std::vector<int>& cpus) {
  std::barrier<> start(static_cast<std::ptrdiff_t>(cpus.size()));
  std::vector<std::future<int>> floods;
  for (const int cpu : cpus) floods.push_back(std::async(std::launch::async, Flood, cpu, std::ref(start)));
  return std::all_of(floods.begin(), floods.end(), [](std::future<int>& flood) { return flood.get() == kDatagrams; });
}

TEST_F(InterruptDurationsTest, SoftirqsOverlapWhereTwoCpusReceiveAtOnceAndNotWhereOneDoes) {
  const int cpu = daemon_.WorkloadCpu();
  const int other = workload::OtherCpu(cpu);
  if (other < 0) GTEST_SKIP() << "there is one CPU";
  WorkloadRun asker("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.client().Attach(Asking(asker.pid())).ok());
  const v1::SoftirqDelay before = SoftirqOn(daemon_, cpu);
  ASSERT_TRUE(FloodAll({cpu}));
  const v1::SoftirqDelay alone_here = SoftirqOn(daemon_, cpu);
  const Overlap alone = Between(before, alone_here);
  const v1::SoftirqDelay alone_there = SoftirqOn(daemon_, other);
  ASSERT_TRUE(FloodAll({cpu, other}));
  const Overlap one = Between(alone_here, SoftirqOn(daemon_, cpu));
  const Overlap two = Between(alone_there, SoftirqOn(daemon_, other));
  const uint64_t runs = one.run_count + two.run_count;
  const uint64_t overlapped = one.overlapped_count + two.overlapped_count;
  std::printf("alone %llu of %llu runs overlapped, %llu interrupts within; of two CPUs' %llu runs %llu\n",
              static_cast<unsigned long long>(alone.overlapped_count), static_cast<unsigned long long>(alone.run_count),
              static_cast<unsigned long long>(alone.interrupted_count), static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(overlapped));
  EXPECT_GE(alone.run_count, uint64_t{kDatagrams});
  EXPECT_LE(alone.overlapped_count * 50, alone.run_count) << "nobody else receives as much";
  EXPECT_GE(one.run_count, uint64_t{kDatagrams});
  EXPECT_GE(two.run_count, uint64_t{kDatagrams});
  EXPECT_GT(overlapped, 0u);
  EXPECT_GT(overlapped * alone.run_count, alone.overlapped_count * runs) << "the share of both is the larger one";
  EXPECT_GT(alone.interrupted_count + one.interrupted_count + two.interrupted_count, 0u) << "ticks come within some of the runs";
}

}  // namespace
}  // namespace hftmon::testing
