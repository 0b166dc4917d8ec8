// Advice about what comes onto a CPU that is to be left alone, end to end: silence, the injected cause, the command as given, silence, the
// way back. A rule watches the CPU, as no CPU here is isolated. What the host itself does there is the rules' matter too: what is asked is
// whether they speak of the injected one.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/privileged/advice_test.h"
#include "tests/privileged/harness/restored_settings.h"

namespace hftmon::testing {
namespace {

class RecommendInterruptsTest : public AdviceTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (workload::InheritedCpus().size() < 2) GTEST_SKIP() << "one CPU: nothing can be moved off it";
    cpu_ = daemon_.WorkloadCpu();
    v1::AttachRequest request;
    request.add_selectors()->set_cpus(std::to_string(cpu_));
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }

  void Watch(pid_t pid, const std::string& probes = "") {
    v1::AttachRequest request;
    request.add_pids(pid);
    if (!probes.empty()) request.mutable_options()->add_probe_groups(probes);
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }

  std::string cpu() const { return std::to_string(cpu_); }

  int cpu_ = 0;
};

// Column of the CPU in a table of /proc whose lines begin with "NAME:"; -1: there is none.
int64_t CountInTable(const std::string& path, const std::string& name, int cpu) {
  std::ifstream file(path);
  std::string line;
  int column = -1;
  std::getline(file, line);
  std::istringstream head(line);
  for (std::string word; head >> word;) {
    ++column;
    if (word == "CPU" + std::to_string(cpu)) break;
  }
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != name + ":") continue;
    int64_t count = -1;
    for (int i = 0; i <= column; ++i) words >> count;
    return count;
  }
  return -1;
}

int64_t LineCount(int irq, int cpu) {
  return CountInTable("/proc/interrupts", std::to_string(irq), cpu);
}

// Of the interface with the default route.
struct Uplink {
  std::string interface;
  std::string gateway;
  int irq = -1;  // of what it sends
};

