// The hftmon binary as a process: `run`, signals, and outputs that are closed, full or abandoned.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>

#include "tests/client/cli/answers.h"
#include "tests/client/cpp/fake_monitor.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// `hftmon WORDS…` with pipes on its standard descriptors. Everything is prepared before the fork: this process has threads.
class Hftmon {
 public:
  enum class Output { kPipe, kClosed, kFull };

  Hftmon(const FakeMonitor& monitor, std::vector<std::string> words, Output output = Output::kPipe) {
    words.insert(words.begin(), {HFTMON_BINARY, "--server", monitor.address()});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    for (auto* fds : {&in_, &out_, &err_}) EXPECT_EQ(pipe2(fds->data(), O_CLOEXEC), 0);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in_[0], 0);
      dup2(output == Output::kFull ? full : out_[1], 1);
      dup2(err_[1], 2);
      if (output == Output::kClosed) close(1);
      execv(arguments[0], arguments.data());
      _exit(99);
    }
    close(full);
    for (const int fd : {in_[0], out_[1], err_[1]}) close(fd);
  }
  ~Hftmon() {
    CloseInput();
    CloseOutput();
    close(err_[0]);
  }

  pid_t pid() const { return pid_; }
  void CloseInput() { CloseOnce(in_[1]); }
  void CloseOutput() { CloseOnce(out_[0]); }
  // One line of its standard output, without the end.
  std::string ReadLine() {
    std::string line;
    for (char c = 0; read(out_[0], &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  // Its standard error up to and with `mark`; all of it when the mark never comes.
  std::string ReadErrorsUntil(const std::string& mark) {
    std::string text;
    for (char c = 0; text.find(mark) == std::string::npos && read(err_[0], &c, 1) == 1;) text += c;
    return text;
  }
  std::string ReadOutput() { return ReadAll(out_[0]); }
  std::string ReadErrors() { return ReadAll(err_[0]); }
  // Exit status; -1 when a signal ended it.
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static void CloseOnce(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  static std::string ReadAll(int fd) {
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t count; (count = read(fd, buffer.data(), buffer.size())) > 0;) text.append(buffer.data(), static_cast<size_t>(count));
    return text;
  }

  std::array<int, 2> in_;
  std::array<int, 2> out_;
  std::array<int, 2> err_;
  pid_t pid_ = -1;
};

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    monitor_.attach = [this](const auto& request, auto* response) {
      const std::lock_guard lock(mutex_);
      attach_request_ = request;
      program_at_attach_ = std::filesystem::read_symlink("/proc/" + std::to_string(request.pids(0)) + "/exe").filename();
      *response->add_targets() = SomeTarget(request.pids(0));
      return grpc::Status::OK;
    };
    monitor_.stream_spikes = [this](const auto&) {
      v1::StreamSpikesResponse in_force;
      return StreamScript<v1::StreamSpikesResponse>{{in_force, SpikeOf(4, child()), SpikeOf(5, kStranger), SpikeOf(6, kGrandchild)}, true};
    };
    monitor_.list_targets = [this](const auto&, auto* response) {
      *response->add_targets() = SomeTarget(child());
      *response->add_targets() = SomeTarget(kStranger);
      *response->add_targets() = SomeTarget(kGrandchild);
      response->mutable_targets(2)->set_parent_pid(child());
      return grpc::Status::OK;
    };
    monitor_.query_context_switches = [this](const auto& request, auto* response) {
      const std::lock_guard lock(mutex_);
      switches_request_ = request;
      *response = SomeSwitches();
      return grpc::Status::OK;
    };
    monitor_.detect_spikes = [](const auto&, auto* response) {
      *response->add_spikes() = SomeSpike(6);
      *response->add_spikes() = SomeSpike(8);
      return grpc::Status::OK;
    };
    monitor_.get_status = [](const auto&, auto*) { return grpc::Status::OK; };
  }

  int32_t child() {
    const std::lock_guard lock(mutex_);
    return attach_request_.pids(0);
  }
  static v1::StreamSpikesResponse SpikeOf(uint64_t id, int32_t pid) {
    v1::StreamSpikesResponse message;
    *message.mutable_spike() = SomeSpike(id);
    message.mutable_spike()->set_target_pid(pid);
    return message;
  }

  static constexpr int32_t kStranger = 4'000'001;
  static constexpr int32_t kGrandchild = 4'000'002;
  std::mutex mutex_;  // of what the handlers leave behind
  v1::AttachRequest attach_request_;
  v1::QueryContextSwitchesRequest switches_request_;
  std::string program_at_attach_;
  FakeMonitor monitor_;  // ends first: its handlers use the rest
};

