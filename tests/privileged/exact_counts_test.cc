// Counts are the kernel's own, to the last digit: /proc/PID/task/*/{status,schedstat} against what the daemon answers.
// HFTMON_TEST_SWITCHES sets the number of switches (default 1,000,000; the release is measured with 10,000,000).
#include <cstdlib>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using workload::ReadProcessCounts;
using workload::ThreadCounts;

std::string SwitchCount() {
  const char* asked = std::getenv("HFTMON_TEST_SWITCHES");
  return asked != nullptr ? asked : "1000000";
}

uint64_t SumOfKinds(const v1::ThreadSwitches& thread) {
  uint64_t sum = 0;
  for (const auto& [kind, count] : thread.kinds()) sum += count;
  return sum;
}

// Less, and the rings hold what comes meanwhile.
constexpr int64_t kLoopAwayNs = 10'000'000;

// `before` and `after` were read while the process was blocked; empty `before`: it was watched from birth.
void ExpectExact(const v1::QueryContextSwitchesResponse& answer, const SwitchWitness& witness, const std::vector<ThreadCounts>& before,
                 const std::vector<ThreadCounts>& after, int64_t loop_gap_max_ns) {
  SCOPED_TRACE(answer.window().ShortDebugString());
  // Counts do not depend on records. A host that stops a virtual CPU for more than a millisecond inside a program makes its cell be given
  // up.
  if (answer.lost_records() > 0) std::printf("%llu records were given up\n", static_cast<unsigned long long>(answer.lost_records()));
  // A ring that is overrun loses a quarter of itself: only while the host kept the loop away from its CPU, as its own clock tells.
  if (loop_gap_max_ns < kLoopAwayNs) {
    EXPECT_LE(answer.lost_records(), 3u) << "the loop was never away for more than " << loop_gap_max_ns << " ns";
  }
  for (const ThreadCounts& now : after) {
    SCOPED_TRACE(now.comm + " " + std::to_string(now.tid));
    ThreadCounts then;
    for (const ThreadCounts& candidate : before) {
      if (candidate.tid == now.tid) then = candidate;
    }
    const v1::ThreadSwitches* thread = FindThread(answer, now.tid);
    if (thread == nullptr) {
      // A thread that did nothing since it is watched is not in the answer.
      EXPECT_EQ(now.voluntary_count + now.involuntary_count, then.voluntary_count + then.involuntary_count);
      continue;
    }
    EXPECT_EQ(thread->voluntary_total(), now.voluntary_count);
    EXPECT_EQ(thread->involuntary_total(), now.involuntary_count);
    EXPECT_EQ(thread->run_delay_total_ns(), now.run_delay_ns);
    EXPECT_EQ(thread->voluntary_count(), now.voluntary_count - then.voluntary_count);
    EXPECT_EQ(thread->involuntary_count(), now.involuntary_count - then.involuntary_count);
    EXPECT_EQ(thread->run_queue_latency().sum_ns(), now.run_delay_ns - then.run_delay_ns);
    EXPECT_EQ(SumOfKinds(*thread), thread->voluntary_count() + thread->involuntary_count());
    EXPECT_EQ(thread->discarded_count(), 0u);
    // It was blocked before and is again: as often as it left, it came. The histograms hold each coming that the kernel showed.
    const uint64_t switches = thread->voluntary_count() + thread->involuntary_count();
    const uint64_t seen = switches - witness.UnseenSwitchIns(now.tid);
    ::testing::Test::RecordProperty("unseen_switch_ins_of_" + now.comm, static_cast<int>(switches - seen));
    EXPECT_EQ(thread->run_queue_latency().count(), seen);
    EXPECT_EQ(thread->run_queue_depth().count(), seen);
    // It was not seen leaving before the first of them.
    EXPECT_GE(thread->off_cpu().count(), seen - 1);
    EXPECT_LE(thread->off_cpu().count(), seen - (seen == switches));
  }
}

class ExactCountsTest : public PrivilegedTest {
 protected:
  // Two threads that wake each other that often, attached to the daemon before it. The answer's counts are exact; returned for more.
  void PlayWatchedBy(const DaemonUnderTest& daemon, const std::string& switches, v1::QueryContextSwitchesResponse* out) const {
    WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
    ASSERT_TRUE(game.about().is_object());
    ASSERT_TRUE(WaitUntilBlocked(game.pid()));
    const std::vector<ThreadCounts> before = ReadProcessCounts(game.pid());
    const SwitchWitness witness;
    ASSERT_TRUE(daemon.Attach(game.pid()).ok());
    ASSERT_TRUE(game.Act(switches).is_object()) << game.process().ErrorText();
    ASSERT_TRUE(WaitUntilBlocked(game.pid()));
    const auto answer = daemon.Switches(game.pid());
    ASSERT_TRUE(answer.ok()) << answer.status();
    const std::vector<ThreadCounts> after = ReadProcessCounts(game.pid());
    ASSERT_EQ(after.size(), 3u);
    const auto status = daemon.client().GetStatus();
    ASSERT_TRUE(status.ok()) << status.status();
    ExpectExact(*answer, witness, before, after, status->loop().gap_max_ns());
    *out = *answer;
  }
};

