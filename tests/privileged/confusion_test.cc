// Stalls of known causes and lengths, and what the daemon says they were: the confusion table. Two causes at once.
//
// What a workload injects it times itself. A stall that it made and the machine did not (a virtual CPU that was taken away: a gap without
// any event in the kernel) is none; and where the kernel hides the switch that ended a stall (SwitchWitness) nobody can tell of it.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/privileged/harness/confusion_table.h"
#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/harness/veth_pair.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 20'000;
constexpr int64_t kStormMaxNs = 10'000'000;  // no storm's handlers last so long: a real-time thread was throttled, for up to 50 ms
constexpr int64_t kEdgeNs = 20'000;          // a wait of the scheduler's begins before the one who made it knows, and ends after

// Whom a stall is blamed on when it is blamed rightly.
struct Culprit {
  std::string cause;
  pid_t tid = 0;  // 0: no thread
};

int64_t EndOf(const v1::Spike& spike) {
  return spike.start_monotonic_ns() + spike.duration_ns();
}

// What one cause of a spike is called in the table.
std::string LabelOf(const v1::Spike& spike, const v1::Cause& cause, pid_t culprit_tid) {
  const std::string& kind = cause.kind();
  if (kind == "thread") return cause.actor().tid() == culprit_tid ? "thread" : "another thread";
  if (kind == "hard_irq" || kind == "softirq" || kind == "nmi") return cause.actor().name();
  if (spike.kind() == "kernel_lock" && (kind == "blocked" || kind == "kernel_lock")) return "kernel_lock";
  if (spike.kind() == "fault" && kind == "blocked") return "fault_wait";
  if (spike.kind() == "blocked" && kind == "blocked") {
    if (!spike.call().futex().has_owner()) return spike.call().name();
    return spike.call().futex().owner().tid() == culprit_tid ? "lock" : "another's lock";
  }
  return kind;
}