TEST_F(RunTest, CommandIsWatchedBeforeItsFirstInstructionAndItsStatusComesBack) {
  Hftmon process(monitor_, {"run", "--threshold", "20us", "--", "sh", "-c", "echo hello; exit 7"});
  EXPECT_EQ(process.ReadOutput(), "hello\n");
  const std::string errors = process.ReadErrors();
  EXPECT_EQ(process.Wait(), 7);
  const std::lock_guard lock(mutex_);  // the handlers are done: that came by another process
  EXPECT_EQ(program_at_attach_, "hftmon");
  EXPECT_EQ(attach_request_.options().spike_threshold_ns(), 20'000);
  EXPECT_THAT(switches_request_.pids(), ::testing::ElementsAre(attach_request_.pids(0), kGrandchild));
  EXPECT_THAT(errors, AllOf(HasSubstr("2 spikes, the longest 312us\n"), HasSubstr("matcher        4711")));
}

TEST_F(RunTest, SpikesOfItsFamilyAreToldOnceAndStrangersNot) {
  Hftmon process(monitor_, {"run", "--json", "--", "cat"});
  const std::string while_it_runs = process.ReadErrorsUntil("\"id\":6,");
  EXPECT_THAT(while_it_runs, AllOf(HasSubstr("\"id\":4,"), Not(HasSubstr("\"id\":5,"))));
  process.CloseInput();
  const std::string afterwards = process.ReadErrors();
  EXPECT_EQ(process.Wait(), 0);
  // Number 8 came too late for the stream; 6 was told already.
  EXPECT_THAT(afterwards, AllOf(HasSubstr("\"id\":8,"), HasSubstr("\"threads\":["), Not(HasSubstr("\"id\":6,"))));
}

TEST_F(RunTest, ASpikeWithALowerIdThatTheStreamDidNotTellIsPrintedAtTheEnd) {
  monitor_.detect_spikes = [](const auto&, auto* response) {
    for (const uint64_t id : {4, 5, 6}) *response->add_spikes() = SomeSpike(id);  // 5 was going on until the command ended
    return grpc::Status::OK;
  };
  monitor_.stream_spikes = [this](const auto&) {
    v1::StreamSpikesResponse in_force;
    return StreamScript<v1::StreamSpikesResponse>{{in_force, SpikeOf(4, child()), SpikeOf(6, child())}, true};
  };
  Hftmon process(monitor_, {"run", "--json", "--", "cat"});
  process.ReadErrorsUntil("\"id\":6,");
  process.CloseInput();
  const std::string afterwards = process.ReadErrors();
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_THAT(afterwards, AllOf(HasSubstr("\"id\":5,"), Not(HasSubstr("\"id\":4,")), Not(HasSubstr("\"id\":6,"))));
}

TEST_F(RunTest, QuietPrintsTheSummaryOnly) {
  monitor_.stream_spikes = nullptr;  // a stream would fail the test
  Hftmon process(monitor_, {"run", "--quiet", "--", "true"});
  const std::string errors = process.ReadErrors();
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_THAT(errors, AllOf(HasSubstr("2 spikes"), Not(HasSubstr("#8"))));
}

TEST_F(RunTest, ProcessForgottenBetweenTwoQuestionsCostsNotTheSummary) {
  std::atomic<int> lists = 0;
  std::atomic<int> refusals = 0;
  monitor_.list_targets = [this, &lists](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(child());
    if (++lists > 1) return grpc::Status::OK;
    *response->add_targets() = SomeTarget(kGrandchild);
    response->mutable_targets(1)->set_parent_pid(child());
    return grpc::Status::OK;
  };
  monitor_.query_context_switches = [&refusals](const auto& request, auto* response) {
    if (request.pids_size() > 1) {
      ++refusals;
      return FakeMonitor::RichError(grpc::StatusCode::NOT_FOUND, "process is not a target", "NOT_A_TARGET");
    }
    *response = SomeSwitches();
    return grpc::Status::OK;
  };
  monitor_.get_status = [](const auto&, auto* response) {
    v1::DropCounter* drop = response->add_drops();
    drop->set_name("refused_children");
    drop->set_count(77);
    drop->set_help("not followed");
    return grpc::Status::OK;
  };
  Hftmon process(monitor_, {"run", "--quiet", "--", "true"});
  const std::string errors = process.ReadErrors();
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_EQ(refusals, 1);
  EXPECT_THAT(errors, AllOf(HasSubstr("2 spikes"), HasSubstr("matcher        4711"), Not(HasSubstr("no summary"))));
  EXPECT_THAT(errors, HasSubstr("processes may be missing from the summary: 77 refused_children"));
}

TEST_F(RunTest, ForgottenFamilyHasNoSummaryRatherThanStrangers) {
  monitor_.list_targets = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(kStranger);
    return grpc::Status::OK;
  };
  monitor_.query_context_switches = nullptr;  // a query would fail the test
  Hftmon process(monitor_, {"run", "--quiet", "--", "true"});
  EXPECT_THAT(process.ReadErrors(), HasSubstr("no summary: the daemon no longer knows"));
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(RunTest, CommandThatCannotBeWatchedIsNotRun) {
  monitor_.attach = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::RESOURCE_EXHAUSTED, "targets: 1024 of 1024: detach one", "BOUND");
  };
  Hftmon process(monitor_, {"run", "--", "echo", "ran"});
  EXPECT_EQ(process.ReadOutput(), "");
  EXPECT_THAT(process.ReadErrors(), HasSubstr("hftmon: run: targets: 1024 of 1024: detach one"));
  EXPECT_EQ(process.Wait(), 3);
}