std::optional<Uplink> FindUplink() {
  std::ifstream routes("/proc/net/route");
  std::string line;
  Uplink uplink;
  while (std::getline(routes, line)) {
    std::istringstream words(line);
    std::string destination;
    std::string gateway;
    words >> uplink.interface >> destination >> gateway;
    if (destination != "00000000" || gateway.size() != 8 || gateway == "00000000") continue;
    const unsigned long address = std::stoul(gateway, nullptr, 16);
    uplink.gateway = std::to_string(address & 255) + "." + std::to_string(address >> 8 & 255) + "." + std::to_string(address >> 16 & 255) +
                     "." + std::to_string(address >> 24);
    const std::string folder = "/sys/class/net/" + uplink.interface + "/device";
    const CommandResult lines = AdviceRig::Shell("ls " + folder + "/msi_irqs " + folder + "/../msi_irqs 2>/dev/null");
    std::istringstream numbers(lines.output);
    for (std::string word; numbers >> word;) {
      if (word.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string handler = ReadText("/sys/kernel/irq/" + word + "/actions");
      if (handler.find("output") != std::string::npos || handler.find("tx") != std::string::npos) uplink.irq = std::stoi(word);
    }
    if (uplink.irq >= 0) return uplink;
  }
  return std::nullopt;
}

void SendDatagrams(const std::string& address, int count, int cpu) {
  WorkloadRun sender("udp_sender", {"--address", address, "--bursts", std::to_string(count), "--packets", "1", "--period-us", "5000",
                                    "--cpu", std::to_string(cpu)});
  const auto sent = sender.Act();
  ASSERT_TRUE(sent.is_object());
  sender.End();
}

TEST_F(RecommendInterruptsTest, ADevicesLineIsMovedOffTheCpuThatARuleWatchesAndBack) {
  const std::optional<Uplink> uplink = FindUplink();
  if (!uplink) GTEST_SKIP() << "no interface with a default route has an interrupt line for what it sends";
  const std::string file = "/proc/irq/" + std::to_string(uplink->irq) + "/smp_affinity_list";
  RestoredSetting setting(file);
  const std::vector<int> cpus = workload::InheritedCpus();
  const int elsewhere = cpus.front() == cpu_ ? cpus.back() : cpus.front();
  if (!setting.Set(std::to_string(elsewhere)) || !setting.Set(cpu())) GTEST_SKIP() << file << " refuses to be changed: " << setting.fault();
  const auto match = AdviceRig::WithValue("irq", std::to_string(uplink->irq));
  AdviceRig::Question question{.rule = "irq-on-watched-core", .since_ns = workload::NowNs()};

  ASSERT_TRUE(setting.Set(std::to_string(elsewhere)));
  SendDatagrams(uplink->gateway, 5, elsewhere);  // it is moved as the next interrupt comes
  question.since_ns = workload::NowNs();
  SendDatagrams(uplink->gateway, 40, elsewhere);
  ExpectSilent(question, match, "before the cause");

  ASSERT_TRUE(setting.Set(cpu()));
  const int64_t before = LineCount(uplink->irq, cpu_);  // others send too
  question.since_ns = workload::NowNs();
  ASSERT_TRUE(rig_.AskWhenJudged(question).ok());
  SendDatagrams(uplink->gateway, 100, elsewhere);
  const auto advice = rig_.AwaitAdvice(question, match);
  ASSERT_TRUE(advice.ok()) << advice.status();
  const int64_t arrived = LineCount(uplink->irq, cpu_) - before;
  std::printf("interrupt %d: %lld of %lld told\n", uplink->irq, static_cast<long long>(advice->evidence().count()),
              static_cast<long long>(arrived));
  EXPECT_LE(advice->evidence().count(), arrived);
  EXPECT_GE(advice->evidence().count(), arrived / 2) << "up to a second of the window is before its first snapshot";
  EXPECT_EQ(AdviceRig::NumberOf(*advice, "irq"), uplink->irq);

  const CommandResult done = AdviceRig::Shell(advice->action().command());
  ASSERT_EQ(done.exit_code, 0) << advice->action().command() << ": " << done.error;
  EXPECT_EQ(ReadText(file), std::to_string(elsewhere)) << advice->action().command();
  SendDatagrams(uplink->gateway, 5, elsewhere);
  question.since_ns = workload::NowNs();
  const int64_t elsewhere_before = LineCount(uplink->irq, elsewhere);
  SendDatagrams(uplink->gateway, 100, elsewhere);
  ExpectSilent(question, match, "after the mend");
  EXPECT_GE(LineCount(uplink->irq, elsewhere) - elsewhere_before, 50) << "it goes on elsewhere";

  ASSERT_EQ(AdviceRig::Shell(advice->action().undo()).exit_code, 0) << advice->action().undo();
  EXPECT_EQ(ReadText(file), cpu());
}

// Memory that ksmd has to look at, of pages that are all different: nothing is merged.
class MergeableMemory {
 public:
  MergeableMemory() : memory_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) return;
    for (size_t at = 0; at < kBytes; at += 4096) *reinterpret_cast<size_t*>(static_cast<char*>(memory_) + at) = at + 1;
    mergeable_ = madvise(memory_, kBytes, MADV_MERGEABLE) == 0;
  }
  ~MergeableMemory() {
    if (memory_ != MAP_FAILED) munmap(memory_, kBytes);
  }
  bool mergeable() const { return mergeable_; }

 private:
  static constexpr size_t kBytes = 16u << 20;
  void* const memory_;
  bool mergeable_ = false;
};

uint64_t SwitchesOf(pid_t tid) {
  const auto counts = workload::ReadThreadCounts(tid, tid);
  return counts ? counts->voluntary_count + counts->involuntary_count : 0;
}

