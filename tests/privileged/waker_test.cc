// Who woke a thread: sleeps that known threads and timers end, and the program that tells it, which is there only while somebody asks.
//
// Where the kernel hides a process from programs (see SwitchWitness), it hides the wake-ups of interrupts in that process's time too: such
// a waker is unknown, and counted. Each run of the hidden process ends with a switch that the witness misses.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr int64_t kBlockedNs = 1'000'000;

class WakerTest : public PrivilegedTest {
 protected:
  absl::Status Attach(pid_t pid, bool waker = true) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->set_blocked_threshold_ns(kBlockedNs);
    request.mutable_options()->set_waker(waker);
    return daemon_.client().Attach(request).status();
  }
  void SetQuiet(bool quiet) const {
    v1::SetQuietRequest request;
    request.set_quiet(quiet);
    ASSERT_TRUE(daemon_.client().SetQuiet(request).ok());
  }
  v1::ProbeStatus Probe() const {
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    for (const v1::ProbeStatus& probe : status->probes()) {
      if (probe.name().starts_with("on_waking")) return probe;
    }
    ADD_FAILURE() << "the daemon has no program on_waking";
    return {};
  }
  uint64_t UnknownWakers() const {
    const auto status = daemon_.client().GetStatus();
    for (const v1::DropCounter& drop : status->drops()) {
      if (drop.name() == "wakers_unknown") return drop.count();
    }
    return UINT64_MAX;
  }
  // As the kernel has it: the links that the daemon holds.
  size_t Links() const {
    const std::set<std::string> objects = BpfObjectsOf(daemon_.pid());
    return static_cast<size_t>(
        std::count_if(objects.begin(), objects.end(), [](const auto& object) { return object.starts_with("link"); }));
  }
};

// The blocked spike of that sleep; null when there is none.
const v1::Spike* FindSleep(const v1::DetectSpikesResponse& answer, pid_t tid, const json& sleep) {
  for (const v1::Spike& spike : answer.spikes()) {
    const int64_t start_ns = spike.start_monotonic_ns();
    if (spike.thread().tid() != tid || spike.kind() != "blocked") continue;
    if (start_ns >= sleep["start_ns"].get<int64_t>() && start_ns < sleep["back_ns"].get<int64_t>()) return &spike;
  }
  return nullptr;
}

void ExpectWaker(const v1::Waker& waker, const json& truth, const json& sleep) {
  ASSERT_TRUE(waker.known());
  if (sleep["way"] == "timer") {
    EXPECT_EQ(waker.context(), "hard_irq");
    EXPECT_EQ(waker.interrupt(), "local_timer");
    EXPECT_EQ(waker.cpu(), truth["cpu"]) << "the thread's own timer";
    return;
  }
  const std::string name = sleep["way"].get<std::string>() + "_waker";
  EXPECT_EQ(waker.context(), "thread");
  EXPECT_EQ(waker.tid(), truth[name]);
  EXPECT_EQ(waker.pid(), truth["pid"]);
  EXPECT_EQ(waker.comm(), name);
  EXPECT_GE(waker.woken_monotonic_ns(), sleep["from_ns"].get<int64_t>());
  EXPECT_LE(waker.woken_monotonic_ns(), sleep["until_ns"].get<int64_t>());
}

