// Rules and clients' parts on this kernel: restarted processes, CPUs with their kernel threads, cgroups, clients that are killed.
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/privileged/harness/shown_switches.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using workload::ThreadCounts;

constexpr int kSleeps = 50;

class TargetsTest : public PrivilegedTest {
 protected:
  absl::StatusOr<v1::AttachResponse> AttachRule(const v1::TargetSelector& selector) const {
    v1::AttachRequest request;
    *request.add_selectors() = selector;
    return daemon_.client().Attach(request);
  }
  absl::StatusOr<v1::AttachResponse> AttachName(const std::string& name) const {
    v1::TargetSelector selector;
    selector.set_name(name);
    return AttachRule(selector);
  }
  v1::TargetRule OnlyRule() const {
    const auto list = daemon_.client().ListTargets();
    return list.ok() && list->rules_size() == 1 ? list->rules(0) : v1::TargetRule();
  }
};

// Its sleeps begin with its first instructions and are over before the daemon's control thread has looked: only a process that is watched
// from its exec on has them all.
TEST_F(TargetsTest, AProcessThatIsRestartedAHundredTimesIsCountedFromEachExecOn) {
  ASSERT_TRUE(AttachName("sleeper").ok());
  const ShownSwitches witness;
  int hidden_rounds = 0;
  for (int round = 0; round < 100; ++round) {
    Subprocess run({BinaryPath("tests/sleeper"), "--count", std::to_string(kSleeps), "--duration-us", "100", "--cpu", CpuArgument()});
    ASSERT_EQ(run.Wait(), 0);
    ASSERT_TRUE(Eventually([&] {
      const auto target = daemon_.FindTarget(run.pid());
      return target && target->state() == v1::TARGET_STATE_ENDED;
    })) << "round "
        << round;
    // Its last sleeps and its end may have been shown to no program: nobody counts them then.
    if (witness.Of(run.pid()).voluntary <= kSleeps) {
      ++hidden_rounds;
      continue;
    }
    absl::StatusOr<v1::QueryContextSwitchesResponse> answer;
    ASSERT_TRUE(Eventually([&] {
      answer = daemon_.Switches(run.pid());
      return !answer.ok() || !answer->window().late();
    }));
    ASSERT_TRUE(answer.ok()) << answer.status();
    const v1::ThreadSwitches* thread = FindThread(*answer, run.pid());
    ASSERT_NE(thread, nullptr) << "round " << round;
    EXPECT_GE(thread->voluntary_count(), static_cast<uint64_t>(kSleeps)) << "round " << round;
  }
  EXPECT_LT(hidden_rounds, 20);
  if (hidden_rounds > 0) std::printf("in %d rounds the kernel showed too few switches to any program\n", hidden_rounds);
  EXPECT_EQ(OnlyRule().found_count(), 100u);
  EXPECT_EQ(OnlyRule().pids_size(), 0);
}

TEST_F(TargetsTest, TheCountsOfAProcessFoundAtItsExecEqualThoseOfTheKernel) {
  ASSERT_TRUE(AttachName("life").ok());
  WorkloadRun run("life");
  ASSERT_TRUE(run.Act().is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  const auto answer = daemon_.Switches(run.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (const ThreadCounts& now : workload::ReadProcessCounts(run.pid())) {
    SCOPED_TRACE(now.comm + " " + std::to_string(now.tid));
    const v1::ThreadSwitches* thread = FindThread(*answer, now.tid);
    ASSERT_NE(thread, nullptr);
    EXPECT_EQ(thread->voluntary_total(), now.voluntary_count);
    EXPECT_EQ(thread->involuntary_total(), now.involuntary_count);
    EXPECT_EQ(thread->run_delay_total_ns(), now.run_delay_ns);
    EXPECT_LE(thread->voluntary_count(), now.voluntary_count);
  }
}

TEST_F(TargetsTest, ProcessesOfOtherNamesAreLeftAlone) {
  ASSERT_TRUE(AttachName("sleepe").ok());
  Subprocess run({BinaryPath("tests/sleeper"), "--count", "2"});
  ASSERT_EQ(run.Wait(), 0);
  EXPECT_FALSE(daemon_.FindTarget(run.pid()));
  EXPECT_EQ(OnlyRule().found_count(), 0u);
}

// A thread that leaves a CPU because it may not run there is pushed off by that CPU's migration thread.
void VisitAndBePushedOff(int cpu, int other_cpu) {
  for (const int next : {cpu, other_cpu}) workload::PinTo(next);
}

TEST_F(TargetsTest, OnTheCpusOfARuleKernelThreadsAndVisitorsAreSeen) {
  const int cpu = daemon_.WorkloadCpu();
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one CPU: nobody can be pushed off it";
  int other_cpu = 0;
  while (other_cpu == cpu || !CPU_ISSET(other_cpu, &before)) ++other_cpu;
  v1::TargetSelector selector;
  selector.set_cpus(std::to_string(cpu));
  ASSERT_TRUE(AttachRule(selector).ok());
  const std::string stopper = "migration/" + std::to_string(cpu);
  WorkloadRun visitor("sleeper", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(visitor.Act().is_object());
  EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(visitor.pid()).has_value(); }));
  EXPECT_EQ(daemon_.FindTarget(visitor.pid())->cpus(), std::to_string(cpu));
  bool found = false;
  EXPECT_TRUE(Eventually([&] {
    VisitAndBePushedOff(cpu, other_cpu);
    const auto list = daemon_.client().ListTargets();
    if (!list.ok()) return false;
    for (const v1::Target& target : list->targets()) found = found || (target.comm() == stopper && target.kernel_thread());
    return found;
  })) << "the kernel's "
      << stopper << " is no target";
  sched_setaffinity(0, sizeof(before), &before);
  bool counted = false;
  const v1::TargetRule rule = OnlyRule();
  for (const v1::CpuVisit& visit : rule.visits()) {
    EXPECT_EQ(visit.cpu(), cpu);
    EXPECT_NE(visit.last_tid(), 0) << "the idle task is no visitor";
    counted = counted || (visit.comm() == stopper && visit.count() > 0);
  }
  EXPECT_TRUE(counted) << "its first visit was before it was watched";
  v1::DetachRequest detach;
  *detach.add_selectors() = selector;
  ASSERT_TRUE(daemon_.client().Detach(detach).ok());
  // What else ran there and has ended is remembered, as any ended target.
  const auto rest = daemon_.client().ListTargets();
  ASSERT_TRUE(rest.ok());
  for (const v1::Target& target : rest->targets()) EXPECT_EQ(target.state(), v1::TARGET_STATE_ENDED) << target.DebugString();
}

