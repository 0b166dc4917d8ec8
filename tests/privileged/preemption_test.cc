// Stalls whose truth is known: who took the CPU, when, for how long.
#include <set>
#include <sstream>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

class PreemptionTest : public PrivilegedTest {};

int64_t End(const v1::Spike& spike) {
  return spike.start_monotonic_ns() + spike.duration_ns();
}

// The spike of `tid` that overlaps [start_ns, end_ns) most; null when none does.
const v1::Spike* FindOverlapping(const v1::DetectSpikesResponse& answer, pid_t tid, int64_t start_ns, int64_t end_ns) {
  const v1::Spike* best = nullptr;
  int64_t best_overlap_ns = 0;
  for (const v1::Spike& spike : answer.spikes()) {
    const int64_t overlap_ns = std::min(End(spike), end_ns) - std::max(spike.start_monotonic_ns(), start_ns);
    if (spike.thread().tid() != tid || overlap_ns <= best_overlap_ns) continue;
    best = &spike;
    best_overlap_ns = overlap_ns;
  }
  return best;
}

// Time within a spike that its budget gives to what takes a CPU from any thread: interrupts and the CPU's stopper.
int64_t AboveThreadsNs(const v1::Spike& spike) {
  int64_t sum_ns = 0;
  for (const v1::Cause& cause : spike.causes()) {
    const bool interrupt = cause.kind() == "nmi" || cause.kind() == "hard_irq" || cause.kind() == "softirq";
    if (interrupt || cause.actor().comm().starts_with("migration/")) sum_ns += cause.duration_ns();
  }
  return sum_ns;
}