TEST_F(WakerTest, EverySleepNamesWhoEndedIt) {
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "30"});
  ASSERT_TRUE(run.about().is_object());
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid()).ok());
  json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  truth["pid"] = run.pid();
  const pid_t sleeper = truth["sleeper"];
  const auto answer = daemon_.Spikes(run.pid(), 0, kBlockedNs);
  v1::QueryContextSwitchesRequest request;
  request.add_tids(sleeper);
  request.set_min_duration_ns(kBlockedNs);
  const auto switches = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(answer.ok() && switches.ok()) << answer.status() << switches.status();
  uint64_t unseen = 0;
  uint64_t unnamed = 0;
  for (const json& sleep : truth["sleeps"]) {
    SCOPED_TRACE(sleep.dump());
    const v1::Spike* spike = FindSleep(*answer, sleeper, sleep);
    if (spike == nullptr) {
      ++unseen;
      continue;
    }
    SCOPED_TRACE(spike->DebugString());
    ExpectExactBudget(*spike);
    ASSERT_TRUE(spike->has_waker());
    if (!spike->waker().known()) {
      ++unnamed;
      continue;
    }
    ExpectWaker(spike->waker(), truth, sleep);
    const auto event = std::find_if(switches->events().begin(), switches->events().end(), [&](const v1::SwitchEvent& candidate) {
      return candidate.waker().woken_monotonic_ns() == spike->waker().woken_monotonic_ns();
    });
    ASSERT_NE(event, switches->events().end());
    ExpectWaker(event->waker(), truth, sleep);
  }
  // A sleep whose end the kernel showed to no program has no spike: see SwitchWitness.
  EXPECT_LE(unseen, witness.UnseenSwitchIns(sleeper));
  EXPECT_LE(unnamed, witness.UnseenSwitchIns());
  // Of all threads of the process.
  EXPECT_LE(UnknownWakers(), witness.UnseenSwitchIns());
  EXPECT_GT(Probe().run_count(), 90u);
  EXPECT_TRUE(Eventually([&] { return Probe().has_mean_ns(); })) << "its cost is measured when it is first attached";
}

// The records of a stream, read on a thread of their own.
class Listener {
 public:
  Listener(const Client& client, pid_t pid) {
    v1::StreamSpikesRequest request;
    request.add_pids(pid);
    stream_ = client.StreamSpikes(request);
    v1::StreamSpikesResponse first;
    in_force_ = stream_->Read(&first) && !first.has_spike();
    reader_ = std::thread([this] {
      for (v1::StreamSpikesResponse message; stream_->Read(&message);) {
        std::lock_guard lock(mutex_);
        if (message.has_spike()) spikes_.push_back(message.spike());
      }
    });
  }
  ~Listener() {
    stream_->Cancel();
    reader_.join();
  }
  bool in_force() const { return in_force_; }
  std::vector<v1::Spike> Spikes(bool in_progress) const {
    std::lock_guard lock(mutex_);
    std::vector<v1::Spike> found;
    std::copy_if(spikes_.begin(), spikes_.end(), std::back_inserter(found),
                 [&](const v1::Spike& spike) { return spike.in_progress() == in_progress; });
    return found;
  }

 private:
  std::unique_ptr<SpikeStream> stream_;
  bool in_force_ = false;
  mutable std::mutex mutex_;
  std::vector<v1::Spike> spikes_;
  std::thread reader_;
};

TEST_F(WakerTest, AWaitAfterAWakeUpIsToldWhileItGoesOnWithItsWakerAndWhoHasTheCpu) {
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "20", "--hog-us", "12000"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid()).ok());
  Listener listener(daemon_.client(), run.pid());
  ASSERT_TRUE(listener.in_force());
  json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  truth["pid"] = run.pid();
  const pid_t sleeper = truth["sleeper"];
  // Else who ran is not always known.
  const bool all_shown = witness.UnseenSwitchIns() == 0;
  int hogged = 0;
  int told = 0;
  for (const json& sleep : truth["sleeps"]) {
    if (sleep["way"] != "futex") continue;
    // On a busy host the hog may come late, or be gone already.
    const int64_t hog_end_ns = sleep["hog_end_ns"];
    if (sleep["hog_start_ns"] >= sleep["from_ns"] || hog_end_ns < sleep["until_ns"].get<int64_t>() + 1'000'000) continue;
    ++hogged;
    SCOPED_TRACE(sleep.dump());
    const auto of_this_wait = [&](const v1::Spike& spike) {
      return spike.thread().tid() == sleeper && spike.kind() == "run_queue" &&
             spike.start_monotonic_ns() >= sleep["from_ns"].get<int64_t>() &&
             spike.start_monotonic_ns() < sleep["hog_end_ns"].get<int64_t>();
    };
    v1::Spike end;
    ASSERT_TRUE(Eventually([&] {
      for (const v1::Spike& spike : listener.Spikes(false)) {
        if (of_this_wait(spike)) end = spike;
      }
      return end.id() != 0 || witness.UnseenSwitchIns(sleeper) > 0;
    }));
    if (end.id() == 0 || (!end.waker().known() && witness.UnseenSwitchIns() > 0)) continue;
    SCOPED_TRACE(end.DebugString());
    ExpectWaker(end.waker(), truth, sleep);
    const int64_t hog_ns = BlamedOn(end, truth["hog"]);
    EXPECT_TRUE(!all_shown || Agrees(hog_ns, hog_end_ns - end.waker().woken_monotonic_ns())) << hog_ns;
    for (const v1::Spike& spike : listener.Spikes(true)) {
      if (!of_this_wait(spike)) continue;
      ++told;
      SCOPED_TRACE(spike.DebugString());
      EXPECT_EQ(spike.id(), end.id());
      EXPECT_LT(spike.duration_ns(), end.duration_ns());
      ExpectWaker(spike.waker(), truth, sleep);
      ExpectExactBudget(spike);
      EXPECT_TRUE(!all_shown || spike.runners_truncated() || BlamedOn(spike, truth["hog"]) > 0);
    }
  }
  EXPECT_GT(hogged, 0);
  EXPECT_GE(told, hogged * 3 / 4) << "nearly every wait was told before its end";
}

