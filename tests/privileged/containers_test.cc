// Processes in pid namespaces of their own: shown with both numbers, found by either.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::vector<std::string> kUnshare = {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"};

// The shell is the namespace's first process, and what follows is its child; it stays when that has ended.
std::vector<std::string> InNamespace(const std::string& before = "true") {
  std::vector<std::string> prefix = kUnshare;
  prefix.insert(prefix.end(), {"sh", "-c", before + "; \"$0\" \"$@\"; exec sleep 60"});
  return prefix;
}

// The only child of a process; 0 while there is none.
pid_t ChildOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  pid_t child = 0;
  file >> child;
  return child;
}

pid_t Descendant(pid_t pid, int generations) {
  for (int i = 0; i < generations && pid != 0; ++i) pid = ChildOf(pid);
  return pid;
}

// The host's number of the process's thread with that number in its innermost namespace; 0: there is none.
pid_t HostTid(pid_t pid, pid_t inner) {
  for (const workload::ThreadCounts& thread : workload::ReadProcessCounts(pid)) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread.tid) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("NSpid:")) continue;
      std::istringstream numbers(line.substr(6));
      pid_t last = 0;
      while (numbers >> last) {
      }
      if (last == inner) return static_cast<pid_t>(thread.tid);
    }
  }
  return 0;
}

class ContainersTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (const CommandResult made = RunCommand({"unshare", "--pid", "--fork", "--mount-proc", "true"}); made.exit_code != 0) {
      GTEST_SKIP() << "no pid namespace can be made here: " << made.error;
    }
    struct stat own;
    if (stat("/proc/self/ns/pid", &own) != 0 || own.st_ino != 0xEFFFFFFC) {
      GTEST_SKIP() << "this test is not in the initial pid namespace itself: what the daemon would know of others is nothing";
    }
  }

  // Asks as a client in the namespace of that process does.
  std::unique_ptr<Client> ClientWithin(pid_t host_pid) const {
    auto client = Client::Connect(daemon_.address(), {.deadline_ns = 30'000'000'000, .name = "within", .pid_namespace_of = host_pid});
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  // `hftmon …`, run in the namespaces of that process.
  CommandResult HftmonWithin(pid_t host_pid, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {"nsenter",  "--target",       std::to_string(host_pid), "--pid", "--mount", BinaryPath("hftmon"),
                                        "--server", daemon_.address()};
    command.insert(command.end(), words.begin(), words.end());
    return RunCommand(command);
  }
  json HftmonJsonWithin(pid_t host_pid, std::vector<std::string> words) const {
    words.push_back("--json");
    const CommandResult result = HftmonWithin(host_pid, words);
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 1) << result.exit_code << ": " << result.error;
    return json::parse(result.output.substr(0, result.output.find('\n')), nullptr, false);
  }
  std::vector<std::string> PreemptedArguments() const {
    return {"--cpu", CpuArgument(), "--count", "10", "--duration-us", "2000", "--period-us", "20000"};
  }
};

v1::AttachRequest AttachOf(pid_t pid) {
  v1::AttachRequest request;
  request.add_pids(pid);
  request.set_persist(true);
  request.mutable_options()->set_blocked_threshold_ns(100'000);
  return request;
}

TEST_F(ContainersTest, AProcessWatchedFromOutsideIsShownWithBothNumbers) {
  WorkloadRun run("preempted_spinner", PreemptedArguments(), InNamespace());
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const pid_t inner_pid = run.pid();
  const pid_t pid = Descendant(run.process().pid(), 2);
  ASSERT_NE(pid, 0);
  ASSERT_NE(pid, inner_pid);
  const auto attached = daemon_.client().Attach(AttachOf(pid));
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_EQ(attached->targets(0).namespace_pid(), inner_pid);
  struct stat inode;
  ASSERT_EQ(stat(("/proc/" + std::to_string(pid) + "/ns/pid").c_str(), &inode), 0);
  EXPECT_EQ(attached->targets(0).pid_namespace(), inode.st_ino);
  const pid_t spinner = HostTid(pid, run.about()["spinner_tid"]);
  const pid_t bully = HostTid(pid, run.about()["fifo_tid"]);
  ASSERT_TRUE(run.Act().is_object());
  const auto spikes = daemon_.Spikes(pid);
  ASSERT_TRUE(spikes.ok()) << spikes.status();
  int blamed = 0;
  for (const v1::Spike& spike : spikes->spikes()) {
    if (spike.thread().tid() != spinner) continue;
    EXPECT_EQ(spike.thread().namespace_tid(), run.about()["spinner_tid"]);
    EXPECT_EQ(spike.thread().namespace_pid(), inner_pid);
    for (const v1::Cause& cause : spike.causes()) {
      if (!cause.has_actor() || cause.actor().tid() != bully) continue;
      ++blamed;
      EXPECT_EQ(cause.actor().namespace_tid(), run.about()["fifo_tid"]);
      EXPECT_EQ(cause.actor().namespace_pid(), inner_pid);
    }
  }
  EXPECT_GE(blamed, 5);
  const auto switches = daemon_.Switches(pid);
  ASSERT_TRUE(switches.ok()) << switches.status();
  const v1::ThreadSwitches* thread = FindThread(*switches, spinner);
  ASSERT_NE(thread, nullptr);
  EXPECT_EQ(thread->thread().namespace_tid(), run.about()["spinner_tid"]);
  const CommandResult text = daemon_.Hftmon({"switches", "-p", std::to_string(pid)});
  EXPECT_THAT(text.output, HasSubstr(std::to_string(pid) + " (" + std::to_string(inner_pid) + ")"));
  EXPECT_EQ(daemon_.HftmonJson({"targets"})["targets"][0]["namespace_pid"], inner_pid);
}

TEST_F(ContainersTest, AProcessOfTheDaemonsNamespaceHasOneNumber) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(daemon_.client().Attach(AttachOf(run.pid())).ok());
  ASSERT_TRUE(run.Act().is_object());
  const auto switches = daemon_.Switches(run.pid());
  ASSERT_TRUE(switches.ok()) << switches.status();
  const v1::ThreadSwitches* thread = FindThread(*switches, run.pid());
  ASSERT_NE(thread, nullptr);
  EXPECT_EQ(thread->thread().namespace_tid(), 0);
  EXPECT_EQ(thread->thread().namespace_pid(), 0);
  EXPECT_FALSE(daemon_.HftmonJson({"targets"})["targets"][0].contains("namespace_pid"));
}

TEST_F(ContainersTest, TheOptionTakesTheNumbersOfAProcessesNamespace) {
  WorkloadRun run("preempted_spinner", PreemptedArguments(), InNamespace());
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  const std::string inner = std::to_string(run.pid());
  const pid_t pid = Descendant(run.process().pid(), 2);
  const std::string of = std::to_string(pid);
  const CommandResult attached = daemon_.Hftmon({"--pid-namespace", of, "attach", inner});
  ASSERT_EQ(attached.exit_code, 0) << attached.error;
  EXPECT_THAT(attached.output, HasSubstr(of + " (" + inner + ")"));
  const auto client = ClientWithin(pid);
  v1::StreamSpikesRequest subscription;
  subscription.add_pids(run.pid());
  const auto stream = client->StreamSpikes(subscription);
  v1::StreamSpikesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_TRUE(run.Act().is_object());
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.spike().target_pid(), pid);
  EXPECT_EQ(message.spike().thread().namespace_pid(), run.pid());
  const json switches =
      daemon_.HftmonJson({"--pid-namespace", of, "switches", "-p", inner, "-t", std::to_string(run.about()["spinner_tid"].get<int>())});
  ASSERT_TRUE(switches.is_object());
  ASSERT_EQ(switches["threads"].size(), 1u);
  EXPECT_EQ(switches["threads"][0]["comm"], "spinner");
  EXPECT_EQ(switches["threads"][0]["namespace_tid"], run.about()["spinner_tid"]);
  EXPECT_EQ(switches["threads"][0]["pid"], pid);
  // It stays known by its number when it has ended.
  run.Say("");
  ASSERT_TRUE(Eventually([&] {
    const auto target = daemon_.FindTarget(pid);
    return target && target->state() == v1::TARGET_STATE_ENDED;
  }));
  const std::string shell = std::to_string(Descendant(run.process().pid(), 1));
  const json ended = daemon_.HftmonJson({"--pid-namespace", shell, "switches", "-p", inner});
  ASSERT_TRUE(ended.is_object());
  EXPECT_GE(ended["threads"].size(), 2u);
  const CommandResult detached = daemon_.Hftmon({"--pid-namespace", shell, "detach", inner});
  EXPECT_EQ(detached.exit_code, 0) << detached.error;
  EXPECT_THAT(detached.output, HasSubstr(of + " (" + inner + ")"));
  EXPECT_FALSE(daemon_.FindTarget(pid));
}

