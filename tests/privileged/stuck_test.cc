// A thread that is stuck is told while it is, and once more at its end.
#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kBlockedNs = 20'000'000;

// By /proc/PID/task/TID/stat: the state stands behind the name.
char StateOf(pid_t pid, pid_t tid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  return name_end != std::string::npos && name_end + 2 < line.size() ? line[name_end + 2] : '?';
}

bool IsAsleep(pid_t pid, pid_t tid) {
  return StateOf(pid, tid) == 'S';
}

class StuckTest : public PrivilegedTest {
 protected:
  absl::Status Attach(pid_t pid, const std::string& group) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->set_blocked_threshold_ns(kBlockedNs);
    request.mutable_options()->add_probe_groups(group);
    return daemon_.client().Attach(request).status();
  }
  // The last telling of each of the thread's spikes of that kind that began after `since_ns`.
  std::vector<v1::Spike> SpikesOf(pid_t pid, pid_t tid, const std::string& kind, int64_t since_ns = 0) const {
    std::vector<v1::Spike> spikes;
    const auto answer = daemon_.Spikes(pid, 0, kBlockedNs);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return spikes;
    for (const v1::Spike& spike : answer->spikes()) {
      if (spike.thread().tid() != tid || spike.kind() != kind || spike.start_monotonic_ns() < since_ns) continue;
      ExpectExactBudget(spike);
      spikes.push_back(spike);
    }
    return spikes;
  }
  // Waits until it is told in progress.
  v1::Spike GoingOn(pid_t pid, pid_t tid, const std::string& kind, int64_t since_ns = 0) const {
    v1::Spike found;
    EXPECT_TRUE(Eventually([&] {
      for (const v1::Spike& spike : SpikesOf(pid, tid, kind, since_ns)) {
        if (spike.in_progress()) found = spike;
      }
      return found.in_progress();
    })) << kind
        << " of " << tid;
    return found;
  }
  v1::Spike Ended(pid_t pid, pid_t tid, const v1::Spike& told) const {
    v1::Spike found;
    EXPECT_TRUE(Eventually([&] {
      for (const v1::Spike& spike : SpikesOf(pid, tid, told.kind())) {
        if (spike.id() == told.id() && !spike.in_progress()) found = spike;
      }
      return found.id() != 0;
    })) << told.DebugString();
    return found;
  }
};