TEST_F(WakerTest, WhoDoesNotAskIsToldNothingAndPaysNoRecord) {
  WorkloadRun asking("woken_sleeper", {"--cpu", CpuArgument(), "--count", "3"});
  WorkloadRun other("woken_sleeper", {"--cpu", CpuArgument(), "--count", "10"});
  ASSERT_TRUE(asking.about().is_object() && other.about().is_object());
  ASSERT_TRUE(Attach(other.pid(), false).ok());
  EXPECT_TRUE(Probe().detached());
  ASSERT_TRUE(Attach(asking.pid()).ok());
  EXPECT_FALSE(Probe().detached());
  ASSERT_TRUE(other.Act().is_object());
  const auto answer = daemon_.Spikes(other.pid(), 0, kBlockedNs);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_GT(answer->spikes_size(), 0);
  for (const v1::Spike& spike : answer->spikes()) EXPECT_FALSE(spike.has_waker()) << spike.DebugString();
}

TEST_F(WakerTest, TheProgramLeavesTheKernelsTracepointWithTheLastWhoAsks) {
  const size_t links = Links();
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "3"});
  WorkloadRun second("woken_sleeper", {"--cpu", CpuArgument(), "--count", "3"});
  ASSERT_TRUE(run.about().is_object() && second.about().is_object());
  EXPECT_EQ(Probe().run_count(), 0u);
  ASSERT_TRUE(Attach(run.pid()).ok());
  ASSERT_TRUE(Attach(second.pid()).ok());
  EXPECT_EQ(Links(), links + 1);
  ASSERT_TRUE(daemon_.Detach(run.pid()).ok());
  ASSERT_TRUE(second.Act().is_object());
  EXPECT_FALSE(Probe().detached()) << "another asks";
  EXPECT_GT(Probe().run_count(), 0u);
  ASSERT_TRUE(daemon_.Detach(second.pid()).ok());
  EXPECT_TRUE(Eventually([&] { return Probe().detached(); }));
  EXPECT_EQ(Links(), links);
  const uint64_t run_count = Probe().run_count();
  ASSERT_TRUE(run.Act().is_object());
  EXPECT_EQ(Probe().run_count(), run_count);
  // And again.
  ASSERT_TRUE(Attach(second.pid()).ok());
  EXPECT_EQ(Links(), links + 1);
}