TEST_F(ContainersTest, TheCommandLineWithinTakesTheNumbersOfItsNamespace) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()}, InNamespace());
  ASSERT_TRUE(run.about().is_object());
  const std::string inner = std::to_string(run.pid());
  const pid_t pid = Descendant(run.process().pid(), 2);
  ASSERT_EQ(HftmonWithin(pid, {"attach", inner, "--blocked", "100us"}).exit_code, 0);
  const auto target = daemon_.FindTarget(pid);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->comm(), "sleeper");
  ASSERT_TRUE(run.Act().is_object());
  const json switches = HftmonJsonWithin(pid, {"switches", "-p", inner, "-t", inner});
  ASSERT_TRUE(switches.is_object());
  EXPECT_EQ(switches["threads"][0]["tid"], pid);
  EXPECT_EQ(switches["threads"][0]["namespace_tid"], run.pid());
  const json spike = HftmonJsonWithin(pid, {"spikes", "-p", inner, "--window", "all", "--blocked", "1ms", "--limit", "1"});
  ASSERT_TRUE(spike.is_object());
  EXPECT_EQ(spike["target_pid"], pid);
  EXPECT_EQ(spike["namespace_pid"], run.pid());
  EXPECT_EQ(HftmonJsonWithin(pid, {"irqs", "-p", inner, "-t", inner, "--for", "100ms", "--affinity"})["threads"].size(), 1u);
  const CommandResult unknown = HftmonWithin(pid, {"attach", "31999"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.error, HasSubstr("no process 31999 in the pid namespace " + std::to_string(target->pid_namespace())));
  EXPECT_EQ(HftmonWithin(pid, {"detach", inner}).exit_code, 0);
  EXPECT_FALSE(daemon_.FindTarget(pid));
}

TEST_F(ContainersTest, ACommandThatRunsWithinIsItsOwnFamily) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()}, InNamespace());
  ASSERT_TRUE(run.about().is_object());
  const pid_t pid = Descendant(run.process().pid(), 2);
  ASSERT_NE(pid, 0);
  const CommandResult result = HftmonWithin(pid, {"run", "--json", "--threshold", "30s", "--blocked", "1ms", "--",
                                                  BinaryPath("tests/sleeper"), "--count", "5", "--cpu", CpuArgument()});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  int blocked = 0;
  json summary;
  std::istringstream lines(result.error);
  for (std::string line; std::getline(lines, line);) {
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object()) continue;
    if (object.value("kind", "") == "blocked" && object["comm"] == "sleeper" && object.contains("namespace_pid")) ++blocked;
    if (object.contains("threads")) summary = object;
  }
  EXPECT_GE(blocked, 5) << result.error;
  ASSERT_TRUE(summary.is_object()) << result.error;
  ASSERT_EQ(summary["threads"].size(), 1u);
  EXPECT_GE(summary["threads"][0]["voluntary_count"], 5);
}