class ConfusionTest : public PrivilegedTest {
 protected:
  bool Attach(pid_t pid) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->set_spike_threshold_ns(kThresholdNs);
    request.mutable_options()->set_blocked_threshold_ns(kThresholdNs);
    for (const char* group : {"locks", "kernel_locks", "memory"}) request.mutable_options()->add_probe_groups(group);
    const auto attached = daemon_.client().Attach(request);
    EXPECT_TRUE(attached.ok()) << attached.status();
    return attached.ok();
  }
  std::vector<v1::Spike> SpikesOf(pid_t pid, pid_t tid) const {
    std::vector<v1::Spike> spikes;
    const auto answer = daemon_.Spikes(pid, 0, kThresholdNs);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return spikes;
    EXPECT_EQ(answer->lost_records(), 0u);
    for (const v1::Spike& spike : answer->spikes()) {
      if (spike.thread().tid() != tid || spike.in_progress()) continue;
      ExpectExactBudget(spike);
      spikes.push_back(spike);
    }
    return spikes;
  }

  // What the longest spike within that time blames most, and how much it gives to the culprit.
  static NamedStall Judge(const std::vector<v1::Spike>& spikes, int64_t begin_ns, int64_t end_ns, const Culprit& culprit) {
    const v1::Spike* longest = nullptr;
    for (const v1::Spike& spike : spikes) {
      if (spike.start_monotonic_ns() < begin_ns - kEdgeNs || EndOf(spike) > end_ns + kEdgeNs) continue;
      if (longest == nullptr || spike.duration_ns() > longest->duration_ns()) longest = &spike;
    }
    if (longest == nullptr) return {};
    std::map<std::string, int64_t> sums;
    for (const v1::Cause& cause : longest->causes()) sums[LabelOf(*longest, cause, culprit.tid)] += cause.duration_ns();
    const auto largest = std::max_element(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    NamedStall said{.cause = largest == sums.end() ? "unexplained" : largest->first, .duration_ns = sums[culprit.cause]};
    // What nested in a softirq is the inner one's: the maker of the load knows the whole.
    if (culprit.cause == "NET_RX" && said.cause == "NET_RX") said.duration_ns = longest->duration_ns();
    return said;
  }
  static bool AnyWithin(const std::vector<v1::Spike>& spikes, int64_t begin_ns, int64_t end_ns) {
    return std::any_of(spikes.begin(), spikes.end(),
                       [&](const v1::Spike& spike) { return spike.start_monotonic_ns() < end_ns && begin_ns < EndOf(spike); });
  }
  void Add(const std::vector<v1::Spike>& spikes, int64_t begin_ns, int64_t end_ns, int64_t injected_ns, const Culprit& culprit) {
    table_.Add({culprit.cause, injected_ns}, Judge(spikes, begin_ns, end_ns, culprit));
  }

  void InjectPreemptions() {
    WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--shield", "--count", "40"});
    if (Refused(run) || !Attach(run.pid())) return;
    const json truth = run.Act();
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["spinner_tid"]);
    for (const json& one : truth["preemptions"]) {
      if (!one.contains("gap_ns")) continue;
      Add(spikes, one["gap_start_ns"], one["gap_end_ns"], one["duration_ns"], {"thread", truth["fifo_tid"]});
    }
  }
  // Of the spinner's gaps those at least so long in which the kernel saw anything at all.
  void InjectStorm(WorkloadRun& run, const json& truth, int64_t least_ns, const std::string& cause) {
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["spinner_tid"]);
    for (const json& gap : truth["gaps"]) {
      const auto begin_ns = gap[0].get<int64_t>();
      const auto end_ns = gap[1].get<int64_t>();
      if (end_ns - begin_ns < least_ns) continue;
      if (end_ns - begin_ns > kStormMaxNs) {
        ++throttled_;
        continue;
      }
      if (!AnyWithin(spikes, begin_ns, end_ns)) {
        ++hosts_own_;
        continue;
      }
      Add(spikes, begin_ns, end_ns, end_ns - begin_ns, {cause, 0});
    }
  }
  void InjectTimers() {
    WorkloadRun run("interrupted_spinner", {"--cpu", CpuArgument(), "--storm", "timers", "--weight", "4000", "--count", "30", "--shield"});
    if (Refused(run) || !Attach(run.pid())) return;
    InjectStorm(run, run.Act(), 150'000, "local_timer");
  }
  void InjectIpis() {
    WorkloadRun run("interrupted_spinner",
                    {"--cpu", CpuArgument(), "--storm", "ipi", "--weight", "3000", "--count", "40", "--period-us", "17300", "--shield"});
    if (Refused(run) || !Attach(run.pid())) return;
    InjectStorm(run, run.Act(), 200'000, "call_function");
  }
  void InjectSoftirqs() {
    const VethPair veth(daemon_.WorkloadCpu());
    if (!veth.fault().empty()) return;
    WorkloadRun run("interrupted_spinner", {"--cpu", CpuArgument(), "--storm", "quiet", "--count", "35", "--shield"});
    if (Refused(run) || run.about()["other_cpu"] < 0 || !Attach(run.pid())) return;
    WorkloadRun receivers("udp_receivers", {"--interface", "10.213.9.2", "--members", "300"}, {"ip", "netns", "exec", veth.receiver()});
    if (Refused(receivers)) return;
    WorkloadRun sender("udp_sender",
                       {"--cpu", std::to_string(run.about()["other_cpu"].get<int>()), "--address", "239.9.9.9", "--port", "9999",
                        "--bursts", "25", "--packets", "10", "--period-us", "20000"},
                       {"ip", "netns", "exec", veth.sender()});
    ASSERT_TRUE(sender.about().is_object());
    run.Say("go");
    ASSERT_TRUE(sender.Act().is_object());
    InjectStorm(run, run.Read(), 250'000, "NET_RX");
  }
  void InjectFaults(const std::string& kind, const std::string& cause) {
    WorkloadRun run("page_faulter", {"--cpu", CpuArgument(), "--kind", kind, "--count", "40"});
    if (Refused(run) || !Attach(run.pid())) return;
    const json truth = run.Act();
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["tid"]);
    for (const json& touch : truth["faults"]) {
      const auto begin_ns = touch[0].get<int64_t>();
      const auto end_ns = touch[1].get<int64_t>();
      if (end_ns - begin_ns > 3 * kThresholdNs) Add(spikes, begin_ns, end_ns, end_ns - begin_ns, {cause, 0});
    }
  }
  void InjectLocks() {
    WorkloadRun run("lock_waiter", {"--cpu", CpuArgument(), "--count", "30"});
    if (Refused(run) || !Attach(run.pid())) return;
    const json truth = run.Act();
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["waiter"]);
    for (const json& turn : truth["turns"]) {
      const auto ask_ns = turn["ask_ns"].get<int64_t>();
      const int64_t wait_ns = turn["hold_end_ns"].get<int64_t>() - ask_ns;
      if (wait_ns > 1'000'000) Add(spikes, ask_ns, turn["got_ns"], wait_ns, {"lock", truth["holder"]});
    }
  }
  void InjectKernelLocks(const std::string& kind, uint64_t bytes) {
    WorkloadRun run("kernel_stalled", {"--cpu", CpuArgument(), "--kind", kind, "--count", "40", "--bytes", std::to_string(bytes)});
    if (Refused(run) || !Attach(run.pid())) return;
    const json truth = run.Act();
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["tid"]);
    for (const json& stall : truth["stalls"]) {
      const auto begin_ns = stall[0].get<int64_t>();
      const auto end_ns = stall[1].get<int64_t>();
      const int64_t wait_ns = std::min(end_ns, stall[2].get<int64_t>()) - begin_ns;
      if (wait_ns > 3 * kThresholdNs) Add(spikes, begin_ns, end_ns, wait_ns, {"kernel_lock", 0});
    }
  }
  void InjectSleeps() {
    WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "40", "--duration-us", "3000"});
    if (Refused(run) || !Attach(run.pid())) return;
    const json truth = run.Act();
    ASSERT_TRUE(truth.is_object());
    const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["tid"]);
    for (const json& sleep : truth["sleeps"]) {
      const auto begin_ns = sleep["start_ns"].get<int64_t>();
      const auto duration_ns = sleep["duration_ns"].get<int64_t>();
      Add(spikes, begin_ns, begin_ns + duration_ns, duration_ns, {"clock_nanosleep", 0});
    }
  }
  // Not made here: said once.
  static bool Refused(const WorkloadRun& run) {
    if (!run.about().is_object()) {
      ADD_FAILURE() << "a workload did not start";
      return true;
    }
    const std::string why = run.about().value("refused", "");
    if (!why.empty()) std::printf("not injected here: %s\n", why.c_str());
    return !why.empty();
  }

  ConfusionTable table_;
  int hosts_own_ = 0;
  int throttled_ = 0;
};

