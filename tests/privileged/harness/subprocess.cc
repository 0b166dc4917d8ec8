#include "tests/privileged/harness/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using workload::NowNs;

void Check(bool fine, const char* what) {
  if (fine) return;
  std::perror(what);
  std::abort();
}

// In the child, between fork and exec.
[[noreturn]] void Execute(const std::vector<std::string>& command, const Subprocess::Options& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!options.cpus.empty()) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    for (const int cpu : options.cpus) CPU_SET(cpu, &mask);
    sched_setaffinity(0, sizeof(mask), &mask);
  }
  for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  std::perror(arguments[0]);
  _exit(127);
}

}  // namespace

std::string BinaryPath(const std::string& name) {
  return std::string(HFTMON_BINARY_DIR) + "/" + name;
}

Subprocess::Subprocess(const std::vector<std::string>& command, const Options& options) {
  int input[2];
  int output[2];
  Check(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0, "pipe2");
  error_file_ = static_cast<int>(memfd_create("stderr", MFD_CLOEXEC));
  Check(error_file_ >= 0, "memfd_create");
  pid_ = fork();
  Check(pid_ >= 0, "fork");
  if (pid_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    dup2(error_file_, STDERR_FILENO);
    Execute(command, options);
  }
  close(input[0]);
  close(output[1]);
  input_ = input[1];
  output_ = output[0];
}

Subprocess::~Subprocess() {
  if (Running()) {
    Signal(SIGKILL);
    Reap(0);
  }
  CloseInput();
  close(output_);
  close(error_file_);
}

void Subprocess::WriteLine(const std::string& line) {
  const std::string text = line + "\n";
  // A program that has ended already shows itself in what is read next, not by SIGPIPE.
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] const ssize_t written = write(input_, text.data(), text.size());
  std::signal(SIGPIPE, previous);
}

void Subprocess::CloseInput() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

bool Subprocess::FillBuffer(int64_t deadline_ns) {
  const int64_t left_ms = (deadline_ns - NowNs()) / 1'000'000;
  pollfd wait{output_, POLLIN, 0};
  if (left_ms <= 0 || poll(&wait, 1, static_cast<int>(left_ms)) <= 0) return false;
  char chunk[65536];
  const ssize_t length = read(output_, chunk, sizeof(chunk));
  if (length <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(length));
  return true;
}

std::optional<std::string> Subprocess::ReadLine(int timeout_ms) {
  const int64_t deadline_ns = NowNs() + timeout_ms * 1'000'000LL;
  size_t end;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!FillBuffer(deadline_ns)) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::string Subprocess::ReadAll(int timeout_ms) {
  const int64_t deadline_ns = NowNs() + timeout_ms * 1'000'000LL;
  while (FillBuffer(deadline_ns)) {
  }
  return std::exchange(buffer_, "");
}

std::optional<int> Subprocess::Reap(int flags) {
  int status = 0;
  if (exit_code_) return exit_code_;
  pid_t reaped;
  do {
    reaped = waitpid(pid_, &status, flags);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == pid_) exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

std::optional<int> Subprocess::Wait(int timeout_ms) {
  if (exit_code_) return exit_code_;
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd wait{handle, POLLIN, 0};
  const bool ended = handle < 0 || poll(&wait, 1, timeout_ms) > 0;
  if (handle >= 0) close(handle);
  return ended ? Reap(0) : std::nullopt;
}

void Subprocess::Signal(int signal) const {
  if (!exit_code_) kill(pid_, signal);
}

bool Subprocess::Running() {
  return !Reap(WNOHANG);
}

std::string Subprocess::ErrorText() const {
  std::string text(65536, '\0');
  const ssize_t length = pread(error_file_, text.data(), text.size(), 0);
  text.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return text;
}

CommandResult RunCommand(const std::vector<std::string>& command, const Subprocess::Options& options, int timeout_ms) {
  Subprocess program(command, options);
  program.CloseInput();
  CommandResult result;
  result.output = program.ReadAll(timeout_ms);
  result.exit_code = program.Wait(timeout_ms).value_or(-1);
  result.error = program.ErrorText();
  return result;
}

}  // namespace hftmon::testing
