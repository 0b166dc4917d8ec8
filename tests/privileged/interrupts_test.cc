// Stolen time against what the interrupted thread saw in its own time: a timer storm, an IPI storm, a softirq load.
//
// A gap is longer than the handler in it: the processor's way in and out, and on a virtual machine the hypervisor's way of delivering an
// interrupt (8 us were seen), have no kernel event. The storms' handlers are long enough that this is less than the 5 % allowed. Gaps
// without any handler are the host's own; they must be in no spike.
#include <algorithm>
#include <map>
#include <vector>

#include "tests/privileged/harness/veth_pair.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 20'000;
constexpr int64_t kEveryStretchNs = 2'000;  // the tick's too
constexpr int64_t kStormNs = 250'000;       // of an IPI storm's handlers, at least

struct Gap {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t duration_ns() const { return end_ns - begin_ns; }
};

// One of the storm's own gaps, and what the daemon says of it.
struct Match {
  Gap gap;
  int64_t stolen_ns = 0;       // by the source
  int64_t interrupted_ns = 0;  // all spikes in it
};

int64_t Median(std::vector<int64_t> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

class InterruptsTest : public PrivilegedTest {
 protected:
  // Spikes of kind interrupted of the thread that have ended.
  std::vector<v1::Spike> Interruptions(pid_t pid, pid_t tid, int64_t threshold_ns = kThresholdNs) {
    std::vector<v1::Spike> spikes;
    const auto answer = daemon_.Spikes(pid, threshold_ns);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return spikes;
    EXPECT_EQ(answer->lost_records(), 0u);
    for (const v1::Spike& spike : answer->spikes()) {
      if (spike.thread().tid() != tid || spike.kind() != "interrupted" || spike.in_progress()) continue;
      ExpectExactBudget(spike);
      spikes.push_back(spike);
    }
    return spikes;
  }

  // The gaps in which the source took at least half of the time.
  static std::vector<Match> MatchesOf(const json& truth, const std::vector<v1::Spike>& spikes, const std::string& source) {
    std::vector<Match> matches;
    for (const json& entry : truth["gaps"]) {
      Match match{.gap = {entry[0], entry[1]}};
      for (const v1::Spike& spike : spikes) {
        const int64_t end_ns = spike.start_monotonic_ns() + spike.duration_ns();
        if (spike.start_monotonic_ns() < match.gap.begin_ns || end_ns > match.gap.end_ns) continue;
        match.interrupted_ns += spike.duration_ns();
        for (const v1::Cause& cause : spike.causes()) {
          if (cause.actor().name() == source) match.stolen_ns += cause.duration_ns();
        }
      }
      if (match.stolen_ns * 2 > match.gap.duration_ns()) matches.push_back(match);
    }
    return matches;
  }

  // Half of the storm's gaps agree to 5 % (the host may have taken time within single ones), and no spike is outside of every gap.
  static void ExpectAgreement(const std::vector<Match>& matches, size_t wanted, const std::string& source) {
    ASSERT_GE(matches.size(), wanted) << "gaps that " << source << " explains";
    std::vector<int64_t> permille;
    int64_t stolen_ns = 0;
    int64_t gaps_ns = 0;
    for (const Match& match : matches) {
      permille.push_back(match.stolen_ns * 1000 / match.gap.duration_ns());
      stolen_ns += match.stolen_ns;
      gaps_ns += match.gap.duration_ns();
    }
    std::printf("%s: %zu gaps, %.1f us of %.1f us (%.1f %%), median %.1f %%\n", source.c_str(), matches.size(),
                static_cast<double>(stolen_ns) / 1e3, static_cast<double>(gaps_ns) / 1e3,
                100.0 * static_cast<double>(stolen_ns) / static_cast<double>(gaps_ns), static_cast<double>(Median(permille)) / 10);
    EXPECT_GE(Median(permille), 950);
    EXPECT_LE(Median(permille), 1000);
  }

  // A spike that overlaps no gap would be time that nobody lost. Gaps that overlap no spike are the host's: printed, given to nobody.
  static void ExpectEverySpikeInAGap(const json& truth, const std::vector<v1::Spike>& spikes) {
    for (const v1::Spike& spike : spikes) {
      const int64_t end_ns = spike.start_monotonic_ns() + spike.duration_ns();
      if (spike.start_monotonic_ns() < truth["start_ns"].get<int64_t>() || end_ns > truth["end_ns"].get<int64_t>()) continue;
      const auto overlaps = [&](const json& time) {
        return time[0].get<int64_t>() < end_ns && spike.start_monotonic_ns() < time[1].get<int64_t>();
      };
      const bool seen = std::any_of(truth["gaps"].begin(), truth["gaps"].end(), overlaps);
      const bool busy = std::any_of(truth["own"].begin(), truth["own"].end(), overlaps);
      EXPECT_TRUE(seen || busy) << spike.DebugString();
    }
    int64_t count = 0;
    int64_t sum_ns = 0;
    for (const json& gap : truth["gaps"]) {
      const Gap one{gap[0], gap[1]};
      if (one.duration_ns() <= kThresholdNs) continue;
      const bool explained = std::any_of(spikes.begin(), spikes.end(), [&](const v1::Spike& spike) {
        return spike.start_monotonic_ns() < one.end_ns && one.begin_ns < spike.start_monotonic_ns() + spike.duration_ns();
      });
      count += explained ? 0 : 1;
      sum_ns += explained ? 0 : one.duration_ns();
    }
    std::printf("the host's own: %lld gaps above the threshold without a stretch above it, %.1f us\n", static_cast<long long>(count),
                static_cast<double>(sum_ns) / 1e3);
  }

  // The figures of QueryInterrupts hold at least what the spikes told.
  void ExpectFigures(pid_t pid, pid_t tid, const std::string& source, const std::vector<Match>& matches) {
    v1::QueryInterruptsRequest request;
    request.add_pids(pid);
    const auto answer = daemon_.client().QueryInterrupts(request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    int64_t told_ns = 0;
    for (const Match& match : matches) told_ns += match.stolen_ns;
    for (const v1::ThreadInterrupts& thread : answer->threads()) {
      if (thread.thread().tid() != tid) continue;
      for (const v1::InterruptSource& one : thread.sources()) {
        if (one.name() != source) continue;
        EXPECT_GE(one.self_ns(), told_ns);
        EXPECT_GE(one.count(), matches.size());
        return;
      }
    }
    ADD_FAILURE() << source << " is not among the sources of thread " << tid << ": " << answer->DebugString();
  }
};

TEST_F(InterruptsTest, ATimerStormIsTheLocalTimersAndAsLongAsTheThreadSaw) {
  WorkloadRun run("interrupted_spinner", {"--cpu", CpuArgument(), "--storm", "timers", "--weight", "4000", "--count", "20", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  if (run.about()["weight"] < 2000) GTEST_SKIP() << "too few descriptors for a storm: raise the limit of open files above 4096";
  ASSERT_TRUE(daemon_.Attach(run.pid(), kThresholdNs).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const std::vector<v1::Spike> spikes = Interruptions(run.pid(), truth["spinner_tid"]);
  const std::vector<Match> matches = MatchesOf(truth, spikes, "local_timer");
  std::vector<Match> storms;
  for (const Match& match : matches) {
    if (match.gap.duration_ns() > 150'000) storms.push_back(match);
  }
  ExpectAgreement(storms, 15, "local_timer");
  ExpectEverySpikeInAGap(truth, spikes);
  ExpectFigures(run.pid(), truth["spinner_tid"], "local_timer", storms);
}

// The period is no multiple of a tick's, so that few of the handlers meet one.
TEST_F(InterruptsTest, AnIpiStormIsCallFunctionAndAsLongAsTheThreadSaw) {
  WorkloadRun run("interrupted_spinner",
                  {"--cpu", CpuArgument(), "--storm", "ipi", "--weight", "3000", "--count", "40", "--period-us", "17300", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  if (run.about()["other_cpu"] < 0) GTEST_SKIP() << "an IPI comes from another CPU: this process may use only one";
  ASSERT_TRUE(daemon_.Attach(run.pid(), kEveryStretchNs).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const std::vector<v1::Spike> spikes = Interruptions(run.pid(), truth["spinner_tid"], kEveryStretchNs);
  std::vector<Match> storms;
  size_t shared = 0;
  for (const Match& match : MatchesOf(truth, spikes, "call_function")) {
    if (match.gap.duration_ns() < kStormNs) continue;
    // A tick that falls due within the handler comes at its end: another interrupt, with a way in and out of its own, in the same gap.
    if (match.interrupted_ns > match.stolen_ns) {
      ++shared;
    } else {
      storms.push_back(match);
    }
  }
  const auto seen = std::count_if(truth["gaps"].begin(), truth["gaps"].end(),
                                  [](const json& gap) { return gap[1].get<int64_t>() - gap[0].get<int64_t>() >= kStormNs; });
  std::printf("call_function: %zu further gaps in which another source took part\n", shared);
  if (seen < 20) GTEST_SKIP() << "only " << seen << " of 40 handlers were long enough to judge 5 %: this host's are quick";
  EXPECT_GE(storms.size() + shared, 20u) << "gaps of the storm that are call_function's";
  // A kernel that ticks a thousand times a second has one in most handlers.
  if (storms.size() < 8) GTEST_SKIP() << "only " << storms.size() << " handlers met no tick";
  ExpectAgreement(storms, 8, "call_function");
  ExpectEverySpikeInAGap(truth, spikes);
  ExpectFigures(run.pid(), truth["spinner_tid"], "call_function", storms);
}

TEST_F(InterruptsTest, ASoftirqLoadIsNetRxAndAsLongAsTheThreadSaw) {
  const int cpu = daemon_.WorkloadCpu();
  const VethPair veth(cpu);
  if (!veth.fault().empty()) GTEST_SKIP() << veth.fault();
  WorkloadRun run("interrupted_spinner", {"--cpu", CpuArgument(), "--storm", "quiet", "--count", "35", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  if (run.about()["other_cpu"] < 0) GTEST_SKIP() << "the sender needs another CPU: this process may use only one";
  ASSERT_TRUE(daemon_.Attach(run.pid(), kThresholdNs).ok());
  // Each packet is delivered 300 times within one softirq, so that a burst is one long stretch.
  WorkloadRun receivers("udp_receivers", {"--interface", "10.213.9.2", "--members", "300"}, {"ip", "netns", "exec", veth.receiver()});
  ASSERT_TRUE(receivers.about().is_object());
  if (receivers.about()["refused"] != "") GTEST_SKIP() << receivers.about()["refused"];
  WorkloadRun sender("udp_sender",
                     {"--cpu", std::to_string(run.about()["other_cpu"].get<int>()), "--address", "239.9.9.9", "--port", "9999", "--bursts",
                      "25", "--packets", "10", "--period-us", "20000"},
                     {"ip", "netns", "exec", veth.sender()});
  ASSERT_TRUE(sender.about().is_object());
  run.Say("go");
  ASSERT_TRUE(sender.Act().is_object());
  const json truth = run.Read();
  ASSERT_TRUE(truth.is_object());
  const std::vector<v1::Spike> spikes = Interruptions(run.pid(), truth["spinner_tid"]);
  std::vector<Match> storms;
  for (const Match& match : MatchesOf(truth, spikes, "NET_RX")) {
    if (match.gap.duration_ns() > 250'000) storms.push_back(match);
  }
  if (storms.size() < 5) GTEST_SKIP() << "only " << storms.size() << " stretches of NET_RX were long enough to judge 5 %";
  // The softirq's own time lacks what nested in it (the IPIs and ticks of its time); the stretch has both.
  for (Match& match : storms) match.stolen_ns = match.interrupted_ns;
  ExpectAgreement(storms, 5, "NET_RX");
  ExpectEverySpikeInAGap(truth, spikes);
}

}  // namespace
}  // namespace hftmon::testing