// Nothing is loaded or attached for a rule: quiet has nothing to refuse. Off is off for visitors and execs too.
TEST_F(TargetsTest, InQuietHoursRulesAreMadeAndWhileOffNobodyIsNotedUntilItIsOnAgain) {
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  const int cpu = daemon_.WorkloadCpu();
  v1::TargetSelector selector;
  selector.set_cpus(std::to_string(cpu));
  ASSERT_TRUE(AttachRule(selector).ok());
  const auto visits = [this] {
    const v1::TargetRule rule = OnlyRule();
    uint64_t count = rule.unnamed_visit_count();
    for (const v1::CpuVisit& visit : rule.visits()) count += visit.count();
    return count;
  };
  WorkloadRun visitor("sleeper", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(visitor.Act().is_object());
  ASSERT_TRUE(Eventually([&] { return daemon_.FindTarget(visitor.pid()).has_value(); }));
  EXPECT_GT(visits(), 0u);
  v1::SetCollectingRequest collecting;
  collecting.set_on(false);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  const uint64_t visits_before = visits();
  WorkloadRun unseen("ping_pong", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(unseen.Act("200").is_object());
  EXPECT_EQ(visits(), visits_before) << "somebody was noted while off";
  EXPECT_FALSE(daemon_.FindTarget(unseen.pid()));
  collecting.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  // A visit may fall into the millisecond of another's announcement.
  EXPECT_TRUE(Eventually([&] { return unseen.Act("200").is_object() && daemon_.FindTarget(unseen.pid()).has_value(); }))
      << "the CPU is audited no longer";
}

// A cgroup of our own below one of the hierarchies that this host has, v1 or v2; gone with the object. Its processes must have ended.
class TemporaryCgroup {
 public:
  TemporaryCgroup() {
    const std::string root = "/sys/fs/cgroup";
    std::vector<std::string> hierarchies = {root};
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) hierarchies.push_back(entry.path());
    for (const std::string& hierarchy : hierarchies) {
      if (!std::filesystem::exists(hierarchy + "/cgroup.procs")) continue;
      const std::string folder = hierarchy + name();
      if (mkdir(folder.c_str(), 0755) != 0) continue;
      folder_ = folder;
      if (std::ofstream(folder_ + "/cgroup.procs").good()) return;
      Remove();
    }
  }
  ~TemporaryCgroup() { Remove(); }
  bool made() const { return !folder_.empty(); }
  std::string name() const { return "/hftmon_test_" + std::to_string(getpid()); }
  bool Move(pid_t pid) const {
    std::ofstream file(folder_ + "/cgroup.procs");
    file << pid << std::flush;
    return file.good();
  }

 private:
  void Remove() {
    if (!folder_.empty()) rmdir(folder_.c_str());
    folder_.clear();
  }
  std::string folder_;
};

TEST_F(TargetsTest, ProcessesOfACgroupAreFoundAndLostWithTheirMoves) {
  TemporaryCgroup cgroup;
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup can be made below /sys/fs/cgroup on this host";
  v1::TargetSelector selector;
  // The daemon's own path begins it where the hierarchy's root is another's.
  selector.set_cgroup(cgroup.name());
  WorkloadRun run("sleeper");
  if (!cgroup.Move(run.pid())) GTEST_SKIP() << "the cgroup takes no process";
  ASSERT_TRUE(AttachRule(selector).ok());
  EXPECT_TRUE(daemon_.FindTarget(run.pid())) << "it was in the cgroup when the rule was made";
  WorkloadRun late("sleeper");
  EXPECT_FALSE(daemon_.FindTarget(late.pid()));
  ASSERT_TRUE(cgroup.Move(late.pid()));
  EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(late.pid()).has_value(); }));
  run.End();
  late.End();
  EXPECT_TRUE(Eventually([&] { return OnlyRule().pids_size() == 0; }));
}