TEST_F(ContainersTest, ANumberThatBothHaveIsTheRightProcessInEach) {
  WorkloadRun outside("sleeper", {"--cpu", CpuArgument()});
  ASSERT_TRUE(outside.about().is_object());
  const std::string number = std::to_string(outside.pid());
  const std::string set_next = "echo " + std::to_string(outside.pid() - 1) + " > /proc/sys/kernel/ns_last_pid";
  WorkloadRun inside("ping_pong", {}, InNamespace(set_next));
  ASSERT_TRUE(inside.about().is_object());
  if (inside.pid() != outside.pid()) GTEST_SKIP() << "this kernel lets nobody choose the next pid of a namespace";
  const pid_t pid = Descendant(inside.process().pid(), 2);
  const auto within = ClientWithin(pid);
  const auto from_within = within->Attach(AttachOf(outside.pid()));
  ASSERT_TRUE(from_within.ok()) << from_within.status();
  EXPECT_EQ(from_within->targets(0).pid(), pid);
  const auto from_outside = daemon_.client().Attach(AttachOf(outside.pid()));
  ASSERT_TRUE(from_outside.ok()) << from_outside.status();
  EXPECT_EQ(from_outside->targets(0).pid(), outside.pid());
  EXPECT_EQ(from_outside->targets(0).comm(), "sleeper");
  EXPECT_EQ(from_outside->targets(0).namespace_pid(), 0);
  v1::QueryContextSwitchesRequest query;
  query.add_pids(outside.pid());
  const auto of_inside = within->QueryContextSwitches(query);
  ASSERT_TRUE(of_inside.ok()) << of_inside.status();
  for (const v1::ThreadSwitches& thread : of_inside->threads()) EXPECT_EQ(thread.thread().pid(), pid);
  EXPECT_GE(of_inside->threads_size(), 1);
  const auto of_outside = daemon_.client().QueryContextSwitches(query);
  ASSERT_TRUE(of_outside.ok()) << of_outside.status();
  for (const v1::ThreadSwitches& thread : of_outside->threads()) EXPECT_EQ(thread.thread().pid(), outside.pid());
  // Each ends its own alone.
  EXPECT_EQ(HftmonWithin(pid, {"detach", number}).exit_code, 0);
  EXPECT_FALSE(daemon_.FindTarget(pid));
  EXPECT_TRUE(daemon_.FindTarget(outside.pid()));
}

TEST_F(ContainersTest, InNestedNamespacesEachLevelHasItsNumber) {
  // Host: unshare → sh (1) → unshare (2) → sh (3; 1 within) → the workload (4; 2 within).
  std::vector<std::string> prefix = InNamespace();
  const std::vector<std::string> nested = InNamespace();
  prefix.insert(prefix.end(), nested.begin(), nested.end());
  WorkloadRun run("sleeper", {"--cpu", CpuArgument()}, prefix);
  ASSERT_TRUE(run.about().is_object());
  EXPECT_EQ(run.pid(), 2);
  const pid_t outer_shell = Descendant(run.process().pid(), 1);
  const pid_t outer_unshare = Descendant(run.process().pid(), 2);
  const pid_t inner_shell = Descendant(run.process().pid(), 3);
  const pid_t pid = Descendant(run.process().pid(), 4);
  ASSERT_NE(pid, 0);
  const auto outer = ClientWithin(outer_shell);
  const auto inner = ClientWithin(inner_shell);
  const auto by_outer = outer->Attach(AttachOf(4));
  ASSERT_TRUE(by_outer.ok()) << by_outer.status();
  EXPECT_EQ(by_outer->targets(0).pid(), pid);
  EXPECT_EQ(by_outer->targets(0).namespace_pid(), 2);
  const auto by_inner = inner->Attach(AttachOf(2));
  ASSERT_TRUE(by_inner.ok()) << by_inner.status();
  EXPECT_EQ(by_inner->targets(0).pid(), pid);
  // The same number is another process one level up.
  const auto up = outer->Attach(AttachOf(2));
  ASSERT_TRUE(up.ok()) << up.status();
  EXPECT_EQ(up->targets(0).pid(), outer_unshare);
  // The command line in the outer one may name the inner one by a process of it.
  const json targets = HftmonJsonWithin(outer_shell, {"--pid-namespace", "4", "switches", "-p", "2"});
  ASSERT_TRUE(targets.is_object());
  EXPECT_EQ(targets["threads"][0]["pid"], pid);
  EXPECT_EQ(targets["threads"][0]["namespace_pid"], 2);
  ASSERT_TRUE(run.Act().is_object());
  v1::QueryContextSwitchesRequest query;
  query.add_pids(4);
  query.add_tids(4);
  const auto answer = outer->QueryContextSwitches(query);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->threads_size(), 1);
  EXPECT_EQ(answer->threads(0).thread().tid(), pid);
  EXPECT_EQ(answer->threads(0).thread().namespace_tid(), 2);
  EXPECT_FALSE(inner->QueryContextSwitches(query).ok());
}

}  // namespace
}  // namespace hftmon::testing