TEST_F(WakerTest, QuietModeRefusesToAttachTheProgramAndPutsItsLeavingOff) {
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "3"});
  WorkloadRun second("woken_sleeper", {"--cpu", CpuArgument(), "--count", "3"});
  ASSERT_TRUE(run.about().is_object() && second.about().is_object());
  SetQuiet(true);
  const absl::Status refused = Attach(run.pid());
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("on_waking"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("quiet mode"));
  EXPECT_FALSE(daemon_.FindTarget(run.pid()).has_value());
  EXPECT_TRUE(Probe().detached());
  EXPECT_TRUE(Attach(run.pid(), false).ok()) << "without the option nothing is attached to the kernel";
  SetQuiet(false);
  ASSERT_TRUE(Attach(run.pid()).ok());
  EXPECT_TRUE(daemon_.FindTarget(run.pid())->options().waker());
  SetQuiet(true);
  EXPECT_TRUE(Attach(second.pid()).ok()) << "the program is attached already";
  ASSERT_TRUE(daemon_.Detach(run.pid()).ok());
  ASSERT_TRUE(daemon_.Detach(second.pid()).ok());
  EXPECT_FALSE(Eventually([&] { return Probe().detached(); }, 2'500'000'000)) << "detaching disturbs as attaching does";
  SetQuiet(false);
  EXPECT_TRUE(Eventually([&] { return Probe().detached(); }));
}

TEST_F(WakerTest, WhileOffTheProgramDoesNothing) {
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "10"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid()).ok());
  v1::SetCollectingRequest collecting;
  const auto off = daemon_.client().SetCollecting(collecting);
  ASSERT_TRUE(off.ok()) << off.status();
  const int64_t off_ns = workload::NowNs();
  const uint64_t run_count = Probe().run_count();
  ASSERT_TRUE(run.Act().is_object());
  EXPECT_EQ(Probe().run_count(), run_count);
  collecting.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  const auto answer = daemon_.Spikes(run.pid(), 0, kBlockedNs);
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (const v1::Spike& spike : answer->spikes()) {
    // Of what it did while off nothing is known, and nothing is said.
    EXPECT_FALSE(spike.has_waker() && spike.waker().known() && spike.waker().woken_monotonic_ns() > off_ns) << spike.DebugString();
  }
}

// It needs tracefs: mounted for it alone.
constexpr char kWithTracefs[] = "mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true; exec \"$@\"";
// bpftrace's own view of the same wake-ups: "TID nanoseconds" a line.
constexpr char kWitness[] = R"(
BEGIN { printf("begun\n"); }
tracepoint:sched:sched_waking /args->pid == $1/ { printf("%d %llu\n", tid, nsecs); }
)";

TEST_F(WakerTest, AnotherToolSawTheSameWakersAtTheSameMoments) {
  if (access("/usr/bin/bpftrace", X_OK) != 0) GTEST_SKIP() << "bpftrace is not installed: apt-get install bpftrace";
  WorkloadRun run("woken_sleeper", {"--cpu", CpuArgument(), "--count", "20"});
  ASSERT_TRUE(run.about().is_object());
  const pid_t sleeper = run.about()["sleeper"];
  Subprocess bpftrace({"unshare", "-m", "sh", "-c", kWithTracefs, "sh", "bpftrace", "-q", "-e", kWitness, std::to_string(sleeper)});
  const std::optional<std::string> begun = bpftrace.ReadLine(20'000);
  if (!begun || *begun != "begun") GTEST_SKIP() << "bpftrace does not begin: " << bpftrace.ErrorText();
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid()).ok());
  ASSERT_TRUE(run.Act().is_object());
  bpftrace.Signal(SIGINT);
  std::map<int64_t, pid_t> seen;  // who, by when
  std::istringstream lines(bpftrace.ReadAll());
  bpftrace.Wait();
  pid_t tid = 0;
  for (int64_t at_ns = 0; lines >> tid >> at_ns;) seen[at_ns] = tid;
  const auto answer = daemon_.Spikes(run.pid(), 0, kBlockedNs);
  ASSERT_TRUE(answer.ok()) << answer.status();
  int compared = 0;
  for (const v1::Spike& spike : answer->spikes()) {
    if (spike.thread().tid() != sleeper || spike.kind() != "blocked") continue;
    SCOPED_TRACE(spike.DebugString());
    if (!spike.waker().known()) continue;
    // The two programs run one after the other at the same wake-up: no other one of this thread lies between.
    constexpr int64_t kSameNs = 1'000'000;
    const auto other = seen.lower_bound(spike.waker().woken_monotonic_ns() - kSameNs);
    ASSERT_NE(other, seen.end());
    ASSERT_LT(other->first, spike.waker().woken_monotonic_ns() + kSameNs);
    EXPECT_EQ(other->second, spike.waker().tid());
    ++compared;
  }
  EXPECT_GE(compared + static_cast<int>(witness.UnseenSwitchIns()), 60);
}

}  // namespace
}  // namespace hftmon::testing