TEST_F(RunTest, CommandThatDoesNotExistIs127AndNotExecutableIs126) {
  Hftmon missing(monitor_, {"run", "--quiet", "--", "/no/such/command"});
  EXPECT_THAT(missing.ReadErrors(), HasSubstr("hftmon: run: /no/such/command: no such command"));
  EXPECT_EQ(missing.Wait(), 127);
  Hftmon folder(monitor_, {"run", "--quiet", "--", "/proc"});
  EXPECT_THAT(folder.ReadErrors(), HasSubstr("cannot be executed"));
  EXPECT_EQ(folder.Wait(), 126);
}

TEST_F(RunTest, DeathBySignalIsToldAsAShellTellsIt) {
  Hftmon process(monitor_, {"run", "--quiet", "--", "sh", "-c", "kill -KILL $$"});
  process.ReadErrors();
  EXPECT_EQ(process.Wait(), 137);
}

TEST_F(RunTest, TerminationIsPassedOnAndTheCommandDecides) {
  // Asked at run time: what includes gRPC is compiled without the sanitizer's macro.
  if (dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr) {
    GTEST_SKIP() << "the thread sanitizer holds signals back from a thread that waits for a child";
  }
  // `cat` ends when this test closes the pipe, so nothing outlives a failure.
  Hftmon process(monitor_, {"run", "--quiet", "--", "sh", "-c", "trap 'exit 42' TERM; exec 3<&0; cat <&3 >&2 & echo ready; wait"});
  EXPECT_EQ(process.ReadLine(), "ready");
  kill(process.pid(), SIGTERM);
  EXPECT_EQ(process.Wait(), 42);
}

TEST_F(RunTest, DaemonThatBreaksDoesNotChangeTheCommandsStatus) {
  monitor_.query_context_switches = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::INTERNAL, "store: broken", "BUG");
  };
  Hftmon process(monitor_, {"run", "--quiet", "--", "sh", "-c", "exit 5"});
  EXPECT_THAT(process.ReadErrors(), HasSubstr("hftmon: run: no summary: store: broken"));
  EXPECT_EQ(process.Wait(), 5);
}

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() {
    monitor_.get_status = [](const auto&, auto* response) {
      *response = SomeStatus();
      return grpc::Status::OK;
    };
    monitor_.stream_spikes = [](const auto&) { return StreamScript<v1::StreamSpikesResponse>{{v1::StreamSpikesResponse()}, true}; };
  }
  FakeMonitor monitor_;
};

TEST_F(OutputTest, ClosedOutputDoesNoHarm) {
  Hftmon process(monitor_, {"status", "--json"}, Hftmon::Output::kClosed);
  EXPECT_EQ(process.ReadErrors(), "");
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(OutputTest, FullOutputIsAnError) {
  Hftmon process(monitor_, {"status", "--json"}, Hftmon::Output::kFull);
  EXPECT_THAT(process.ReadErrors(), HasSubstr("No space left on device"));
  EXPECT_EQ(process.Wait(), 3);
}

TEST_F(OutputTest, FollowEndsWhenItsReaderGoesAwayThoughNothingIsPrinted) {
  Hftmon process(monitor_, {"spikes", "--follow"});
  monitor_.stream_written.WaitForNotification();
  process.CloseOutput();
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(OutputTest, FollowEndsAtAnInterruptWith130AndAtTerminationWith143) {
  Hftmon interrupted(monitor_, {"spikes", "--follow"});
  monitor_.stream_written.WaitForNotification();
  kill(interrupted.pid(), SIGINT);
  EXPECT_EQ(interrupted.Wait(), 130);
  FakeMonitor other;
  other.stream_spikes = monitor_.stream_spikes;
  Hftmon terminated(other, {"spikes", "--follow"});
  other.stream_written.WaitForNotification();
  kill(terminated.pid(), SIGTERM);
  EXPECT_EQ(terminated.Wait(), 143);
}

TEST_F(OutputTest, TextForAPipeHasNoColour) {
  monitor_.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike();
    return grpc::Status::OK;
  };
  Hftmon process(monitor_, {"spikes"});
  EXPECT_THAT(process.ReadOutput(), AllOf(HasSubstr("preempted"), Not(HasSubstr("\033"))));
  EXPECT_EQ(process.Wait(), 0);
}

}  // namespace
}  // namespace hftmon
