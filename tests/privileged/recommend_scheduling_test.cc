// Advice about who has the CPU, end to end: quiet, injected with the right actor and numbers, followed as given, silent afterwards, undone.
//
// Others' threads take these CPUs meanwhile: a question is about the test's own threads, never that an answer is empty.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/privileged/advice_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Question = AdviceRig::Question;
using Match = AdviceRig::Match;

std::set<int> AffinityOf(pid_t tid) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::set<int> cpus;
  if (sched_getaffinity(tid, sizeof(mask), &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.insert(cpu);
  }
  return cpus;
}

std::set<pid_t> ThreadsOf(pid_t pid) {
  std::set<pid_t> tids;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    tids.insert(std::atoi(task.path().filename().c_str()));
  }
  return tids;
}

// A thread of that process, because of that other one.
Match Between(pid_t pid, const std::string& actor_comm) {
  return [pid, actor = AdviceRig::WithValue("actor_comm", '"' + actor_comm + '"')](const v1::Recommendation& one) {
    return one.thread().pid() == pid && actor(one);
  };
}

Match OfProcess(pid_t pid) {
  return [pid](const v1::Recommendation& one) { return one.thread().pid() == pid; };
}

// In a window of some milliseconds whoever wakes the others is busy too, and no CPU is spare.
Match WithCommand(const Match& match) {
  return [match](const v1::Recommendation& one) { return match(one) && !one.action().command().empty(); };
}

// What the workload itself did in the time of the evidence.
struct Truth {
  int64_t count = 0;
  int64_t sum_ns = 0;
};
Truth TruthOf(const json& events, int64_t begin_ns, int64_t end_ns) {
  Truth truth;
  for (const json& event : events) {
    const int64_t start_ns = event["start_mono_ns"];
    const int64_t duration_ns = event["duration_ns"];
    if (start_ns > end_ns || start_ns + duration_ns < begin_ns) continue;
    ++truth.count;
    truth.sum_ns += duration_ns;
  }
  return truth;
}