TEST_F(ExactCountsTest, CountsOfAnAttachedProcessEqualProcToTheLastDigit) {
  v1::QueryContextSwitchesResponse answer;
  ASSERT_NO_FATAL_FAILURE(PlayWatchedBy(daemon_, SwitchCount(), &answer));
}

// The same programs compiled for kernels without tp_btf. How a thread left is known from the counts only, so voluntary switches are
// `unknown`.
TEST_F(ExactCountsTest, CountsThroughRawTracepointsAreTheSame) {
  DaemonUnderTest raw({.arguments = {"--kernel-access", "raw"}});
  const absl::Status started = raw.Start();
  ASSERT_TRUE(started.ok()) << started;
  v1::QueryContextSwitchesResponse answer;
  ASSERT_NO_FATAL_FAILURE(PlayWatchedBy(raw, "100000", &answer));
  for (const v1::ThreadSwitches& thread : answer.threads()) EXPECT_EQ(thread.kinds().count("blocked_syscall"), 0u);
  const auto status = raw.client().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  for (const v1::ProbeStatus& probe : status->probes()) {
    if (probe.attach_point().starts_with("software event ")) continue;  // no tracepoint
    EXPECT_EQ(probe.attach_point().substr(0, 7), "raw_tp/") << probe.name();
  }
}

TEST_F(ExactCountsTest, CountsOfAProcessWatchedFromBirthAreItsWholeLife) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()}, {BinaryPath("hftmon"), "--server", daemon_.address(), "run", "--"});
  ASSERT_TRUE(game.about().is_object()) << game.process().ErrorText();
  ASSERT_TRUE(game.Act("100000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto answer = daemon_.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  const std::vector<ThreadCounts> after = ReadProcessCounts(game.pid());
  ASSERT_EQ(after.size(), 3u);
  for (const ThreadCounts& now : after) {
    if (now.tid == game.pid()) continue;  // the leader lived before exec: its own counts began in the launcher's child
    SCOPED_TRACE(now.comm);
    const v1::ThreadSwitches* thread = FindThread(*answer, now.tid);
    ASSERT_NE(thread, nullptr);
    EXPECT_EQ(thread->voluntary_count(), now.voluntary_count);
    EXPECT_EQ(thread->involuntary_count(), now.involuntary_count);
    EXPECT_EQ(thread->run_queue_latency().sum_ns(), now.run_delay_ns);
  }
}

TEST_F(ExactCountsTest, CountsOfAStoppedProcessEqualProcWhileItsThreadsWereBusy) {
  WorkloadRun spinners("two_spinners", {"--cpu", CpuArgument(), "--milliseconds", "60000"});
  ASSERT_TRUE(spinners.about().is_object());
  ASSERT_TRUE(WaitUntilBlocked(spinners.pid()));
  ASSERT_TRUE(daemon_.Attach(spinners.pid()).ok());
  spinners.Say("go");
  const pid_t tid = spinners.about()["tids"][0];
  ASSERT_TRUE(Eventually(
      [&] {
        const auto counts = workload::ReadThreadCounts(spinners.pid(), tid);
        return counts && counts->involuntary_count > 20;
      },
      50'000'000'000));
  kill(spinners.pid(), SIGSTOP);
  ASSERT_TRUE(WaitUntilBlocked(spinners.pid()));
  const auto answer = daemon_.Switches(spinners.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (const ThreadCounts& now : ReadProcessCounts(spinners.pid())) {
    SCOPED_TRACE(now.comm);
    const v1::ThreadSwitches* thread = FindThread(*answer, now.tid);
    ASSERT_NE(thread, nullptr);
    EXPECT_EQ(thread->voluntary_total(), now.voluntary_count);
    EXPECT_EQ(thread->involuntary_total(), now.involuntary_count);
    EXPECT_EQ(thread->run_delay_total_ns(), now.run_delay_ns);
  }
}

TEST_F(ExactCountsTest, TheCommandLinePrintsTheSameCounts) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const std::vector<ThreadCounts> before = ReadProcessCounts(game.pid());
  ASSERT_EQ(daemon_.Hftmon({"attach", std::to_string(game.pid())}).exit_code, 0);
  ASSERT_TRUE(game.Act("10000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const nlohmann::json answer = daemon_.HftmonJson({"switches", "-p", std::to_string(game.pid()), "--window", "60s"});
  ASSERT_TRUE(answer.is_object());
  EXPECT_TRUE(answer.contains("schema_version"));
  EXPECT_EQ(answer["lost_records"], 0);
  const std::vector<ThreadCounts> after = ReadProcessCounts(game.pid());
  for (size_t i = 1; i < after.size(); ++i) {
    const auto found =
        std::find_if(answer["threads"].begin(), answer["threads"].end(), [&](const auto& row) { return row["tid"] == after[i].tid; });
    ASSERT_NE(found, answer["threads"].end());
    EXPECT_EQ((*found)["voluntary_count"], after[i].voluntary_count - before[i].voluntary_count);
    EXPECT_EQ((*found)["involuntary_count"], after[i].involuntary_count - before[i].involuntary_count);
    EXPECT_EQ((*found)["run_queue_latency"]["sum_ns"], after[i].run_delay_ns - before[i].run_delay_ns);
    EXPECT_EQ((*found)["comm"], after[i].comm);
  }
}

}  // namespace
}  // namespace hftmon::testing
