// The watched CPU sees nothing of the daemon but the programs in its own switches: no interrupt, no IRQ work, no wake-up, no other thread.
#include "tests/privileged/harness/disturbance_witness.h"

#include <sched.h>
#include <set>

#include <string>
#include <vector>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class DisturbanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    cpu_ = workload::ChooseCpu(-1);
    const int other = workload::OtherCpu(cpu_);
    if (other < 0) GTEST_SKIP() << "one CPU only: the daemon would share it with what it watches. Give two CPUs";
    other_ = other;
    sched_getaffinity(0, sizeof(inherited_), &inherited_);
  }
  void TearDown() override {
    if (CPU_COUNT(&inherited_) > 0)
      sched_setaffinity(0, sizeof(inherited_), &inherited_);  // the next test's workload is another one's child
  }
  // The whole daemon and its client, this process, keep to the other CPU: whom it answers it wakes.
  absl::Status StartElsewhere() {
    workload::PinTo(other_);
    DaemonUnderTest::Options options;
    options.cpus = {other_};
    daemon_ = std::make_unique<DaemonUnderTest>(options);
    return daemon_->Start();
  }
  // What the CPU's own load of a fixed number of switches has brought it.
  CpuInterrupts Play(WorkloadRun& game) const {
    const CpuInterrupts before = ReadCpuInterrupts(cpu_);
    EXPECT_TRUE(game.Act("200000").is_object());
    const CpuInterrupts after = ReadCpuInterrupts(cpu_);
    return {after.reschedule - before.reschedule, after.function_call - before.function_call, after.tlb - before.tlb,
            after.irq_work - before.irq_work};
  }
  static void Print(const char* what, const CpuInterrupts& seen) {
    std::printf("%s: RES %lld, CAL %lld, TLB %lld, IWI %lld\n", what, static_cast<long long>(seen.reschedule),
                static_cast<long long>(seen.function_call), static_cast<long long>(seen.tlb), static_cast<long long>(seen.irq_work));
  }

  std::vector<std::string> Available(const std::vector<std::string>& groups) const;
  void ExpectNoDisturbance(const std::vector<std::string>& groups);

  // The programs on demand are attached with the target and timed once, which patches the kernel's text at the two ends: the steady state
  // is what comes after. A turn of 250 ms to begin and one to end, and both again for a group that was attached in between.
  static constexpr int64_t kUntilSteadyNs = 1'500'000'000;

  int cpu_ = 0;
  int other_ = 0;
  cpu_set_t inherited_{};
  std::unique_ptr<DaemonUnderTest> daemon_;
};

// Of `groups`, those that this host can have. Of hardware: any of its programs.
std::vector<std::string> DisturbanceTest::Available(const std::vector<std::string>& groups) const {
  static const std::set<std::string> kHardwarePrograms = {"hardware_smi", "hardware_frequency", "hardware_c_states",
                                                          "hardware_machine_checks"};
  std::set<std::string> available;
  const auto capabilities = daemon_->client().GetCapabilities();
  EXPECT_TRUE(capabilities.ok()) << capabilities.status();
  if (!capabilities.ok()) return {};
  for (const v1::Capability& capability : capabilities->capabilities()) {
    if (!capability.available()) continue;
    available.insert(kHardwarePrograms.contains(capability.name()) ? "hardware" : capability.name());
  }
  std::vector<std::string> asked;
  for (const std::string& group : groups) {
    if (available.contains(group)) {
      asked.push_back(group);
    } else {
      std::printf("not asked for: this host has no %s\n", group.c_str());
    }
  }
  return asked;
}

// `groups` are asked for besides, as far as this host has them.
void DisturbanceTest::ExpectNoDisturbance(const std::vector<std::string>& groups) {
  WorkloadRun game("ping_pong", {"--cpu", std::to_string(cpu_)});
  ASSERT_TRUE(game.about().is_object());
  const absl::Status started = StartElsewhere();
  ASSERT_TRUE(started.ok()) << started;
  DisturbanceWitness witness(daemon_->pid(), cpu_);
  if (!witness.refused().empty()) GTEST_SKIP() << witness.refused();

  v1::AttachRequest request;
  request.add_pids(game.pid());
  for (const std::string& group : Available(groups)) request.mutable_options()->add_probe_groups(group);
  if (!groups.empty() && request.options().probe_groups().empty()) GTEST_SKIP() << "this host has none of the probe groups";
  ASSERT_TRUE(daemon_->client().Attach(request).ok());
  const int64_t steady_ns = groups.empty() ? 0 : workload::NowNs() + kUntilSteadyNs;
  while (workload::NowNs() < steady_ns) Play(game);
  const DisturbanceWitness::Counts attached = witness.Read();
  const CpuInterrupts watched = Play(game);
  const DisturbanceWitness::Counts steady = witness.Read();
  ASSERT_TRUE(daemon_->Detach(game.pid()).ok());
  const DisturbanceWitness::Counts detached = witness.Read();
  ASSERT_EQ(daemon_->Stop(), 0);
  const CpuInterrupts alone = Play(game);

  // The kernel may look for work to balance when a thread of the daemon goes to sleep, and kick an idle CPU: one in some twenty runs.
  // Anything that the daemon's way of working causes would come with its looks, thousands in this time.
  EXPECT_LE(steady.ipi_count - attached.ipi_count, 3u) << "interrupts were sent in steady state from\n"
                                                       << witness.Origins(attached.ipi_count, steady.ipi_count);
  EXPECT_EQ(steady.wake_count, attached.wake_count) << "threads of the watched CPU were woken";
  EXPECT_EQ(steady.run_count, attached.run_count) << "the daemon ran on the watched CPU";
  std::printf(
      "interrupts that the daemon sent to the CPU: attach %llu, 200,000 switches %llu, detach %llu; by the kernel's balancing out of its "
      "interrupts %llu; "
      "IRQ work of anybody meanwhile %llu\n",
      static_cast<unsigned long long>(attached.ipi_count), static_cast<unsigned long long>(steady.ipi_count - attached.ipi_count),
      static_cast<unsigned long long>(detached.ipi_count - steady.ipi_count),
      static_cast<unsigned long long>(steady.ipi_from_interrupt_count - attached.ipi_from_interrupt_count),
      static_cast<unsigned long long>(steady.irq_work_count - attached.irq_work_count));
  // Of the whole host, for who reads this: others send too.
  Print("watched", watched);
  Print("without the daemon", alone);
}

TEST_F(DisturbanceTest, NoInterruptNoWakeUpAndNoThreadOfTheDaemonReachesAWatchedCpu) {
  ExpectNoDisturbance({});
}

TEST_F(DisturbanceTest, NorDoesAnyWithEveryProbeGroupOn) {
  ExpectNoDisturbance({"locks", "kernel_locks", "memory", "network", "hardware", "irq", "returns"});
}

}  // namespace
}  // namespace hftmon::testing
