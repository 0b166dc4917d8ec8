// check against faults that are made on purpose, one in each module, and against a thread that is left alone; with a daemon that runs and
// with a private one.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

struct Fault {
  std::string module;
  std::string figure;  // that must exceed its limit
  std::string workload;
  std::vector<std::string> arguments;
  std::vector<std::string> limits;
  std::string cause;  // of the worst event; empty: any
};

class CheckTest : public PrivilegedTest {
 protected:
  // `hftmon check WORDS… --json`, running.
  std::unique_ptr<Subprocess> StartCheck(pid_t pid, std::vector<std::string> words) const {
    std::vector<std::string> command{BinaryPath("hftmon"), "--server", daemon_.address(), "check", "-p", std::to_string(pid), "--json"};
    command.insert(command.end(), words.begin(), words.end());
    return std::make_unique<Subprocess>(command);
  }
  // It has attached what the module needs.
  bool AwaitBegin(pid_t pid, const std::string& module) const {
    const std::string group = module == "irq" ? "irq" : module == "memory" ? "memory" : module == "syscall" ? "locks" : "network";
    const auto watched = [&] {
      const auto target = daemon_.FindTarget(pid);
      if (!target.has_value()) return false;
      const auto& groups = target->options().probe_groups();
      return module == "isolation" || std::find(groups.begin(), groups.end(), group) != groups.end();
    };
    return Eventually(watched, 60'000'000'000);
  }
  static json ReportOf(Subprocess& check, int* exit_code) {
    const json report = json::parse(check.ReadAll(), nullptr, false);
    *exit_code = check.Wait().value_or(-1);
    EXPECT_FALSE(report.is_discarded()) << check.ErrorText();
    return report;
  }

  void ExpectFailure(const Fault& fault) {
    SCOPED_TRACE(fault.module + " by " + fault.workload);
    std::vector<std::string> arguments = fault.arguments;
    arguments.insert(arguments.end(), {"--cpu", CpuArgument()});
    WorkloadRun run(fault.workload, arguments);
    ASSERT_TRUE(run.about().is_object());
    if (run.about().value("refused", "") != "") GTEST_SKIP() << run.about()["refused"];
    std::vector<std::string> words{"--module", fault.module, "--duration", "4s"};
    words.insert(words.end(), fault.limits.begin(), fault.limits.end());
    const auto check = StartCheck(run.pid(), words);
    ASSERT_TRUE(AwaitBegin(run.pid(), fault.module)) << check->ErrorText();
    // Its first sums take it some 0.1 s after that; what is made before they are read is not of its time. Most faults go on for longer.
    workload::SleepUntil(workload::NowNs() + 1'000'000'000);
    run.Say("go");
    int exit_code = -1;
    const json report = ReportOf(*check, &exit_code);
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(exit_code, 2) << report.dump(1);
    EXPECT_EQ(report["exit_code"], 2);
    const json& module = report[fault.module];
    EXPECT_EQ(module["verdict"], "FAIL");
    json found;
    for (const json& finding : module["findings"]) {
      if (finding.value("figure", "") == fault.figure && finding["severity"] == "FAIL") found = finding;
    }
    ASSERT_TRUE(found.is_object()) << module.dump(1);
    EXPECT_FALSE(found["advice"].value("text", "").empty()) << found;
    EXPECT_FALSE(found["advice"].value("command", "").empty()) << found;
    std::printf("%s: %s\n  $ %s\n", fault.module.c_str(), found["text"].get<std::string>().c_str(),
                found["advice"]["command"].get<std::string>().c_str());
    if (fault.cause.empty()) return;
    ASSERT_TRUE(module.contains("worst")) << module.dump(1);
    EXPECT_EQ(module["worst"]["cause"], fault.cause) << module["worst"];
    EXPECT_GT(module["worst"]["start_ns"], module["begin_ns"].get<int64_t>() - 1'000'000'000);
  }
};

TEST_F(CheckTest, TwoBusyThreadsOnOneCpuFailIsolation) {
  ExpectFailure({"isolation", "p99_999_runqueue_ns", "two_spinners", {"--milliseconds", "2000"}, {}, "thread"});
}

TEST_F(CheckTest, ALongTimerInterruptFailsIrq) {
  ExpectFailure({"irq",
                 "longest_interruption_ns",
                 "interrupted_spinner",
                 {"--storm", "timers", "--weight", "4000", "--count", "20", "--shield"},
                 {},
                 "hard_irq"});
}

TEST_F(CheckTest, FreshMemoryFailsMemory) {
  ExpectFailure({"memory", "minor_fault_count", "page_faulter", {"--kind", "touch", "--count", "5000"}, {}, ""});
}

TEST_F(CheckTest, FlushesByAnotherThreadFailMemory) {
  ExpectFailure({"memory", "shootdown_count", "page_faulter", {"--kind", "shootdown", "--count", "400", "--priority", "5"}, {}, ""});
}

TEST_F(CheckTest, SleepsFailSyscall) {
  ExpectFailure({"syscall", "sleep_count", "sleeper", {"--count", "100", "--duration-us", "5000"}, {}, "blocked"});
}

TEST_F(CheckTest, AContendedLockFailsSyscall) {
  ExpectFailure({"syscall", "futex_wait_count", "lock_waiter", {"--count", "50", "--hold-us", "3000"}, {}, "blocked"});
}

TEST_F(CheckTest, AFullSocketFailsNetwork) {
  ExpectFailure({"network", "drop_count", "packet_reader", {"--kind", "overflow", "--count", "500"}, {}, ""});
}

// Real time, and so nobody takes its CPU; the limits of time are what a crowded host may need.
std::vector<std::string> LeftAlone() {
  return {"--busy-us", "500", "--period-us", "1000", "--fifo"};
}

TEST_F(CheckTest, AThreadThatIsLeftAlonePassesAndAGateHoldsBothWays) {
  std::vector<std::string> arguments = LeftAlone();
  arguments.insert(arguments.end(), {"--cpu", CpuArgument()});
  WorkloadRun run("duty_cycle", arguments);
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const pid_t tid = run.about()["tid"];
  json report;
  int exit_code = -1;
  uint64_t taken = 1;  // how often it lost its CPU though it could run, by the kernel's own count: what is not left alone may not pass
  for (int attempt = 0; attempt < 5 && taken > 0; ++attempt) {
    const auto before = workload::ReadThreadCounts(run.pid(), tid);
    const auto check = StartCheck(run.pid(), {"-t", std::to_string(tid), "--module", "isolation", "--duration", "2s", "--max-runqueue",
                                              "10s", "--max-involuntary", "0"});
    report = ReportOf(*check, &exit_code);
    const auto after = workload::ReadThreadCounts(run.pid(), tid);
    ASSERT_TRUE(report.is_object() && before && after);
    taken = after->involuntary_count - before->involuntary_count;
    EXPECT_LE(report["isolation"]["involuntary_count"].get<uint64_t>(), taken) << report.dump(1);
  }
  if (taken > 0) GTEST_SKIP() << "in each of five runs somebody took its CPU: this host leaves no real-time thread alone";
  EXPECT_EQ(exit_code, 0) << report.dump(1);
  EXPECT_EQ(report["isolation"]["verdict"], "PASS");
  EXPECT_EQ(report["isolation"]["involuntary_count"], 0);
  EXPECT_GT(report["isolation"]["voluntary_count"], 0);
  EXPECT_EQ(report["segments"]["series"]["isolation.involuntary_count"].size(), 10u);
  if (RunCommand({"jq", "--version"}).exit_code != 0) GTEST_SKIP() << "jq is not installed: apt-get install jq";
  const std::string path = daemon_.folder() + "/report.json";
  std::ofstream(path) << report;
  const auto wait_ns = report["isolation"]["p99_999_runqueue_ns"].get<int64_t>();
  const auto gate = [&](int64_t limit_ns) {
    return RunCommand({"jq", "-e", ".isolation.p99_999_runqueue_ns < " + std::to_string(limit_ns), path}).exit_code;
  };
  EXPECT_EQ(gate(wait_ns + 1), 0);
  EXPECT_EQ(gate(wait_ns), 1);
}

TEST_F(CheckTest, ARunThatIsLikeItsBaselineIsNoRegressionAndAWorseOneIs) {
  std::vector<std::string> arguments = LeftAlone();
  arguments.insert(arguments.end(), {"--cpu", CpuArgument()});
  WorkloadRun run("duty_cycle", arguments);
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const std::string tid = std::to_string(run.about()["tid"].get<int>());
  const std::string path = daemon_.folder() + "/baseline.json";
  const std::vector<std::string> words{"-t",
                                       tid,
                                       "--module",
                                       "isolation,syscall",
                                       "--duration",
                                       "2s",
                                       "--max-runqueue",
                                       "10s",
                                       "--max-sleeps",
                                       "100000",
                                       "--max-blocked",
                                       "1s",
                                       "--max-involuntary",
                                       "100"};
  std::vector<std::string> first = words;
  first.insert(first.end(), {"--output", path});
  const auto before = StartCheck(run.pid(), first);
  before->ReadAll();
  EXPECT_EQ(before->Wait().value_or(-1), 0) << before->ErrorText();
  std::vector<std::string> second = words;
  second.insert(second.end(), {"--baseline", path});
  int exit_code = -1;
  const auto same = StartCheck(run.pid(), second);
  const json alike = ReportOf(*same, &exit_code);
  ASSERT_TRUE(alike.is_object());
  // Waits depend on the host; how often it slept does not.
  for (const json& each : alike["baseline"]) {
    if (each["figure"] == "syscall.sleep_count") {
      EXPECT_EQ(each["regressed"], false) << each;
    }
  }
  run.End();
  arguments[3] = "500";  // the period: twice as often
  arguments[1] = "100";
  WorkloadRun worse("duty_cycle", arguments);
  ASSERT_TRUE(worse.about().is_object());
  second[1] = std::to_string(worse.about()["tid"].get<int>());
  const auto changed = StartCheck(worse.pid(), second);
  const json report = ReportOf(*changed, &exit_code);
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(exit_code, 2) << report.dump(1);
  bool regressed = false;
  for (const json& each : report["baseline"])
    regressed = regressed || (each["figure"] == "syscall.sleep_count" && each["regressed"] == true);
  EXPECT_TRUE(regressed) << report["baseline"].dump(1);
}

TEST_F(CheckTest, InterruptedItReportsAPartAndEndsWith130) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  const auto check = StartCheck(run.pid(), {"--module", "isolation", "--duration", "1h"});
  ASSERT_TRUE(AwaitBegin(run.pid(), "isolation"));
  check->Signal(SIGINT);
  int exit_code = -1;
  const json report = ReportOf(*check, &exit_code);
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(exit_code, 130);
  EXPECT_EQ(report["interrupted"], true);
  // What it watched ends with it.
  EXPECT_TRUE(Eventually([&] {
    const auto target = daemon_.FindTarget(run.pid());
    return !target.has_value() || target->holders().empty();
  }));
}

TEST_F(CheckTest, InQuietHoursWhatIsRefusedIsUnavailable) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_EQ(daemon_.Hftmon({"quiet", "on"}).exit_code, 0);
  const auto check = StartCheck(run.pid(), {"--module", "irq,memory,network", "--duration", "200ms"});
  int exit_code = -1;
  const json report = ReportOf(*check, &exit_code);
  EXPECT_EQ(daemon_.Hftmon({"quiet", "off"}).exit_code, 0);
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(report["memory"]["verdict"], "WARN") << report.dump(1);
  EXPECT_EQ(report["memory"]["minor_fault_count"], "unavailable");
  EXPECT_EQ(report["network"]["drop_count"], "unavailable");
  EXPECT_EQ(report["irq"]["p99_999_handler_ns"], "unavailable");
  EXPECT_TRUE(report["irq"]["interrupt_count"].is_number()) << "that is always there";
}

// Without a daemon of one's own: where one listens at the usual place that one is asked.
class PrivateDaemonCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    if (std::filesystem::exists("/run/hftmon/hftmond.sock")) GTEST_SKIP() << "an hftmond listens on its usual socket: stop it";
    unsetenv("HFTMON_SERVER");
    char folder[] = "/tmp/hftmon-test.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    options_.environment["TMPDIR"] = folder_;
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  bool IsEmpty() const { return std::filesystem::is_empty(folder_); }
  // The daemon's socket is there: it has been started.
  std::string SocketNow() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (entry.path().filename() == "hftmond.sock") return entry.path();
    }
    return "";
  }

  std::string folder_;
  Subprocess::Options options_;
};