// The body of a client in a process of its own, which the test below starts and kills.
TEST(KilledClient, AttachesAndWaits) {
  const char* address = std::getenv("HFTMON_TEST_ADDRESS");
  if (address == nullptr) GTEST_SKIP() << "the body of a process that TheKilledClientsPartsEndAndTheOthersStay starts: nothing to do alone";
  const auto client = Client::Connect(address);
  ASSERT_TRUE(client.ok());
  v1::AttachRequest request;
  request.add_pids(std::atoi(std::getenv("HFTMON_TEST_PID")));
  request.add_selectors()->set_name("hftmon_nobody");
  request.mutable_options()->set_spike_threshold_ns(7'000);
  ASSERT_TRUE((*client)->Attach(request).ok());
  std::printf("attached\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

TEST_F(TargetsTest, TheKilledClientsPartsEndAndTheOthersStay) {
  WorkloadRun run("sleeper");
  Subprocess::Options options;
  options.environment = {{"HFTMON_TEST_ADDRESS", daemon_.address()}, {"HFTMON_TEST_PID", std::to_string(run.pid())}};
  ASSERT_TRUE(daemon_.Attach(run.pid(), 90'000).ok());
  for (int round = 0; round < 5; ++round) {
    Subprocess client({"/proc/self/exe", "--gtest_filter=KilledClient.*"}, options);
    std::optional<std::string> line;
    do line = client.ReadLine();
    while (line && *line != "attached");
    ASSERT_TRUE(line) << client.ErrorText();
    EXPECT_EQ(daemon_.FindTarget(run.pid())->holders_size(), 2);
    EXPECT_EQ(daemon_.FindTarget(run.pid())->options().spike_threshold_ns(), 7'000);
    EXPECT_EQ(OnlyRule().selector().name(), "hftmon_nobody");
    client.Signal(SIGKILL);
    EXPECT_TRUE(Eventually([&] { return daemon_.FindTarget(run.pid())->holders_size() == 1; }));
    EXPECT_EQ(daemon_.FindTarget(run.pid())->options().spike_threshold_ns(), 90'000);
    EXPECT_EQ(daemon_.client().ListTargets()->rules_size(), 0);
  }
}

TEST_F(TargetsTest, WhatTheCommandLineAttachesStaysWhenItEnds) {
  WorkloadRun run("sleeper");
  ASSERT_TRUE(daemon_.HftmonJson({"attach", std::to_string(run.pid()), "--name", "hftmon_nobody"}).is_object());
  ASSERT_TRUE(daemon_.FindTarget(run.pid()));
  const json listed = daemon_.HftmonJson({"targets"});
  EXPECT_EQ(listed["targets"][0]["holders"][0]["persist"], true);
  EXPECT_EQ(listed["rules"][0]["selector"]["name"], "hftmon_nobody");
  const json detached = daemon_.HftmonJson({"detach", std::to_string(run.pid()), "--name", "hftmon_nobody"});
  EXPECT_EQ(detached["pids"][0], run.pid());
  EXPECT_EQ(detached["rules"].size(), 1u);
}

TEST_F(TargetsTest, AThousandClientsThatAttachAndGoLeaveNothing) {
  WorkloadRun run("life");
  ASSERT_TRUE(run.Act().is_object());
  v1::AttachRequest request;
  request.add_pids(run.pid());
  request.add_selectors()->set_name("hftmon_nobody");
  for (int round = 0; round < 1'000; ++round) {
    const auto client = Client::Connect(daemon_.address());
    ASSERT_TRUE(client.ok());
    const auto attached = (*client)->Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status() << " in round " << round;
  }
  EXPECT_TRUE(Eventually([&] {
    return daemon_.Used("sessions") == 0 && daemon_.Used("rules") == 0 && daemon_.Used("targets") == 0 && daemon_.Used("threads") == 0;
  })) << daemon_.Used("sessions")
      << " sessions, " << daemon_.Used("rules") << " rules, " << daemon_.Used("targets") << " targets, " << daemon_.Used("threads")
      << " threads";
}

}  // namespace
}  // namespace hftmon::testing