TEST_F(ConfusionTest, EachCauseIsNamedAndAsLongAsItWas) {
  const SwitchWitness witness;
  InjectPreemptions();
  InjectTimers();
  InjectIpis();
  InjectSoftirqs();
  InjectFaults("huge", "fault");
  InjectFaults("awaited", "fault_wait");
  InjectLocks();
  InjectKernelLocks("mutex", 1u << 20);
  InjectKernelLocks("rwsem", 32u << 20);
  InjectSleeps();
  std::printf(
      "%s%d injected, %d named rightly, %d as long as they were; %lld of 1000 of the time has no cause; %d gaps were the host's own, "
      "%d its throttling of real-time threads\n",
      table_.Text().c_str(), table_.count(), table_.named_right_count(), table_.close_count(),
      static_cast<long long>(table_.UnexplainedPermille()), hosts_own_, throttled_);
  if (table_.count() < 100) GTEST_SKIP() << "too little could be injected here: " << table_.count() << " of 100 at least";
  EXPECT_GE(table_.named_right_count() * 100, table_.count() * 95);
  EXPECT_LE(table_.UnexplainedPermille(), 50);
}

// A thread that is preempted on a CPU that an IPI storm hits meanwhile.
TEST_F(ConfusionTest, OfTwoCausesAtOnceBothAreThere) {
  WorkloadRun storm("interrupted_spinner",
                    {"--cpu", CpuArgument(), "--storm", "ipi", "--weight", "3000", "--count", "140", "--period-us", "5300", "--bare"});
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--shield", "--count", "40", "--duration-us", "6000"});
  if (Refused(storm) || Refused(run)) GTEST_SKIP() << "see above";
  if (storm.about()["other_cpu"] < 0) GTEST_SKIP() << "an IPI comes from another CPU: this process may use only one";
  ASSERT_TRUE(Attach(run.pid()));
  storm.Say("go");
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object() && storm.Read().is_object());
  const std::vector<v1::Spike> spikes = SpikesOf(run.pid(), truth["spinner_tid"]);
  int both = 0;
  int close = 0;
  for (const json& one : truth["preemptions"]) {
    if (!one.contains("gap_ns")) continue;
    const auto bully_ns = one["duration_ns"].get<int64_t>();
    const auto begin_ns = one["gap_start_ns"].get<int64_t>();
    const auto end_ns = one["gap_end_ns"].get<int64_t>();
    const NamedStall thread = Judge(spikes, begin_ns, end_ns, {"thread", truth["fifo_tid"]});
    const NamedStall ipi = Judge(spikes, begin_ns, end_ns, {"call_function", 0});
    if (ipi.duration_ns < 100'000) continue;  // none fell into it
    ++both;
    EXPECT_EQ(thread.cause, "thread");
    // The one who ran counts what interrupted it as its own time.
    close += Agrees(thread.duration_ns + ipi.duration_ns, bully_ns) ? 1 : 0;
  }
  std::printf("%d preemptions with a storm's handler in them, %d as long as both together\n", both, close);
  if (both < 10) GTEST_SKIP() << "this host's handlers are too short";
  EXPECT_GE(close * 100, both * 90);
}

}  // namespace
}  // namespace hftmon::testing