TEST_F(PrivateDaemonCheckTest, ACheckStartsAPrivateDaemonAndLeavesNothing) {
  const std::set<std::string> before = OrphanedBpfObjects();
  WorkloadRun run("sleeper");
  ASSERT_TRUE(run.about().is_object());
  const CommandResult result =
      RunCommand({BinaryPath("hftmon"), "check", "-p", std::to_string(run.pid()), "--duration", "300ms", "--json"}, options_, 120'000);
  const json report = json::parse(result.output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << result.error;
  EXPECT_EQ(report["private_daemon"], true);
  EXPECT_EQ(report["exit_code"], result.exit_code);
  EXPECT_LE(result.exit_code, 2) << result.error;
  EXPECT_TRUE(IsEmpty());
  ExpectNoNewOrphans(before);
}

TEST_F(PrivateDaemonCheckTest, InterruptedItEndsItsDaemonToo) {
  const std::set<std::string> before = OrphanedBpfObjects();
  WorkloadRun run("sleeper");
  ASSERT_TRUE(run.about().is_object());
  Subprocess check({BinaryPath("hftmon"), "check", "-p", std::to_string(run.pid()), "--duration", "1h", "--json"}, options_);
  ASSERT_TRUE(Eventually([&] { return !SocketNow().empty(); }, 120'000'000'000)) << check.ErrorText();
  check.Signal(SIGINT);
  EXPECT_EQ(check.Wait(120'000).value_or(-1), 130) << check.ErrorText();
  EXPECT_TRUE(IsEmpty());
  ExpectNoNewOrphans(before);
}

TEST_F(PrivateDaemonCheckTest, KilledItTakesItsDaemonWithIt) {
  const std::set<std::string> before = OrphanedBpfObjects();
  WorkloadRun run("sleeper");
  ASSERT_TRUE(run.about().is_object());
  Subprocess check({BinaryPath("hftmon"), "check", "-p", std::to_string(run.pid()), "--duration", "1h", "--json"}, options_);
  ASSERT_TRUE(Eventually([&] { return !SocketNow().empty(); }, 120'000'000'000)) << check.ErrorText();
  check.Signal(SIGKILL);
  check.Wait();
  // Its socket goes with it, the folder stays: nobody is left to remove that.
  EXPECT_TRUE(Eventually([&] { return SocketNow().empty(); }, 60'000'000'000));
  ExpectNoNewOrphans(before);
}

TEST_F(PrivateDaemonCheckTest, WithoutPrivilegesItSaysWhatHelps) {
  chmod(folder_.c_str(), 0777);
  const CommandResult result = RunCommand({"setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                                           BinaryPath("hftmon"), "check", "-p", std::to_string(getpid()), "--duration", "100ms"},
                                          options_, 120'000);
  if (result.exit_code == 127 || result.error.find("failed to execute") != std::string::npos) GTEST_SKIP() << result.error;
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.error.find("sudo hftmon check"), std::string::npos) << result.error;
  EXPECT_TRUE(IsEmpty());
}

}  // namespace
}  // namespace hftmon::testing
