// check beside independent witnesses of the same run: /proc/PID/task/TID/status and `perf sched` for switches, /proc/interrupts for
// interrupts. Its verdicts must be those that the witnesses' counts give.
//
// HFTMON_TEST_CHECK_RUNS: how many runs in a row (default 3).
//
// The witnesses are read every few milliseconds; a span that begins and ends between two readings has at least what lies between the
// readings within it, and at most what lies between those around it. perf records each switch with its time.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/privileged/perf_timehist.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

// What the kernel says at one moment.
struct Reading {
  int64_t before_ns = 0;  // it was read between these two
  int64_t after_ns = 0;
  int64_t voluntary = 0;
  int64_t involuntary = 0;
  int64_t device = 0;  // of the CPU
  int64_t timer = 0;
  int64_t ipi = 0;      // RES, CAL, IWI
  int64_t flushes = 0;  // TLB: part of CAL, or beside it, as the kernel's version has it
  int64_t ipi_all = 0;  // both together
};

Reading Read(pid_t pid, pid_t tid, int cpu) {
  Reading reading;
  reading.before_ns = workload::NowNs();
  const auto counts = workload::ReadThreadCounts(pid, tid);
  if (counts.has_value()) {
    reading.voluntary = static_cast<int64_t>(counts->voluntary_count);
    reading.involuntary = static_cast<int64_t>(counts->involuntary_count);
  }
  std::ifstream file("/proc/interrupts");
  std::string line;
  std::getline(file, line);
  std::istringstream names(line);
  int column = -1;
  std::string name;
  for (int i = 0; names >> name; ++i) column = name == "CPU" + std::to_string(cpu) ? i : column;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> name;
    int64_t value = 0;
    for (int i = 0; i <= column; ++i) words >> value;
    if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) reading.device += value;
    if (name == "LOC:") reading.timer += value;
    for (const char* ipi : {"RES:", "CAL:", "IWI:"}) reading.ipi += name == ipi ? value : 0;
    if (name == "TLB:") reading.flushes += value;
  }
  reading.ipi_all = reading.ipi + reading.flushes;
  reading.after_ns = workload::NowNs();
  return reading;
}

struct Bracket {
  int64_t least = 0;
  int64_t most = 0;
  bool Holds(int64_t count) const { return least <= count && count <= most; }
};

class Witness {
 public:
  Witness(pid_t pid, pid_t tid, int cpu, int own_cpu) {
    thread_ = std::thread([this, pid, tid, cpu, own_cpu] {
      workload::PinTo(own_cpu);
      while (!stop_.load(std::memory_order_relaxed)) {
        readings_.push_back(Read(pid, tid, cpu));
        workload::SleepUntil(workload::NowNs() + 5'000'000);
      }
    });
  }
  ~Witness() { Stop(); }
  void Stop() {
    stop_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
  }
  // Of the time from `begin_ns` to `end_ns`, each of which may be off by `slack_ns`. After Stop.
  Bracket Of(int64_t Reading::*count, int64_t begin_ns, int64_t end_ns, int64_t slack_ns) const {
    const Reading* begin_early = nullptr;
    const Reading* begin_late = nullptr;
    const Reading* end_early = nullptr;
    const Reading* end_late = nullptr;
    for (const Reading& each : readings_) {
      if (each.after_ns <= begin_ns - slack_ns) begin_early = &each;
      if (each.before_ns >= begin_ns + slack_ns && begin_late == nullptr) begin_late = &each;
      if (each.after_ns <= end_ns - slack_ns) end_early = &each;
      if (each.before_ns >= end_ns + slack_ns && end_late == nullptr) end_late = &each;
    }
    EXPECT_TRUE(begin_early != nullptr && begin_late != nullptr && end_early != nullptr && end_late != nullptr);
    if (begin_early == nullptr || begin_late == nullptr || end_early == nullptr || end_late == nullptr) return {};
    return {end_early->*count - begin_late->*count, end_late->*count - begin_early->*count};
  }

