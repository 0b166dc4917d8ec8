// What hardware and hypervisor do to CPUs, against the kernel's own figures of the same.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "common/cpu_list.h"
#include "tests/privileged/harness/disturbance_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

constexpr int64_t kTicksNs = 100'000'000;  // a busy CPU ticks some ten times at least

bool HasTscCounter() {
  return std::filesystem::exists("/sys/bus/event_source/devices/msr/events/tsc");
}

// By index.
using IdleCounts = std::map<int, std::pair<uint64_t, int64_t>>;  // times left, and for how long in all

class HardwareTest : public PrivilegedTest {
 protected:
  static v1::AttachRequest Asking(pid_t pid) {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->add_probe_groups("hardware");
    return request;
  }
  static v1::QueryHardwareResponse Hardware(const DaemonUnderTest& daemon) {
    const auto answer = daemon.client().QueryHardware();
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryHardwareResponse();
  }
  static v1::CpuHardware CpuOf(const v1::QueryHardwareResponse& answer, int cpu) {
    for (const v1::CpuHardware& one : answer.cpus()) {
      if (one.cpu() == cpu) return one;
    }
    ADD_FAILURE() << "no CPU " << cpu;
    return {};
  }
  static v1::HardwareSource SourceOf(const v1::QueryHardwareResponse& answer, const std::string& name) {
    for (const v1::HardwareSource& source : answer.sources()) {
      if (source.name() == name) return source;
    }
    ADD_FAILURE() << "no source " << name;
    return {};
  }
  // Runs something there for a while: a CPU that is busy ticks.
  static void KeepBusy(int cpu) {
    std::thread([cpu] {
      workload::PinTo(cpu);
      workload::SpinUntil(workload::NowNs() + kTicksNs);
    }).join();
  }
  // Those that this test may use but for nohz_full ones, which do not tick while one thread has them.
  static std::vector<int> TickingCpus() {
    std::ifstream file("/sys/devices/system/cpu/nohz_full");
    std::string text;
    file >> text;
    const auto tickless = ParseCpuList(text);  // "(null)" where there are none
    std::vector<int> cpus = workload::InheritedCpus();
    if (!tickless.ok()) return cpus;
    std::erase_if(cpus, [&](int cpu) { return std::find(tickless->begin(), tickless->end(), cpu) != tickless->end(); });
    return cpus;
  }
  static std::set<std::string> AttachedPrograms(const DaemonUnderTest& daemon) {
    std::set<std::string> attached;
    const auto status = daemon.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok()) return attached;
    for (const v1::ProbeStatus& probe : status->probes()) {
      const bool one = probe.name() == "on_hardware_tick" || probe.name() == "on_idle" || probe.name() == "on_frequency" ||
                       probe.name() == "on_machine_check";
      if (one && !probe.detached()) attached.insert(probe.name());
    }
    return attached;
  }
  static void ExpectReadings(const DaemonUnderTest& daemon) {
    const std::vector<int> cpus = TickingCpus();
    if (cpus.empty()) GTEST_SKIP() << "every CPU of this test is nohz_full: none ticks while it is busy";
    for (const int cpu : cpus) {
      EXPECT_TRUE(Eventually([&] {
        KeepBusy(cpu);
        return CpuOf(Hardware(daemon), cpu).reading_count() >= 20;
      })) << cpu;
    }
    const v1::QueryHardwareResponse answer = Hardware(daemon);
    EXPECT_TRUE(answer.collecting());
    const bool has_tsc = HasTscCounter();
    for (const int cpu : cpus) {
      const v1::CpuHardware one = CpuOf(answer, cpu);
      EXPECT_TRUE(one.has_reading_age_ns());
      EXPECT_GT(one.readings_span_ns(), 0);
      if (has_tsc) {
        EXPECT_TRUE(one.has_tsc_hz());
        EXPECT_GT(one.tsc_hz(), 1e8) << "it rises with time";
        EXPECT_LT(one.tsc_hz(), 1e10);
      }
      for (const auto& [source, known] : {std::pair{"smi", one.has_smi_count()}, {"frequency", one.has_frequency_ratio()}}) {
        EXPECT_EQ(known, SourceOf(answer, source).available()) << source << " of CPU " << cpu;
      }
    }
    if (!has_tsc) std::printf("no msr PMU here: registers are not read\n");
  }
  static IdleCounts Told(const v1::CpuHardware& cpu) {
    IdleCounts counts;
    for (const v1::IdleStateSum& state : cpu.idle_states()) counts[state.index()] = {state.count(), state.duration_ns()};
    return counts;
  }
  // By its own files; empty without a driver.
  static IdleCounts OfTheKernel(int cpu) {
    IdleCounts counts;
    for (int state = 0;; ++state) {
      const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpuidle/state" + std::to_string(state);
      uint64_t usage = 0;
      int64_t time_us = 0;
      std::ifstream usage_file(folder + "/usage");
      std::ifstream time_file(folder + "/time");
      if (!(usage_file >> usage) || !(time_file >> time_us)) return counts;
      counts[state] = {usage, time_us * 1'000};
    }
  }
  static int64_t Rise(const IdleCounts& from, const IdleCounts& to, int state) {
    const auto count = [state](const IdleCounts& counts) {
      const auto found = counts.find(state);
      return found == counts.end() ? int64_t{0} : static_cast<int64_t>(found->second.first);
    };
    return count(to) - count(from);
  }
};