TEST_F(PreemptionTest, FortyPreemptionsAreFortySpikesWithTheirActorAndLength) {
  WorkloadRun run("preempted_spinner",
                  {"--cpu", CpuArgument(), "--count", "40", "--duration-us", "5000", "--period-us", "19000", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const auto answer = daemon_.Spikes(run.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->lost_records(), 0u);
  const pid_t spinner = truth["spinner_tid"];
  const pid_t bully = truth["fifo_tid"];
  ASSERT_EQ(truth["preemptions"].size(), 40u);
  std::set<uint64_t> ids;
  int undisturbed = 0;
  for (const json& preemption : truth["preemptions"]) {
    SCOPED_TRACE(preemption.dump());
    const v1::Spike* spike = FindOverlapping(*answer, spinner, preemption["start_ns"], preemption["end_ns"]);
    ASSERT_NE(spike, nullptr);
    SCOPED_TRACE(spike->DebugString());
    ids.insert(spike->id());
    EXPECT_EQ(spike->kind(), "preempted");
    EXPECT_EQ(spike->target_pid(), run.pid());
    EXPECT_EQ(spike->cpu(), truth["cpu"]);
    EXPECT_EQ(spike->thread().comm(), "spinner");
    EXPECT_FALSE(spike->inconclusive());
    ExpectExactBudget(*spike);
    // The preemptor's share is what its own clock saw. It falls short of that by no more than interrupts and the stopper had, which the
    // budget gives to them, and exceeds it by no more than the machine took away between its getting the CPU and its first look at the
    // clock.
    const int64_t measured_ns = preemption["duration_ns"];
    ASSERT_TRUE(preemption.contains("gap_ns"));
    const int64_t gap_ns = preemption["gap_ns"];
    const int64_t blamed_ns = BlamedOn(*spike, bully);
    if (Agrees(blamed_ns, measured_ns)) {
      ++undisturbed;
      EXPECT_EQ(spike->causes(0).actor().tid(), bully);
      EXPECT_EQ(spike->causes(0).actor().comm(), "fifo_bully");
    } else if (blamed_ns < measured_ns) {
      const int64_t all_ns = blamed_ns + AboveThreadsNs(*spike);
      EXPECT_TRUE(all_ns >= measured_ns || Agrees(all_ns, measured_ns)) << blamed_ns << " of " << all_ns;
    } else {
      EXPECT_LE(blamed_ns, gap_ns);
    }
    // The whole wait encloses the preemptor's run and is enclosed by the gap that the spinner saw in its own time. Where the machine took
    // time away around the preemption these two differ by more than the tolerance, and the wait must lie between them.
    EXPECT_TRUE(Agrees(spike->duration_ns(), measured_ns) || Agrees(spike->duration_ns(), gap_ns) ||
                (measured_ns < spike->duration_ns() && spike->duration_ns() < gap_ns));
    EXPECT_NEAR(static_cast<double>(spike->start_monotonic_ns()), static_cast<double>(preemption["start_ns"].get<int64_t>()), 1'000'000.0);
  }
  EXPECT_EQ(ids.size(), 40u) << "a spike was counted for two preemptions";
  EXPECT_GE(undisturbed, 30) << "the preemptor had its CPU to itself so seldom that its share was hardly tested";
}

TEST_F(PreemptionTest, TheCommandLinePrintsEachSpikeAsAnObjectWhoseSumsAreExact) {
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "10", "--duration-us", "500", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  ASSERT_EQ(daemon_.Hftmon({"attach", std::to_string(run.pid())}).exit_code, 0);
  const json truth = run.Act();
  const CommandResult result =
      daemon_.Hftmon({"spikes", "--json", "-p", std::to_string(run.pid()), "--window", "60s", "--threshold", "200us"});
  ASSERT_GE(result.exit_code, 0) << result.error;
  std::istringstream lines(result.output);
  ASSERT_EQ(truth["preemptions"].size(), 10u);
  // Before the first and after the last one the preemptor begins and ends: what that takes it does not measure.
  const int64_t measured_from_ns = truth["preemptions"].front()["start_ns"];
  const int64_t measured_until_ns = truth["preemptions"].back()["end_ns"];
  std::set<int64_t> preemptions;  // that a spike was printed for, by their start
  for (std::string line; std::getline(lines, line);) {
    const json spike = json::parse(line, nullptr, false);
    ASSERT_TRUE(spike.is_object()) << line;
    if (!spike.contains("duration_ns")) continue;
    int64_t sum_ns = spike["unexplained_ns"];
    double shares = 0;
    for (const json& cause : spike["causes"]) {
      sum_ns += cause["duration_ns"].get<int64_t>();
      shares += cause["share"].get<double>();
    }
    EXPECT_EQ(sum_ns, spike["duration_ns"]);
    EXPECT_NEAR(shares + spike["unexplained_ns"].get<double>() / spike["duration_ns"].get<double>(), 1.0, 1e-6);
    if (spike["tid"] == truth["spinner_tid"] && !spike["causes"].empty() && spike["causes"][0]["actor"]["tid"] == truth["fifo_tid"]) {
      const int64_t start_ns = spike["start_ns"];
      const int64_t end_ns = start_ns + spike["duration_ns"].get<int64_t>();
      if (end_ns <= measured_from_ns || start_ns >= measured_until_ns) continue;
      const auto preemption = std::find_if(truth["preemptions"].begin(), truth["preemptions"].end(), [&](const json& candidate) {
        return start_ns < candidate["end_ns"].get<int64_t>() && candidate["start_ns"].get<int64_t>() < end_ns;
      });
      ASSERT_TRUE(preemption != truth["preemptions"].end()) << "the preemptor slept then: " << line << "\n" << truth.dump();
      preemptions.insert((*preemption)["start_ns"].get<int64_t>());
    }
  }
  EXPECT_EQ(preemptions.size(), 10u) << result.output;
}

// Spikes of one thread whose ends a record told, summed.
struct SpikeSums {
  uint64_t count = 0;
  int64_t duration_ns = 0;
  int64_t blamed_on_peer_ns = 0;
};

SpikeSums SumSpikes(const v1::DetectSpikesResponse& answer, pid_t tid, pid_t peer) {
  SpikeSums sums;
  for (const v1::Spike& spike : answer.spikes()) {
    if (spike.thread().tid() != tid || spike.kind() == "interrupted" || spike.inconclusive()) continue;  // of waits
    ExpectExactBudget(spike);
    ++sums.count;
    sums.duration_ns += spike.duration_ns();
    sums.blamed_on_peer_ns += BlamedOn(spike, peer);
  }
  return sums;
}

TEST_F(PreemptionTest, TwoSpinnersAreEachOthersCauseAndTheirWaitsSumToSchedstat) {
  constexpr int64_t kThresholdNs = 1'000;
  const SwitchWitness witness;
  // Watched from birth: of a thread attached later the first wait is no event, it may have begun before.
  WorkloadRun run("two_spinners", {"--cpu", CpuArgument()},
                  {BinaryPath("hftmon"), "--server", daemon_.address(), "run", "--quiet", "--threshold", "1us", "--"});
  ASSERT_TRUE(run.about().is_object()) << run.process().ErrorText();
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  const nlohmann::json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  const auto switches = daemon_.Switches(run.pid());
  const auto spikes = daemon_.Spikes(run.pid(), kThresholdNs);
  ASSERT_TRUE(switches.ok() && spikes.ok()) << switches.status() << spikes.status();
  EXPECT_EQ(spikes->lost_records(), 0u);
  const bool all_shown = witness.UnseenSwitchIns() == 0;
  for (size_t i = 0; i < 2; ++i) {
    const pid_t tid = truth["threads"][i]["tid"];
    const nlohmann::json& peer = truth["threads"][1 - i];
    SCOPED_TRACE(truth.dump());
    const SpikeSums sums = SumSpikes(*spikes, tid, peer["tid"]);
    EXPECT_GT(sums.blamed_on_peer_ns, 0);
    const v1::ThreadSwitches* thread = FindThread(*switches, tid);
    ASSERT_NE(thread, nullptr);
    const int64_t run_delay_ns = workload::ReadThreadCounts(run.pid(), tid)->run_delay_ns;
    EXPECT_EQ(thread->run_queue_latency().sum_ns(), run_delay_ns);
    EXPECT_LE(sums.duration_ns, run_delay_ns);
    if (!all_shown) continue;  // some of the waits' ends and some of who ran were shown to nobody
    // What the spikes leave out are waits at or below the threshold.
    const uint64_t rest_count = thread->run_queue_latency().count() - sums.count;
    EXPECT_LE(run_delay_ns - sums.duration_ns, static_cast<int64_t>(rest_count) * kThresholdNs);
    // Whenever the peer ran this one waited: what it is blamed for is the CPU time it used.
    EXPECT_TRUE(Agrees(sums.blamed_on_peer_ns, peer["cpu_time_ns"])) << sums.blamed_on_peer_ns;
  }
}

TEST_F(PreemptionTest, SleepingIsNoSpikeUnlessAskedFor) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "20", "--duration-us", "5000"});
  const SwitchWitness witness;
  ASSERT_TRUE(daemon_.Attach(run.pid(), 0, 1'000'000).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const auto unasked = daemon_.Spikes(run.pid());
  ASSERT_TRUE(unasked.ok()) << unasked.status();
  for (const v1::Spike& spike : unasked->spikes()) EXPECT_NE(spike.kind(), "blocked") << spike.DebugString();

  const auto asked = daemon_.Spikes(run.pid(), 0, 2'000'000);
  ASSERT_TRUE(asked.ok()) << asked.status();
  uint64_t unseen = 0;
  for (const json& sleep : truth["sleeps"]) {
    SCOPED_TRACE(sleep.dump());
    const int64_t start_ns = sleep["start_ns"];
    const int64_t measured_ns = sleep["duration_ns"];
    const auto spike = std::find_if(asked->spikes().begin(), asked->spikes().end(), [&](const v1::Spike& candidate) {
      return candidate.kind() == "blocked" && candidate.start_monotonic_ns() >= start_ns &&
             candidate.start_monotonic_ns() < start_ns + measured_ns;
    });
    if (spike == asked->spikes().end()) {
      ++unseen;
      continue;
    }
    SCOPED_TRACE(spike->DebugString());
    ExpectExactBudget(*spike);
    // It slept no less than it asked for, and within what it measured: on a busy host some of that is time before and after the sleep.
    EXPECT_GE(spike->duration_ns(), 5'000'000);
    EXPECT_LE(spike->start_monotonic_ns() + spike->duration_ns(), start_ns + measured_ns);
    const auto blocked =
        std::find_if(spike->causes().begin(), spike->causes().end(), [](const v1::Cause& cause) { return cause.kind() == "blocked"; });
    ASSERT_NE(blocked, spike->causes().end());
    EXPECT_THAT(blocked->evidence(), ::testing::HasSubstr("nanosleep"));
  }
  // A sleep whose end the kernel showed to no program has no spike: see SwitchWitness.
  EXPECT_LE(unseen, witness.UnseenSwitchIns(run.about()["tid"].get<pid_t>()));
}

