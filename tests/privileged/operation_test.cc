// Modes, quiet hours, off and on, against this kernel.
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using workload::ReadProcessCounts;
using workload::ThreadCounts;

class OperationTest : public PrivilegedTest {
 protected:
  v1::OperationStatus Collect(bool on) const {
    v1::SetCollectingRequest request;
    request.set_on(on);
    const auto response = daemon_.client().SetCollecting(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->operation() : v1::OperationStatus();
  }
  absl::StatusOr<v1::SetModeResponse> SetMode(const std::string& mode, const std::string& scheduling = "") const {
    v1::SetModeRequest request;
    request.set_mode(mode);
    request.set_scheduling(scheduling);
    return daemon_.client().SetMode(request);
  }
  std::map<std::string, uint64_t> RunCounts() const {
    std::map<std::string, uint64_t> counts;
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    for (const v1::ProbeStatus& probe : status->probes()) counts[probe.name()] = probe.run_count();
    return counts;
  }
  int64_t Used(const std::string& name) const {
    const auto status = daemon_.client().GetStatus();
    for (const v1::Bound& bound : status->bounds()) {
      if (bound.name() == name) return bound.used();
    }
    return -1;
  }
  // Mask of each thread of the daemon but the loop, as /proc prints it.
  std::set<std::string> MasksOfOtherThreads() const {
    std::set<std::string> masks;
    const std::filesystem::path folder = "/proc/" + std::to_string(daemon_.pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(folder)) {
      std::ifstream status(task.path() / "status");
      std::string comm;
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Name:")) comm = line.substr(line.find('\t') + 1);
        if (line.starts_with("Cpus_allowed_list:") && comm != "hftmon_loop") masks.insert(line.substr(line.find('\t') + 1));
      }
    }
    return masks;
  }
};