 private:
  std::vector<Reading> readings_;  // the thread's until Stop
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class CheckWitnessTest : public PrivilegedTest {
 protected:
  json Check(const WorkloadRun& run, std::vector<std::string> limits, int* exit_code) {
    std::vector<std::string> words{"check",
                                   "-p",
                                   std::to_string(run.about()["pid"].get<int>()),
                                   "-t",
                                   std::to_string(run.about()["tid"].get<int>()),
                                   "--module",
                                   "isolation,irq",
                                   "--duration",
                                   "1s",
                                   "--json"};
    words.insert(words.end(), limits.begin(), limits.end());
    const CommandResult result = daemon_.Hftmon(words);
    *exit_code = result.exit_code;
    const json report = json::parse(result.output, nullptr, false);
    EXPECT_TRUE(report.is_object()) << result.error;
    return report;
  }

  static bool Fails(const json& module, const std::string& figure) {
    return std::any_of(module["findings"].begin(), module["findings"].end(),
                       [&figure](const json& finding) { return finding["severity"] == "FAIL" && finding.value("figure", "") == figure; });
  }

  // The verdict on a count is the one that any count within the bracket gives; where the bracket holds the limit, either.
  static void ExpectVerdict(const json& module, const std::string& figure, const Bracket& witness, int64_t limit) {
    if (witness.least > limit) {
      EXPECT_TRUE(Fails(module, figure)) << figure << " " << module.dump(1);
    }
    if (witness.most <= limit) {
      EXPECT_FALSE(Fails(module, figure)) << figure << " " << module.dump(1);
    }
  }

  static void ExpectWithin(const json& module, const char* key, const Bracket& bracket) {
    EXPECT_TRUE(bracket.Holds(module[key])) << key << " " << module[key] << ", the kernel " << bracket.least << " to " << bracket.most;
    std::printf("%s %lld within %lld to %lld; ", key, static_cast<long long>(module[key].get<int64_t>()),
                static_cast<long long>(bracket.least), static_cast<long long>(bracket.most));
  }

  static void ExpectAgreement(const json& report, const Witness& witness, int64_t involuntary_limit) {
    // A window's edges are those of buckets, whose sums the loop read a moment later.
    constexpr int64_t kBucketSlackNs = 25'000'000;
    constexpr int64_t kAnswerSlackNs = 5'000'000;
    const json& isolation = report["isolation"];
    const int64_t begin_ns = isolation["begin_ns"];
    const int64_t end_ns = isolation["end_ns"];
    const Bracket voluntary = witness.Of(&Reading::voluntary, begin_ns, end_ns, kBucketSlackNs);
    const Bracket involuntary = witness.Of(&Reading::involuntary, begin_ns, end_ns, kBucketSlackNs);
    EXPECT_TRUE(voluntary.Holds(isolation["voluntary_count"])) << voluntary.least << " to " << voluntary.most << isolation.dump(1);
    EXPECT_TRUE(involuntary.Holds(isolation["involuntary_count"])) << involuntary.least << " to " << involuntary.most << isolation.dump(1);
    ExpectVerdict(isolation, "involuntary_count", involuntary, involuntary_limit);
    const json& irq = report["irq"];
    const auto bracket_of = [&](int64_t Reading::*count) { return witness.Of(count, irq["begin_ns"], irq["end_ns"], kAnswerSlackNs); };
    ExpectWithin(irq, "device_count", bracket_of(&Reading::device));
    ExpectWithin(irq, "local_timer_count", bracket_of(&Reading::timer));
    const Bracket all = bracket_of(&Reading::ipi_all);
    ExpectWithin(irq, "ipi_count", all.Holds(irq["ipi_count"]) ? all : bracket_of(&Reading::ipi));
    std::printf("switches %lld + %lld within %lld to %lld\n", static_cast<long long>(isolation["voluntary_count"].get<int64_t>()),
                static_cast<long long>(isolation["involuntary_count"].get<int64_t>()),
                static_cast<long long>(voluntary.least + involuntary.least), static_cast<long long>(voluntary.most + involuntary.most));
  }

  // Each line of timehist is a stretch on the CPU that ended in a switch.
  static void ExpectPerfAgrees(const json& isolation, const PerfSched& perf, pid_t tid) {
    if (perf.lost_events()) {
      std::printf("perf lost events: not compared\n");
      return;
    }
    constexpr int64_t kSlackUs = 25'000;
    const int64_t begin_us = isolation["begin_ns"].get<int64_t>() / 1'000;
    const int64_t end_us = isolation["end_ns"].get<int64_t>() / 1'000;
    Bracket switches;
    for (const TimehistLine& line : perf.Timehist({tid})) {
      switches.least += line.out_us > begin_us + kSlackUs && line.out_us < end_us - kSlackUs ? 1 : 0;
      switches.most += line.out_us > begin_us - kSlackUs && line.out_us < end_us + kSlackUs ? 1 : 0;
    }
    const int64_t told = isolation["voluntary_count"].get<int64_t>() + isolation["involuntary_count"].get<int64_t>();
    EXPECT_TRUE(switches.Holds(told)) << told << ", perf sched " << switches.least << " to " << switches.most;
    std::printf("perf sched: %lld to %lld switches, check %lld\n", static_cast<long long>(switches.least),
                static_cast<long long>(switches.most), static_cast<long long>(told));
  }

  int OwnCpu() const { return daemon_.client().GetStatus()->loop().cpu(); }
};

// By turns with a limit that every run keeps and one that none does: both verdicts have their witness.
TEST_F(CheckWitnessTest, VerdictsOfEveryRunAgreeWithTheKernelsOwnCounts) {
  const int64_t runs = SizeFromEnvironment("HFTMON_TEST_CHECK_RUNS", 3);
  const std::string no_perf = PerfSched::WhyNot();
  if (!no_perf.empty()) std::printf("without perf: %s\n", no_perf.c_str());
  const int cpu = daemon_.WorkloadCpu();
  WorkloadRun run("duty_cycle", {"--cpu", std::to_string(cpu), "--busy-us", "700", "--period-us", "2000"});
  ASSERT_TRUE(run.about().is_object());
  const pid_t tid = run.about()["tid"];
  for (int64_t i = 0; i < runs; ++i) {
    SCOPED_TRACE("run " + std::to_string(i));
    const int64_t limit = i % 2 == 0 ? 1'000'000 : 0;
    std::unique_ptr<PerfSched> perf;
    const std::string recording = daemon_.folder() + "/perf." + std::to_string(i);
    if (no_perf.empty()) perf = std::make_unique<PerfSched>(recording, OwnCpu());
    Witness witness(run.pid(), tid, cpu, OwnCpu());
    workload::SleepUntil(workload::NowNs() + 50'000'000);
    int exit_code = -1;
    const json report = Check(run, {"--max-involuntary", std::to_string(limit)}, &exit_code);
    workload::SleepUntil(workload::NowNs() + 50'000'000);
    witness.Stop();
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(report["exit_code"], exit_code);
    ExpectAgreement(report, witness, limit);
    if (perf) {
      perf->Stop();
      ExpectPerfAgrees(report["isolation"], *perf, tid);
    }
  }
}

}  // namespace
}  // namespace hftmon::testing