TEST_F(StuckTest, WhoBlocksIsToldWhileItDoesWithTheCallAndTheOwnerAndOnceMoreAtItsEnd) {
  WorkloadRun run("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), "locks").ok());
  ASSERT_TRUE(run.Act().is_object());
  const int64_t stuck_ns = workload::NowNs();
  const pid_t reader = run.about()["reader"];
  const pid_t waiter = run.about()["waiter"];
  const v1::Spike reading = GoingOn(run.pid(), reader, "blocked", stuck_ns - 5'000'000'000);
  ASSERT_EQ(reading.call().name(), "read");
  ASSERT_EQ(reading.causes_size(), 1);
  EXPECT_EQ(reading.causes(0).kind(), "blocked");
  EXPECT_TRUE(reading.causes(0).estimated());
  const v1::Spike waiting = GoingOn(run.pid(), waiter, "blocked", stuck_ns - 5'000'000'000);
  EXPECT_EQ(waiting.call().name(), "futex");
  EXPECT_EQ(waiting.call().futex().owner().tid(), run.about()["holder"].get<pid_t>());
  EXPECT_EQ(waiting.call().futex().owner().state(), "blocked");
  // It stays known for as long as it lasts, and is told anew: more than a second later it is longer.
  EXPECT_TRUE(Eventually([&] {
    const std::vector<v1::Spike> now = SpikesOf(run.pid(), reader, "blocked");
    return std::any_of(now.begin(), now.end(), [&](const v1::Spike& spike) {
      return spike.id() == reading.id() && spike.in_progress() && spike.duration_ns() > reading.duration_ns() + 1'000'000'000;
    });
  }));
  EXPECT_FALSE(daemon_.Spikes(run.pid(), 0, kBlockedNs)->incomplete());
  const json truth = run.Act("let go");
  ASSERT_TRUE(truth.is_object());
  for (const auto& [told, who] : std::map<const v1::Spike*, json>{{&reading, truth["reader"]}, {&waiting, truth["waiter"]}}) {
    SCOPED_TRACE(told->DebugString() + who.dump());
    const v1::Spike ended = Ended(run.pid(), who["tid"], *told);
    EXPECT_FALSE(ended.inconclusive()) << ended.DebugString();
    EXPECT_TRUE(std::none_of(ended.causes().begin(), ended.causes().end(), [](const v1::Cause& cause) { return cause.estimated(); }));
    EXPECT_TRUE(Agrees(ended.duration_ns(), who["end_ns"].get<int64_t>() - who["begin_ns"].get<int64_t>())) << ended.DebugString();
    // What was told of its beginning was right to within two looks.
    EXPECT_NEAR(static_cast<double>(told->start_monotonic_ns()), static_cast<double>(ended.start_monotonic_ns()), 25e6);
    EXPECT_LT(told->start_monotonic_ns() + told->duration_ns(), ended.start_monotonic_ns() + ended.duration_ns());
  }
}

TEST_F(StuckTest, WhoIsStuckAlreadyWhenItIsAttachedIsToldWithTheCallAndItsFile) {
  WorkloadRun run("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  const json stuck = run.Act();
  ASSERT_TRUE(stuck.is_object());
  const pid_t reader = run.about()["reader"];
  const pid_t waiter = run.about()["waiter"];
  ASSERT_TRUE(Eventually([&] { return IsAsleep(run.pid(), reader) && IsAsleep(run.pid(), waiter); }));
  const int64_t attached_ns = workload::NowNs();
  ASSERT_TRUE(Attach(run.pid(), "locks").ok());
  const v1::Spike reading = GoingOn(run.pid(), reader, "blocked");
  EXPECT_TRUE(reading.began_before_watching());
  EXPECT_EQ(reading.call().name(), "read");
  EXPECT_EQ(reading.call().file_descriptor(), stuck["fd"].get<int32_t>());
  EXPECT_GE(reading.start_monotonic_ns(), attached_ns);
  ASSERT_EQ(reading.causes_size(), 1);
  EXPECT_EQ(reading.causes(0).kind(), "blocked");
  EXPECT_TRUE(reading.causes(0).estimated());
  const v1::Spike waiting = GoingOn(run.pid(), waiter, "blocked");
  EXPECT_TRUE(waiting.began_before_watching());
  EXPECT_EQ(waiting.call().name(), "futex");
  EXPECT_NE(waiting.call().futex().address(), 0u);
  EXPECT_FALSE(waiting.call().futex().has_word());
  const json truth = run.Act("let go");
  ASSERT_TRUE(truth.is_object());
  const v1::Spike ended = Ended(run.pid(), reader, reading);
  EXPECT_TRUE(ended.began_before_watching());
  EXPECT_EQ(ended.start_monotonic_ns(), reading.start_monotonic_ns());
  EXPECT_EQ(ended.unexplained_ns(), 0);
  // What it slept after the last look that found it is not in it.
  EXPECT_LE(ended.start_monotonic_ns() + ended.duration_ns(), truth["reader"]["end_ns"].get<int64_t>());
}

TEST_F(StuckTest, WhoIsStillStuckWhenTheProgramsGoOnAgainIsToldAnew) {
  WorkloadRun run("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), "locks").ok());
  ASSERT_TRUE(run.Act().is_object());
  const pid_t reader = run.about()["reader"];
  const v1::Spike before = GoingOn(run.pid(), reader, "blocked");
  ASSERT_EQ(daemon_.HftmonJson({"off"})["operation"]["off"], true);
  ASSERT_EQ(daemon_.HftmonJson({"on"})["operation"]["off"], false);
  const int64_t on_ns = workload::NowNs();
  v1::Spike after;
  EXPECT_TRUE(Eventually([&] {
    for (const v1::Spike& spike : SpikesOf(run.pid(), reader, "blocked")) {
      if (spike.in_progress() && spike.id() != before.id()) after = spike;
    }
    return after.id() != 0;
  }));
  EXPECT_TRUE(after.began_before_watching());
  EXPECT_GT(after.start_monotonic_ns(), before.start_monotonic_ns());
  EXPECT_LE(after.start_monotonic_ns(), on_ns);
  EXPECT_EQ(after.call().name(), "read");
  ASSERT_TRUE(run.Act("let go").is_object());
  EXPECT_FALSE(Ended(run.pid(), reader, after).in_progress());
}

TEST_F(StuckTest, WhoIsStoppedBySignalIsNotToldToBeBlockedInACall) {
  WorkloadRun seen("stuck", {"--cpu", CpuArgument()});
  WorkloadRun before("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(seen.about().is_object() && before.about().is_object());
  ASSERT_TRUE(Attach(seen.pid(), "locks").ok());
  ASSERT_TRUE(seen.Act().is_object() && before.Act().is_object());
  const int64_t stopped_ns = workload::NowNs();
  seen.process().Signal(SIGSTOP);
  before.process().Signal(SIGSTOP);
  const pid_t before_tid = before.about()["reader"];
  ASSERT_TRUE(Eventually([&] { return StateOf(before.pid(), before_tid) == 'T'; }));
  ASSERT_TRUE(Attach(before.pid(), "locks").ok());
  for (const WorkloadRun* run : {&seen, &before}) {
    SCOPED_TRACE(run == &seen ? "watched" : "attached later");
    const v1::Spike told = GoingOn(run->pid(), run->about()["reader"], "blocked", stopped_ns);
    ASSERT_EQ(told.causes_size(), 1);
    EXPECT_THAT(told.causes(0).evidence(), ::testing::HasSubstr("stopped by a signal"));
    EXPECT_FALSE(told.has_call());
    EXPECT_EQ(told.began_before_watching(), run == &before);
  }
  seen.process().Signal(SIGCONT);
  before.process().Signal(SIGCONT);
}

TEST_F(StuckTest, ASubscriberHearsOfItOnceAndOfItsEnd) {
  WorkloadRun run("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), "locks").ok());
  v1::StreamSpikesRequest subscription;
  subscription.add_pids(run.pid());
  subscription.set_blocked_threshold_ns(15 * kBlockedNs);  // above the target's own, and told before the next second is over
  const auto stream = daemon_.client().StreamSpikes(subscription);
  v1::StreamSpikesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_TRUE(run.Act().is_object());
  std::map<pid_t, std::vector<v1::Spike>> heard;
  const auto hear = [&](size_t count) {
    while (heard.size() < 3 || std::any_of(heard.begin(), heard.end(), [&](const auto& of) { return of.second.size() < count; })) {
      ASSERT_TRUE(stream->Read(&message));
      if (message.spike().kind() == "blocked") heard[message.spike().thread().tid()].push_back(message.spike());
    }
  };
  const int64_t asked_ns = workload::NowNs();
  hear(1);
  for (const auto& [tid, spikes] : heard) {
    // Main sleeps as well, in its way; it is not of interest here.
    if (tid == run.pid()) continue;
    EXPECT_TRUE(spikes[0].in_progress());
    EXPECT_GT(spikes[0].duration_ns(), 15 * kBlockedNs);
    EXPECT_GE(spikes[0].start_monotonic_ns() + spikes[0].duration_ns(), asked_ns);
  }
  ASSERT_TRUE(run.Act("let go").is_object());
  hear(2);
  for (const char* who : {"reader", "waiter", "holder"}) {
    const std::vector<v1::Spike>& spikes = heard[run.about()[who].get<pid_t>()];
    ASSERT_GE(spikes.size(), 2u) << who;
    EXPECT_EQ(spikes[0].id(), spikes[1].id());
    EXPECT_FALSE(spikes[1].in_progress());
  }
}

TEST_F(StuckTest, WhoIsKilledOrLeftAloneIsStuckNoMore) {
  WorkloadRun killed("stuck", {"--cpu", CpuArgument()});
  WorkloadRun left("stuck", {"--cpu", CpuArgument()});
  ASSERT_TRUE(killed.about().is_object() && left.about().is_object());
  ASSERT_TRUE(Attach(killed.pid(), "locks").ok() && Attach(left.pid(), "locks").ok());
  ASSERT_TRUE(killed.Act().is_object() && left.Act().is_object());
  const pid_t killed_tid = killed.about()["reader"];
  const pid_t left_tid = left.about()["reader"];
  const v1::Spike of_killed = GoingOn(killed.pid(), killed_tid, "blocked");
  const v1::Spike of_left = GoingOn(left.pid(), left_tid, "blocked");
  killed.process().Signal(SIGKILL);
  v1::UpdateTargetRequest pause;
  pause.set_pid(left.pid());
  pause.set_state(v1::TARGET_STATE_PAUSED);
  ASSERT_TRUE(daemon_.client().UpdateTarget(pause).ok());
  EXPECT_NE(Ended(killed.pid(), killed_tid, of_killed).id(), 0u);
  EXPECT_TRUE(Ended(left.pid(), left_tid, of_left).inconclusive());
}

TEST_F(StuckTest, AFaultThatGoesOnIsToldWithItsAddress) {
  constexpr int64_t kDelayNs = 1'500'000'000;
  WorkloadRun run("page_faulter",
                  {"--cpu", CpuArgument(), "--kind", "awaited", "--count", "1", "--delay-us", std::to_string(kDelayNs / 1'000)});
  ASSERT_TRUE(run.about().is_object());
  if (const std::string refused = run.about()["refused"]; !refused.empty()) GTEST_SKIP() << refused;
  ASSERT_TRUE(Attach(run.pid(), "memory").ok());
  const pid_t tid = run.about()["tid"];
  run.Say("go");
  const v1::Spike told = GoingOn(run.pid(), tid, "fault");
  EXPECT_NE(told.fault().address(), 0u);
  ASSERT_GE(told.causes_size(), 1);
  EXPECT_EQ(told.causes(0).kind(), "blocked");
  EXPECT_TRUE(told.causes(0).estimated());
  const json truth = run.Read();
  ASSERT_TRUE(truth.is_object());
  const v1::Spike ended = Ended(run.pid(), tid, told);
  EXPECT_EQ(ended.fault().address(), told.fault().address());
  EXPECT_EQ(ended.start_monotonic_ns(), told.start_monotonic_ns());
  EXPECT_GT(ended.duration_ns(), told.duration_ns());
  EXPECT_FALSE(ended.inconclusive());
}

}  // namespace
}  // namespace hftmon::testing