TEST_F(HardwareTest, EveryCpuThatTicksReadsItsOwnRegisters) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  EXPECT_FALSE(Hardware(daemon_).collecting());
  ASSERT_TRUE(daemon_.client().Attach(Asking(run.pid())).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectReadings(daemon_));
}

TEST_F(HardwareTest, ThroughRawTracepointsToo) {
  DaemonUnderTest raw({.arguments = {"--kernel-access", "raw"}});
  const absl::Status started = raw.Start();
  ASSERT_TRUE(started.ok()) << started;
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(raw.client().Attach(Asking(run.pid())).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectReadings(raw));
  EXPECT_FALSE(AttachedPrograms(raw).empty());
}

TEST_F(HardwareTest, IdleStatesAreLeftAsOftenAsTheKernelCounts) {
  const int cpu = daemon_.WorkloadCpu();
  if (OfTheKernel(cpu).empty()) GTEST_SKIP() << "no cpuidle driver: the kernel counts no idle states";
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "1000", "--duration-us", "300"});
  ASSERT_TRUE(daemon_.client().Attach(Asking(run.pid())).ok());
  if (!SourceOf(Hardware(daemon_), "c_states").reason().starts_with("cpu_idle")) GTEST_SKIP() << "this kernel has no cpu_idle";
  const IdleCounts outer_before = OfTheKernel(cpu);
  const IdleCounts told_before = Told(CpuOf(Hardware(daemon_), cpu));
  const IdleCounts inner_before = OfTheKernel(cpu);
  ASSERT_TRUE(run.Act().is_object());
  const IdleCounts inner_after = OfTheKernel(cpu);
  const v1::CpuHardware after = CpuOf(Hardware(daemon_), cpu);
  const IdleCounts told_after = Told(after);
  const IdleCounts outer_after = OfTheKernel(cpu);
  int64_t sum = 0;
  for (const auto& [state, counts] : outer_after) {
    const int64_t told = Rise(told_before, told_after, state);
    const int64_t at_least = Rise(inner_before, inner_after, state);
    const int64_t at_most = Rise(outer_before, outer_after, state);
    std::printf("state %d: %lld times, the kernel says %lld to %lld\n", state, static_cast<long long>(told),
                static_cast<long long>(at_least), static_cast<long long>(at_most));
    // The kernel counts a moment after the tracepoint: one at each edge.
    EXPECT_GE(told, at_least - 1) << "state " << state;
    EXPECT_LE(told, at_most + 1) << "state " << state;
    sum += told;
  }
  EXPECT_LE(after.idle_unpaired_count(), 1u) << "the one that it was in when they were attached";
  if (sum < 500) std::printf("others kept the CPU busy: it was idle %lld times in 1,000 sleeps\n", static_cast<long long>(sum));
}

TEST_F(HardwareTest, StealIsTheFigureOfTheInterrupts) {
  if (!SourceOf(Hardware(daemon_), "steal").available()) GTEST_SKIP() << SourceOf(Hardware(daemon_), "steal").reason();
  const auto steal_of = [&](const v1::QueryInterruptsResponse& answer, int cpu) {
    for (const v1::CpuInterrupts& one : answer.cpus()) {
      if (one.cpu() == cpu) return one.steal_ns();
    }
    return int64_t{-1};
  };
  const auto before = daemon_.client().QueryInterrupts();
  const v1::QueryHardwareResponse hardware = Hardware(daemon_);
  const auto after = daemon_.client().QueryInterrupts();
  ASSERT_TRUE(before.ok() && after.ok());
  const int cpu = daemon_.WorkloadCpu();
  const v1::CpuHardware one = CpuOf(hardware, cpu);
  if (!one.has_steal_ns()) GTEST_SKIP() << "CPU " << cpu << " has not ticked yet";
  EXPECT_GE(one.steal_ns(), steal_of(*before, cpu));
  EXPECT_LE(one.steal_ns(), steal_of(*after, cpu));
}