TEST_F(RecommendInterruptsTest, AKernelThreadIsMovedOffTheCpuThatARuleWatchesAndBack) {
  const CommandResult found = RunCommand({"pgrep", "-x", "ksmd"});
  if (found.exit_code != 0) GTEST_SKIP() << "this kernel has no ksmd";
  const pid_t ksmd = std::stoi(found.output);
  const MergeableMemory memory;
  if (!memory.mergeable()) GTEST_SKIP() << "madvise(MADV_MERGEABLE): " << std::strerror(errno);
  RestoredSetting run("/sys/kernel/mm/ksm/run");
  RestoredAffinity affinity(ksmd);
  if (ReadText("/sys/kernel/mm/ksm/run") != "0") GTEST_SKIP() << "ksmd is at work for others: its visits are not this test's";
  if (!affinity.Set({cpu_})) GTEST_SKIP() << "ksmd cannot be bound: " << std::strerror(errno);
  const auto match = AdviceRig::WithValue("actor_tid", std::to_string(ksmd));
  AdviceRig::Question question{.rule = "kernel-thread-on-core", .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "before the cause");

  question.since_ns = workload::NowNs();
  ASSERT_TRUE(rig_.AskWhenJudged(question).ok());
  const uint64_t before = SwitchesOf(ksmd);
  ASSERT_TRUE(run.Set("1")) << run.fault();
  ASSERT_TRUE(Eventually([&] { return SwitchesOf(ksmd) >= before + 40; }));
  const auto enough = static_cast<int64_t>(SwitchesOf(ksmd) - before) * 9 / 10;
  const auto advice =
      rig_.AwaitAdvice(question, [&](const v1::Recommendation& one) { return match(one) && AdviceRig::NumberOf(one, "count") >= enough; });
  ASSERT_TRUE(advice.ok()) << advice.status();
  const auto switched = static_cast<int64_t>(SwitchesOf(ksmd) - before);
  std::printf("ksmd: %lld of %lld switches told\n", static_cast<long long>(advice->evidence().count()), static_cast<long long>(switched));
  EXPECT_LE(advice->evidence().count(), switched + 1);
  EXPECT_THAT(advice->evidence().values().at("actor_comm"), ::testing::HasSubstr("ksmd"));
  EXPECT_EQ(advice->evidence().values().at("cpus"), cpu());
  EXPECT_EQ(advice->evidence().values().at("movable"), "1");

  const CommandResult done = AdviceRig::Shell(advice->action().command());
  ASSERT_EQ(done.exit_code, 0) << advice->action().command() << ": " << done.error;
  EXPECT_EQ(affinity.Now().count(cpu_), 0u) << advice->action().command();
  const uint64_t moved = SwitchesOf(ksmd);
  question.since_ns = workload::NowNs();
  EXPECT_TRUE(Eventually([&] { return SwitchesOf(ksmd) >= moved + 20; }, AdviceRig::kLimitNs)) << "it goes on elsewhere";
  ExpectSilent(question, match, "after the mend");

  ASSERT_EQ(AdviceRig::Shell(advice->action().undo()).exit_code, 0) << advice->action().undo();
  EXPECT_EQ(affinity.Now(), std::set<int>{cpu_}) << advice->action().undo();
}

// A real-time thread that has its CPU to nine tenths and more, but while it is stopped. Long turns: the ends of its sleeps are interrupts
// of the same timer.
WorkloadRun BusyThread(const std::string& cpu) {
  return WorkloadRun("duty_cycle", {"--cpu", cpu, "--busy-us", "890000", "--period-us", "940000", "--fifo"});
}

TEST_F(RecommendInterruptsTest, TheTickOfACpuThatOneThreadHasIsToldWhileItRuns) {
  WorkloadRun busy = BusyThread(cpu());
  ASSERT_TRUE(busy.about().is_object());
  if (!busy.about()["refused"].get<std::string>().empty()) GTEST_SKIP() << busy.about()["refused"];
  busy.process().Signal(SIGSTOP);
  Watch(busy.pid());
  const auto match = AdviceRig::WithValue("cpu", cpu());
  AdviceRig::Question question{.rule = "tick-on-isolated", .pids = {busy.pid()}, .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "before the cause");

  const int64_t before = CountInTable("/proc/interrupts", "LOC", cpu_);
  question.since_ns = workload::NowNs();
  ASSERT_TRUE(rig_.AskWhenJudged(question).ok());
  busy.process().Signal(SIGCONT);
  const auto advice = rig_.AwaitAdvice(question, match);
  busy.process().Signal(SIGSTOP);
  ASSERT_TRUE(advice.ok()) << advice.status();
  const int64_t ticks = CountInTable("/proc/interrupts", "LOC", cpu_) - before;
  std::printf("local timer: %lld told of %lld\n", static_cast<long long>(advice->evidence().count()), static_cast<long long>(ticks));
  EXPECT_GE(advice->evidence().count(), 10);
  EXPECT_LE(advice->evidence().count(), ticks);
  EXPECT_EQ(advice->action().command(), "") << "what mends it is a reboot";
  EXPECT_EQ(advice->action().reach(), "reboot");
  EXPECT_EQ(advice->action().persist(), "kernel command line: nohz_full=" + cpu() + " rcu_nocbs=" + cpu());

  question.since_ns = workload::NowNs();
  ExpectSilent(question, match, "after the mend");
}

// An interface of this host whose packets come from a network namespace of their own and are steered to one CPU. Gone with the object.
class SteeredInterface {
 public:
  explicit SteeredInterface(int cpu) : name_("hftv" + std::to_string(getpid())), there_("hftmon_s" + std::to_string(getpid())) {
    std::ostringstream mask;
    mask << std::hex << (1u << cpu);
    mask_ = mask.str();
    const CommandResult made = AdviceRig::Shell("ip netns add " + there_ + " && ip link add " + name_ + " type veth peer name hva netns " +
                                                there_ + " && ip addr add " + kAddress + "/30 dev " + name_ + " && ip -n " + there_ +
                                                " addr add 10.213.77.1/30 dev hva && " + WithoutIpv6(name_) + " && ip netns exec " +
                                                there_ + " sh -c '" + WithoutIpv6("hva") + "' && ip link set " + name_ + " up && ip -n " +
                                                there_ + " link set hva up && echo " + mask_ + " > " + rps_file());
    if (made.exit_code != 0) fault_ = made.error;
  }
  ~SteeredInterface() { AdviceRig::Shell("ip link del " + name_ + "; ip netns del " + there_); }
  // Empty when it stands.
  const std::string& fault() const { return fault_; }
  const std::string& there() const { return there_; }
  const std::string& mask() const { return mask_; }
  std::string rps_file() const { return "/sys/class/net/" + name_ + "/queues/rx-0/rps_cpus"; }