TEST_F(OperationTest, OffStopsEveryProgramAndAfterOnTheCountsAreExactAgain) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(game.about().is_object());
  ASSERT_TRUE(daemon_.Attach(game.pid(), 1'000, 1'000).ok());
  ASSERT_TRUE(game.Act("2000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const v1::OperationStatus off = Collect(false);
  EXPECT_TRUE(off.off());
  const auto before = RunCounts();
  const auto counted = daemon_.Switches(game.pid());
  ASSERT_TRUE(game.Act("20000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  Subprocess brief({"true"});  // a fork, an exec and an end
  brief.Wait();
  EXPECT_EQ(RunCounts(), before) << "a program did something while off";
  const auto unchanged = daemon_.Switches(game.pid());
  ASSERT_TRUE(counted.ok() && unchanged.ok());
  EXPECT_GT(unchanged->window().off_ns(), 0);
  for (const v1::ThreadSwitches& thread : counted->threads()) {
    const v1::ThreadSwitches* now = FindThread(*unchanged, thread.thread().tid());
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->voluntary_total(), thread.voluntary_total());
  }

  const v1::OperationStatus on = Collect(true);
  EXPECT_FALSE(on.off());
  EXPECT_EQ(on.off_count(), 1u);
  ASSERT_TRUE(game.Act("2000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto after = daemon_.Switches(game.pid());
  ASSERT_TRUE(after.ok()) << after.status();
  ExpectTotalsOfProc(game.pid(), *after);
  EXPECT_GE(after->window().off_ns(), 20'000'000) << "the grace time at least";
  EXPECT_GT(RunCounts().at("on_switch"), before.at("on_switch"));
  for (const v1::ThreadSwitches& thread : after->threads()) EXPECT_EQ(thread.discarded_count(), 0u) << thread.ShortDebugString();
}

TEST_F(OperationTest, ASpikeThatBeganWhileOffIsInconclusiveAndNamesNobodyWhoseRunWasNotSeen) {
  // Every 20 ms the spinner is kept from its CPU for 10 ms: a change in the middle of a wait is the rule.
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "150", "--period-us", "20000", "--duration-us", "10000"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  ASSERT_TRUE(daemon_.Attach(run.pid(), 1'000'000).ok());
  run.Say("go");
  struct Period {
    int64_t begin_ns;
    int64_t end_ns;
  };
  std::vector<Period> periods;
  for (int i = 0; i < 40; ++i) {
    const int64_t begin_ns = Collect(false).off_since_monotonic_ns();
    Collect(true);
    periods.push_back({begin_ns, workload::NowNs()});
    workload::SleepUntil(workload::NowNs() + 15'000'000 + i * 100'000);
  }
  ASSERT_TRUE(run.Read().is_object());
  const auto spikes = daemon_.Spikes(run.pid());
  ASSERT_TRUE(spikes.ok()) << spikes.status();
  int touching = 0;
  for (const v1::Spike& spike : spikes->spikes()) {
    ExpectExactBudget(spike);
    const int64_t begin_ns = spike.start_monotonic_ns();
    const int64_t end_ns = begin_ns + spike.duration_ns();
    for (const Period& period : periods) {
      // Off lasts its grace time of 20 ms at least, and the answer came a little after the programs went on: a spike that begins in between
      // is whole.
      if (begin_ns >= period.begin_ns + 20'000'000 || end_ns <= period.begin_ns) continue;
      ++touching;
      EXPECT_TRUE(spike.inconclusive()) << spike.ShortDebugString();
    }
  }
  RecordProperty("spikes_touching_an_off_time", touching);
  EXPECT_GT(spikes->spikes_size(), 0);
  EXPECT_GT(spikes->window().off_ns(), 0);
}

TEST_F(OperationTest, AHundredRoundsOfOffAndOnUnderLoadLeakNothing) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(game.about().is_object());
  ASSERT_TRUE(daemon_.Attach(game.pid(), 1'000'000).ok());
  game.Say("3000000");
  const auto round = [&] {
    Collect(false);
    WorkloadRun brief("sleeper", {"--count", "1"}, {BinaryPath("hftmon"), "--server", daemon_.address(), "run", "--quiet", "--"});
    Collect(true);
    brief.Act();
    brief.End();
  };
  for (int i = 0; i < 10; ++i) round();
  const ProcessBelongings before = ReadBelongings(daemon_.pid());
  const int64_t targets_before = 1;
  for (int i = 0; i < 100; ++i) round();
  ASSERT_TRUE(game.Read().is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const ProcessBelongings after = ReadBelongings(daemon_.pid());
  EXPECT_EQ(after.bpf_objects, before.bpf_objects);
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= before.fds; }));
  EXPECT_LT(after.rss_bytes - before.rss_bytes, 4 << 20);
  EXPECT_TRUE(Eventually([&] { return Used("targets") == targets_before; })) << Used("targets");
  EXPECT_TRUE(Eventually([&] { return Used("threads") == 3; })) << Used("threads") << " slots in use for 3 threads";
  const auto answer = daemon_.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  // A last switch under watch, so that the copies are fresh.
  ASSERT_TRUE(game.Act("1000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto fresh = daemon_.Switches(game.pid());
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  ExpectTotalsOfProc(game.pid(), *fresh);
}

TEST_F(OperationTest, InQuietModeNothingIsLoadedOrMadeWhateverIsAskedFor) {
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  const auto set = daemon_.client().SetQuiet(quiet);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_TRUE(set->operation().quiet());
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(game.about().is_object());
  const std::set<std::string> held = BpfObjectsOf(daemon_.pid());
  const BpfIds before = TakeBpfIds();
  ASSERT_GT(before.program, 0u);
  ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
  v1::UpdateTargetRequest update;
  update.set_pid(game.pid());
  update.mutable_options()->set_spike_threshold_ns(20'000);
  update.mutable_options_mask()->add_paths("spike_threshold_ns");
  EXPECT_TRUE(daemon_.client().UpdateTarget(update).ok());
  v1::StreamSpikesRequest request;
  request.set_threshold_ns(10'000);
  auto stream = daemon_.client().StreamSpikes(request);
  v1::StreamSpikesResponse first;
  EXPECT_TRUE(stream->Read(&first));
  EXPECT_TRUE(game.Act("2000").is_object());
  EXPECT_TRUE(daemon_.Switches(game.pid()).ok());
  EXPECT_TRUE(daemon_.Spikes(game.pid()).ok());
  EXPECT_TRUE(SetMode("economy").ok());
  EXPECT_TRUE(SetMode("auto").ok());
  Collect(false);
  Collect(true);
  stream->Cancel();
  EXPECT_TRUE(daemon_.Detach(game.pid()).ok());
  EXPECT_EQ(BpfObjectsOf(daemon_.pid()), held);
  // Ids are given in turn: whatever had been loaded or made meanwhile, and gone again, would have taken some.
  const BpfIds after = TakeBpfIds();
  EXPECT_EQ(after.program, before.program + 1);
  EXPECT_EQ(after.map, before.map + 1);
}

TEST_F(OperationTest, TheOtherThreadsLeaveTheLoopsCpuWhenItBeginsToOwnItAndComeBackAfterwards) {
  const std::vector<int> cpus = workload::InheritedCpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU only: nowhere to leave to";
  const auto latency = SetMode("latency");
  ASSERT_TRUE(latency.ok()) << latency.status();
  EXPECT_TRUE(latency->operation().owns_cpu());
  EXPECT_EQ(MasksOfOtherThreads(), std::set<std::string>{latency->operation().other_cpus()});
  const auto economy = SetMode("economy");
  ASSERT_TRUE(economy.ok()) << economy.status();
  EXPECT_FALSE(economy->operation().owns_cpu());
  EXPECT_NE(economy->operation().other_cpus(), latency->operation().other_cpus());
  EXPECT_EQ(MasksOfOtherThreads(), std::set<std::string>{economy->operation().other_cpus()});
  const auto fifo = SetMode("latency", "fifo");
  ASSERT_TRUE(fifo.ok()) << fifo.status();
  const auto status = daemon_.client().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_THAT(status->loop().scheduling(), ::testing::StartsWith("SCHED_FIFO"));
  ASSERT_TRUE(SetMode("balanced", "other").ok());
  EXPECT_THAT(daemon_.client().GetStatus()->loop().scheduling(), ::testing::StartsWith("SCHED_OTHER"));
  EXPECT_EQ(SetMode("fast").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(OperationTest, NothingIsLostWhileTheModeChanges) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(game.about().is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const SwitchWitness witness;
  ASSERT_TRUE(daemon_.Attach(game.pid(), 1'000, 1'000).ok());
  game.Say("200000");
  for (int i = 0; i < 5; ++i) {
    for (const char* mode : {"latency", "economy", "balanced", "auto"}) ASSERT_TRUE(SetMode(mode).ok());
  }
  ASSERT_TRUE(game.Read().is_object());
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto answer = daemon_.Switches(game.pid());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ExpectTotalsOfProc(game.pid(), *answer);
  for (const v1::ThreadSwitches& thread : answer->threads()) {
    const uint64_t switches = thread.voluntary_count() + thread.involuntary_count();
    EXPECT_EQ(thread.run_queue_latency().count() + witness.UnseenSwitchIns(thread.thread().tid()), switches);
  }
}

TEST_F(OperationTest, TheLoopsLatenessStandsInTheStatusAndBeginsAnewWithAMode) {
  ASSERT_TRUE(SetMode("economy").ok());
  // The figures of the mode before may still stand for a moment: each look is judged by itself.
  ASSERT_TRUE(Eventually([&] {
    const auto economy = daemon_.client().GetStatus();
    return economy.ok() && economy->loop().lateness().count() >= 20 && economy->loop().lateness().has_max_ns();
  }));
  ASSERT_TRUE(SetMode("balanced").ok());
  ASSERT_TRUE(Eventually([&] {
    const auto balanced = daemon_.client().GetStatus();
    return balanced->operation().mode() == "balanced" && balanced->loop().lateness().percentiles_size() > 0;
  }));
}

TEST_F(OperationTest, TheCommandLineShowsAndChangesHowTheDaemonOperates) {
  const nlohmann::json shown = daemon_.HftmonJson({"mode"});
  ASSERT_TRUE(shown.is_object());
  EXPECT_EQ(shown["operation"]["asked_mode"], "auto");
  EXPECT_FALSE(shown["operation"]["mode_reason"].get<std::string>().empty());
  EXPECT_GT(shown["operation"]["poll_gap_max_ns"], 0);
  EXPECT_EQ(daemon_.HftmonJson({"mode", "economy"})["operation"]["mode"], "economy");
  EXPECT_EQ(daemon_.Hftmon({"mode", "fast"}).exit_code, 3);
  EXPECT_EQ(daemon_.HftmonJson({"quiet", "on"})["operation"]["quiet"], true);
  EXPECT_EQ(daemon_.HftmonJson({"quiet", "off"})["operation"]["quiet"], false);
  EXPECT_EQ(daemon_.HftmonJson({"off"})["operation"]["off"], true);
  EXPECT_TRUE(daemon_.HftmonJson({"status"})["operation"].contains("off_since_ns"));
  const nlohmann::json on = daemon_.HftmonJson({"on"});
  EXPECT_EQ(on["operation"]["off"], false);
  EXPECT_FALSE(on["operation"].contains("off_since_ns"));
}

}  // namespace
}  // namespace hftmon::testing