TEST_F(HardwareTest, ASpikeIsBoundedByReadingsAroundItAndItsBudgetStaysExact) {
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "30", "--period-us", "10000", "--duration-us", "1000"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.client().Attach(Asking(run.pid())).ok());
  ASSERT_TRUE(run.Act().is_object());
  int spike_count = 0;
  int bounded_count = 0;
  // The last one's reading comes with a tick, or when the CPU goes idle.
  EXPECT_TRUE(Eventually([&] {
    const auto spikes = daemon_.Spikes(run.pid());
    spike_count = 0;
    bounded_count = 0;
    if (!spikes.ok()) return false;
    for (const v1::Spike& spike : spikes->spikes()) {
      ++spike_count;
      bounded_count += spike.hardware().has_reading_span_ns() ? 1 : 0;
    }
    return spike_count > 0 && bounded_count * 10 >= spike_count * 9;
  })) << bounded_count
      << " of " << spike_count;
  const auto spikes = daemon_.Spikes(run.pid());
  ASSERT_TRUE(spikes.ok());
  const bool has_steal = SourceOf(Hardware(daemon_), "steal").available();
  for (const v1::Spike& spike : spikes->spikes()) {
    ExpectExactBudget(spike);
    if (!spike.hardware().has_reading_span_ns()) continue;
    EXPECT_GE(spike.hardware().reading_span_ns(), spike.duration_ns());
    EXPECT_EQ(spike.hardware().has_steal_ns_max(), has_steal);
    // The scheduler's look and the reading are not the same moment.
    if (!has_steal) continue;
    EXPECT_LE(spike.hardware().steal_ns_max(), spike.hardware().reading_span_ns() + 20'000'000);
  }
  std::printf("%d of %d spikes are bounded by readings\n", bounded_count, spike_count);
}

TEST_F(HardwareTest, ProgramsAndCountersGoWithTheLastWhoAsksAndQuietModeRefusesThem) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(daemon_.client().Attach(Asking(run.pid())).status()));
  EXPECT_TRUE(AttachedPrograms(daemon_).empty());
  quiet.set_quiet(false);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  ASSERT_TRUE(daemon_.client().Attach(Asking(run.pid())).ok());
  EXPECT_FALSE(AttachedPrograms(daemon_).empty());
  const uint64_t opened = Hardware(daemon_).attach_cross_calls();
  ASSERT_TRUE(daemon_.Detach(run.pid()).ok());
  EXPECT_TRUE(Eventually([&] { return AttachedPrograms(daemon_).empty(); }));
  const v1::QueryHardwareResponse after = Hardware(daemon_);
  EXPECT_FALSE(after.collecting());
  EXPECT_EQ(after.attach_cross_calls(), 2 * opened) << "each counter that was opened is closed";
}

TEST_F(HardwareTest, RegistersAreReadOnRequestOrItIsSaidWhyNot) {
  v1::QueryHardwareRequest request;
  request.set_read_registers(true);
  request.add_cpus(daemon_.WorkloadCpu());
  const auto answer = daemon_.client().QueryHardware(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->cpus_size(), 1);
  const v1::CpuHardware& cpu = answer->cpus(0);
  std::printf("%d registers, %llu cross-calls; %s\n", cpu.registers_size(), static_cast<unsigned long long>(answer->register_cross_calls()),
              cpu.registers_reason().c_str());
  EXPECT_GE(answer->register_cross_calls(), static_cast<uint64_t>(cpu.registers_size()));
  EXPECT_TRUE(cpu.registers_size() > 0 || !cpu.registers_reason().empty());
}

// The whole daemon and its client keep to another CPU.
TEST(HardwareDisturbanceTest, InSteadyStateTheDaemonSendsNothingToACpuThatReadsItsRegisters) {
  if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
  const int cpu = workload::ChooseCpu(-1);
  const int other = workload::OtherCpu(cpu);
  if (other < 0) GTEST_SKIP() << "one CPU only: the daemon would share it with what it watches. Give two CPUs";
  WorkloadRun game("ping_pong", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(game.about().is_object());
  std::thread([&] {
    workload::PinTo(other);
    DaemonUnderTest daemon({.cpus = {other}});
    const absl::Status started = daemon.Start();
    ASSERT_TRUE(started.ok()) << started;
    const DisturbanceWitness witness(daemon.pid(), cpu);
    if (!witness.refused().empty()) GTEST_SKIP() << witness.refused();
    v1::AttachRequest request;
    request.add_pids(game.pid());
    request.mutable_options()->add_probe_groups("hardware");
    const DisturbanceWitness::Counts before = witness.Read();
    ASSERT_TRUE(daemon.client().Attach(request).ok());
    // What is measured of a program once after its first attaching patches the kernel's text, as attaching does.
    workload::SleepUntil(workload::NowNs() + 1'500'000'000);
    const DisturbanceWitness::Counts attached = witness.Read();
    ASSERT_TRUE(game.Act("100000").is_object());
    const auto hardware = daemon.client().QueryHardware();
    const DisturbanceWitness::Counts steady = witness.Read();
    ASSERT_TRUE(hardware.ok()) << hardware.status();
    if (HasTscCounter()) {
      EXPECT_GT(hardware->attach_cross_calls(), 0u) << "each CPU is asked once to open its counter";
    }
    EXPECT_LE(steady.ipi_count - attached.ipi_count, 3u) << witness.Origins(attached.ipi_count, steady.ipi_count);
    EXPECT_EQ(steady.wake_count, attached.wake_count);
    std::printf(
        "interrupts that the daemon sent to the CPU: attach %llu, 100,000 switches and a query %llu; counters opened on all CPUs: %llu\n",
        static_cast<unsigned long long>(attached.ipi_count - before.ipi_count),
        static_cast<unsigned long long>(steady.ipi_count - attached.ipi_count),
        static_cast<unsigned long long>(hardware->attach_cross_calls()));
  }).join();
}

}  // namespace
}  // namespace hftmon::testing