  static constexpr char kAddress[] = "10.213.77.2";

 private:
  // Which sends of its own when it comes up: packets that nobody injected.
  static std::string WithoutIpv6(const std::string& interface) {
    const std::string file = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";
    return "{ [ ! -e " + file + " ] || echo 1 > " + file + "; }";
  }
  const std::string name_;
  const std::string there_;
  std::string mask_;
  std::string fault_;
};

TEST_F(RecommendInterruptsTest, PacketsThatAreSteeredToTheThreadsCpuAreSteeredElsewhereAndBack) {
  const std::vector<int> cpus = workload::InheritedCpus();
  const int elsewhere = cpus.front() == cpu_ ? cpus.back() : cpus.front();
  if (cpu_ >= 32) GTEST_SKIP() << "the mask of CPU " << cpu_ << " has more than one group";
  const SteeredInterface steered(cpu_);
  if (!steered.fault().empty()) GTEST_SKIP() << "no steered interface can be made: " << steered.fault();
  WorkloadRun busy = BusyThread(cpu());
  ASSERT_TRUE(busy.about().is_object());
  if (!busy.about()["refused"].get<std::string>().empty()) GTEST_SKIP() << busy.about()["refused"];
  Watch(busy.pid(), "network");
  const pid_t tid = busy.about()["tid"];
  const auto match = [tid](const v1::Recommendation& one) {
    return one.thread().tid() == tid && one.evidence().values().at("softirq") == "NET_RX";
  };
  AdviceRig::Question question{.rule = "softirq-on-core", .pids = {busy.pid()}, .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "before the cause");

  const int64_t before = CountInTable("/proc/softirqs", "NET_RX", cpu_);
  question.since_ns = workload::NowNs();
  ASSERT_TRUE(rig_.AskWhenJudged(question).ok());
  WorkloadRun sender("udp_sender",
                     {"--address", SteeredInterface::kAddress, "--bursts", "10000", "--packets", "40", "--period-us", "5000", "--cpu",
                      std::to_string(elsewhere)},
                     {"ip", "netns", "exec", steered.there()});
  sender.Say("go");
  const auto advice = rig_.AwaitAdvice(question, [&](const v1::Recommendation& one) { return match(one) && one.evidence().count() >= 20; });
  ASSERT_TRUE(advice.ok()) << advice.status();
  const int64_t ran = CountInTable("/proc/softirqs", "NET_RX", cpu_) - before;
  std::printf("NET_RX: %lld runs told of %lld on CPU %d: %s\n", static_cast<long long>(advice->evidence().count()),
              static_cast<long long>(ran), cpu_, advice->evidence().sentences(0).c_str());
  EXPECT_LE(advice->evidence().count(), ran);
  const std::string file = steered.rps_file();
  EXPECT_NE(advice->action().command().find(file), std::string::npos) << advice->DebugString();

  const CommandResult done = AdviceRig::Shell(advice->action().command());
  ASSERT_EQ(done.exit_code, 0) << advice->action().command() << ": " << done.error;
  EXPECT_EQ(std::stoul(ReadText(file), nullptr, 16) & std::stoul(steered.mask(), nullptr, 16), 0u) << advice->action().command();
  question.since_ns = workload::NowNs();
  const int64_t elsewhere_before = CountInTable("/proc/softirqs", "NET_RX", elsewhere);
  EXPECT_TRUE(
      Eventually([&] { return CountInTable("/proc/softirqs", "NET_RX", elsewhere) >= elsewhere_before + 100; }, AdviceRig::kLimitNs))
      << "packets go on elsewhere";
  ExpectSilent(question, match, "after the mend");

  ASSERT_EQ(AdviceRig::Shell(advice->action().undo()).exit_code, 0) << advice->action().undo();
  EXPECT_EQ(std::stoul(ReadText(file), nullptr, 16), std::stoul(steered.mask(), nullptr, 16)) << advice->action().undo();
}

}  // namespace
}  // namespace hftmon::testing