TEST_F(PreemptionTest, OffCpuEventsNameTheCallTheThreadSleptIn) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "10", "--duration-us", "5000"});
  const SwitchWitness witness;
  ASSERT_TRUE(daemon_.Attach(run.pid(), 0, 1'000'000).ok());
  v1::QueryContextSwitchesRequest request;
  request.add_pids(run.pid());
  request.set_min_duration_ns(4'000'000);
  // A window that reaches back before the attachment is incomplete, and says so: begin when one does not.
  request.set_window_ns(50'000'000);
  ASSERT_TRUE(Eventually([&] {
    const auto before = daemon_.client().QueryContextSwitches(request);
    return before.ok() && !before->events_incomplete();
  }));
  const int64_t begin_ns = workload::NowNs();
  ASSERT_TRUE(run.Act().is_object());
  request.set_window_ns(workload::NowNs() - begin_ns);
  const auto answer = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->events_incomplete()) << answer->DebugString();
  uint64_t sleeps = 0;
  for (const v1::SwitchEvent& event : answer->events()) {
    if (event.syscall() != "clock_nanosleep" && event.syscall() != "nanosleep") continue;
    ++sleeps;
    EXPECT_EQ(event.kind(), "blocked_syscall");
    EXPECT_TRUE(event.voluntary());
    EXPECT_GE(event.duration_ns(), 4'000'000);
  }
  // A sleep whose end the kernel showed to no program is no event: see SwitchWitness.
  EXPECT_LE(sleeps, 10u);
  EXPECT_GE(sleeps + witness.UnseenSwitchIns(run.about()["tid"].get<pid_t>()), 10u);
}

}  // namespace
}  // namespace hftmon::testing