class RecommendSchedulingTest : public AdviceTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (workload::InheritedCpus().size() < 2) GTEST_SKIP() << "one CPU: nothing can be moved to another";
  }
  absl::Status AttachBooks(const DaemonUnderTest& daemon) const {
    v1::AttachRequest request;
    request.add_selectors()->set_name("order_book");
    return daemon.client().Attach(request).status();
  }
  // Alone, not by name: whose threads are bound where decides which CPUs are spare, and others' tests run books too.
  absl::Status AttachBook(const Subprocess& book) const {
    Eventually([&book] {
      std::string name;
      std::ifstream(fmt::format("/proc/{}/comm", book.pid())) >> name;
      return name == "order_book";
    });
    return daemon_.Attach(book.pid()).status();
  }
  std::unique_ptr<Subprocess> StartBook(std::vector<std::string> more) const {
    std::vector<std::string> command = {BinaryPath("order_book"), "--threads", "1", "--cpus", CpuArgument(), "--rate", "20000", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<Subprocess>(command);
  }
  // The report at its end.
  static json ReportOf(Subprocess& book) {
    const json report = json::parse(book.ReadAll(), nullptr, false);
    EXPECT_TRUE(report.is_object()) << book.ErrorText();
    return report;
  }
  uint64_t ThrottledSpikesOf(pid_t tid) const {
    v1::DetectSpikesRequest request;
    request.set_max_spikes(100'000);
    const auto answer = daemon_.client().DetectSpikes(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return 0;
    return static_cast<uint64_t>(std::count_if(answer->spikes().begin(), answer->spikes().end(), [tid](const v1::Spike& spike) {
      return spike.thread().tid() == tid && spike.preemption().reason() == "throttled";
    }));
  }
  static void Run(const std::string& command) {
    const CommandResult result = AdviceRig::Shell(command);
    ASSERT_EQ(result.exit_code, 0) << command << ": " << result.output << result.error;
  }
};

TEST_F(RecommendSchedulingTest, ARealTimePreemptorIsMovedByTheCommandAndBackByItsUndo) {
  Question question{.rule = "fifo-shares-core", .since_ns = workload::NowNs()};
  const auto quiet = StartBook({"--duration", "3s"});
  ASSERT_TRUE(AttachBook(*quiet).ok());
  ExpectSilent(question, OfProcess(quiet->pid()), "without a preemptor");
  ReportOf(*quiet);

  question.since_ns = workload::NowNs();
  const auto book = StartBook({"--duration", "15s", "--inject", "preemptor", "--inject-every", "30ms", "--inject-length", "2ms"});
  ASSERT_TRUE(AttachBook(*book).ok());
  // Its other threads may have to wait for the preemptor too: of the engine the truth is known.
  const Match match = [&](const v1::Recommendation& one) {
    return one.thread().comm() == "ob_engine" && Between(book->pid(), "ob_preemptor")(one);
  };
  const auto advice = rig_.AwaitAdvice(question, WithCommand(match));
  ASSERT_TRUE(advice.ok()) << advice.status();
  const pid_t preemptor = static_cast<pid_t>(AdviceRig::NumberOf(*advice, "actor_tid"));
  const std::set<int> before = AffinityOf(preemptor);
  ExpectKnownSpikes(daemon_, *advice);
  ASSERT_NE(advice->action().command(), "") << advice->DebugString();

  Run(advice->action().command());
  question.since_ns = workload::NowNs();
  EXPECT_FALSE(AffinityOf(preemptor).contains(daemon_.WorkloadCpu()));
  ExpectSilent(question, match, "after " + advice->action().command());
  const int64_t silent_until_ns = workload::NowNs();
  Run(advice->action().undo());
  EXPECT_EQ(AffinityOf(preemptor), before);

  const json report = ReportOf(*book);
  const json& injection = report["injections"][0];
  EXPECT_EQ(injection["detail"]["tid"], preemptor);
  EXPECT_EQ(report["threads"]["engine"]["tid"], advice->thread().tid());
  const Truth truth = TruthOf(injection["events"], advice->evidence().begin_monotonic_ns(), advice->evidence().end_monotonic_ns());
  EXPECT_GE(advice->evidence().count(), 1u);
  EXPECT_LE(advice->evidence().count(), static_cast<uint64_t>(truth.count));
  EXPECT_LE(advice->evidence().sum_ns(), truth.sum_ns + truth.sum_ns / 20 + truth.count * 20'000);
  EXPECT_GT(TruthOf(injection["events"], question.since_ns, silent_until_ns).count, 3) << "it went on elsewhere while the rule was silent";
}

TEST_F(RecommendSchedulingTest, OfTwoBusyThreadsOnOneCpuOneIsMoved) {
  WorkloadRun run("two_spinners", {"--cpu", CpuArgument(), "--milliseconds", "12000"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const std::set<pid_t> spinners = {run.about()["tids"][0], run.about()["tids"][1]};
  const Match match = [&spinners](const v1::Recommendation& one) {
    return spinners.contains(one.thread().tid()) && spinners.contains(static_cast<pid_t>(AdviceRig::NumberOf(one, "actor_tid")));
  };
  Question question{.rule = "run-queue-crowded", .pids = {run.pid()}, .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "while both sleep");

  question.since_ns = workload::NowNs();
  run.Say("go");
  const auto advice = rig_.AwaitAdvice(question, WithCommand(match));
  ASSERT_TRUE(advice.ok()) << advice.status();
  const pid_t victim = advice->thread().tid();
  const pid_t actor = static_cast<pid_t>(AdviceRig::NumberOf(*advice, "actor_tid"));
  EXPECT_NE(victim, actor);
  ExpectKnownSpikes(daemon_, *advice);
  ASSERT_NE(advice->action().command(), "") << advice->DebugString();

  const std::set<int> before = AffinityOf(actor);
  Run(advice->action().command());
  question.since_ns = workload::NowNs();
  EXPECT_FALSE(AffinityOf(actor).contains(daemon_.WorkloadCpu()));
  ExpectSilent(question, match, "after " + advice->action().command());
  Run(advice->action().undo());
  EXPECT_EQ(AffinityOf(actor), before);

  const json truth = run.Read();
  ASSERT_TRUE(truth.is_object());
  for (const json& thread : truth["threads"]) {
    if (thread["tid"] != victim) continue;
    EXPECT_LE(advice->evidence().count(), thread["gap_count"].get<uint64_t>());
    EXPECT_LE(advice->evidence().sum_ns(), thread["run_delay_ns"].get<int64_t>());
  }
  EXPECT_EQ(run.End(), 0);
}

TEST_F(RecommendSchedulingTest, AThreadThatWandersIsBoundByTheCommandAndFreedByItsUndo) {
  WorkloadRun run("migrator", {"--cpu", CpuArgument(), "--count", "400", "--unbound"});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const Match match = AdviceRig::OfThread(run.pid());
  Question question{.rule = "migrations", .pids = {run.pid()}, .since_ns = workload::NowNs()};
  ExpectSilent(question, match, "while it sleeps");

  question.since_ns = workload::NowNs();
  const json wandered = run.Act();
  ASSERT_TRUE(wandered.is_object());
  ASSERT_GT(wandered["moved"], 300);
  // The first answers may be of a time in which it still wandered.
  const auto moved = wandered["moved"].get<int64_t>();
  const auto advice = rig_.AwaitAdvice(
      question, [&](const v1::Recommendation& one) { return WithCommand(match)(one) && 10 * one.evidence().count() >= 9 * moved; });
  ASSERT_TRUE(advice.ok()) << advice.status();
  EXPECT_EQ(advice->thread().comm(), "migrator");
  const auto switches = daemon_.Switches(run.pid());
  ASSERT_TRUE(switches.ok()) << switches.status();
  const v1::ThreadSwitches* thread = FindThread(*switches, run.pid());
  ASSERT_NE(thread, nullptr);
  EXPECT_LE(advice->evidence().count(), thread->migration_count());
  ASSERT_NE(advice->action().command(), "") << advice->DebugString();

  const std::set<int> before = AffinityOf(run.pid());
  Run(advice->action().command());
  question.since_ns = workload::NowNs();
  EXPECT_EQ(AffinityOf(run.pid()).size(), 1u) << advice->action().command();
  const json stayed = run.Act("again");
  EXPECT_EQ(stayed["moved"], 0);
  ExpectSilent(question, match, "after " + advice->action().command());
  Run(advice->action().undo());
  EXPECT_EQ(AffinityOf(run.pid()), before);
  EXPECT_EQ(run.End(), 0);
}

// Its whole mask is one CPU: on any other it must be silent about itself, and on the workload's it must be told as what it is.
class OwnDaemonTest : public RecommendSchedulingTest {
 protected:
  static std::optional<v1::Recommendation> AdviceOf(DaemonUnderTest& daemon, pid_t book) {
    const AdviceRig rig(&daemon);
    const Question question{.rule = "own-daemon-on-core", .since_ns = workload::NowNs()};
    const auto advice = rig.AdviceAfter(question, [book](const v1::Recommendation& one) {
      return one.thread().pid() == book && one.thread().comm() == "ob_engine";  // the main thread may share any CPU
    });
    EXPECT_TRUE(advice.ok()) << advice.status();
    return advice.ok() ? *advice : std::nullopt;
  }
};

TEST_F(OwnDaemonTest, OnTheWorkloadsCpuItNamesItself) {
  const int cpu = daemon_.WorkloadCpu();
  const auto book = StartBook({"--duration", "60s"});
  for (const bool shares : {false, true, false}) {
    SCOPED_TRACE(shares ? "on the workload's CPU" : "on another");
    const int own_cpu = shares ? cpu : workload::OtherCpu(cpu);
    DaemonUnderTest daemon({.arguments = {"--cpu", std::to_string(own_cpu)}, .cpus = {own_cpu}});
    ASSERT_TRUE(daemon.Start().ok());
    ASSERT_TRUE(daemon.Attach(book->pid()).ok());
    const auto advice = AdviceOf(daemon, book->pid());
    EXPECT_EQ(advice.has_value(), shares) << (advice ? advice->DebugString() : "");
    // Whatever else is said: its threads are nobody unknown.
    const std::set<pid_t> own = ThreadsOf(daemon.pid());
    v1::RecommendRequest all;
    all.set_window_ns(60'000'000'000);
    const auto answer = daemon.client().Recommend(all);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const v1::Recommendation& one : answer->recommendations()) {
      if (one.rule() == "own-daemon-on-core") continue;
      EXPECT_FALSE(own.contains(static_cast<pid_t>(AdviceRig::NumberOf(one, "actor_tid")))) << one.DebugString();
    }
    if (!advice) continue;
    EXPECT_THAT(advice->cause(), HasSubstr("hftmond"));
    EXPECT_THAT(advice->action().code_hint(), HasSubstr("cpu"));
    ExpectKnownSpikes(daemon, *advice);
  }
  book->Signal(SIGTERM);
}

// The limit as it was, whatever happens.
class KeptSetting {
 public:
  explicit KeptSetting(std::string path) : path_(std::move(path)) { std::ifstream(path_) >> value_; }
  ~KeptSetting() { std::ofstream(path_) << value_ << std::flush; }
  KeptSetting(const KeptSetting&) = delete;
  KeptSetting& operator=(const KeptSetting&) = delete;
  const std::string& value() const { return value_; }
  std::string Now() const {
    std::string now;
    std::ifstream(path_) >> now;
    return now;
  }

 private:
  const std::string path_;
  std::string value_;
};

// The real-time thread spins for 2.5 s at most; the other CPU is everybody's.
TEST_F(RecommendSchedulingTest, ThrottlingEndsByTheCommandOrAsAnOrdinaryThread) {
  const KeptSetting limit("/proc/sys/kernel/sched_rt_runtime_us");
  if (limit.value() == "-1") GTEST_SKIP() << "kernel.sched_rt_runtime_us is -1 on this host: nothing is throttled";
  ASSERT_TRUE(AttachBooks(daemon_).ok());
  // Who gets the CPU when the real-time thread may not have it.
  WorkloadRun ordinary("two_spinners", {"--cpu", CpuArgument(), "--milliseconds", "20000"});
  ASSERT_TRUE(ordinary.about().is_object());
  ordinary.Say("go");
  Question question{.rule = "rt-throttled", .since_ns = workload::NowNs()};
  const auto quiet = StartBook({"--duration", "500ms"});  // of real time it may be stopped sooner, where others were before it
  ReportOf(*quiet);
  ExpectSilent(question, OfProcess(quiet->pid()), "as an ordinary thread");

  question.since_ns = workload::NowNs();
  const auto book = StartBook({"--priority", "10", "--duration", "2500ms"});
  ReportOf(*book);
  const auto advice = rig_.AdviceAfter(question, OfProcess(book->pid()));
  ASSERT_TRUE(advice.ok()) << advice.status();
  if (!advice->has_value()) GTEST_SKIP() << "this kernel did not throttle a real-time thread that ran for 2.5 s";
  EXPECT_EQ((*advice)->thread().comm(), "ob_engine");
  EXPECT_LE((*advice)->evidence().count(), ThrottledSpikesOf((*advice)->thread().tid()));
  ExpectKnownSpikes(daemon_, **advice);
  EXPECT_EQ((*advice)->action().risk(), (*advice)->action().command().empty() ? "low" : "high");

  // From 6.12 on no command helps that can be undone for sure: it is run as an ordinary thread, which the advice names too.
  const std::string command = (*advice)->action().command();
  EXPECT_TRUE(!command.empty() || (*advice)->action().code_hint().find("fair_server") != std::string::npos) << (*advice)->DebugString();
  if (!command.empty()) Run(command);
  question.since_ns = workload::NowNs();
  const auto mended = command.empty() ? StartBook({"--duration", "2500ms"}) : StartBook({"--priority", "10", "--duration", "2500ms"});
  ReportOf(*mended);
  if (!command.empty()) Run((*advice)->action().undo());
  EXPECT_EQ(limit.Now(), limit.value());
  ExpectSilent(question, OfProcess(mended->pid()), command.empty() ? "as an ordinary thread" : "without the limit");
}

}  // namespace
}  // namespace hftmon::testing
