#include "client/cli/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/cli/exit_code.h"

namespace hftmon {
namespace {

void CloseFd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// Reads once, whatever interrupts; the number of bytes, 0 at the end of file.
ssize_t ReadWhole(int fd, void* data, size_t size) {
  ssize_t count = 0;
  do {
    count = read(fd, data, size);
  } while (count < 0 && errno == EINTR);
  return count;
}

// In the child: only async-signal-safe calls, other threads may have held any lock when it was forked.
[[noreturn]] void RunChild(int go_fd, int exec_error_fd, char* const* arguments) {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  char go = 0;
  if (ReadWhole(go_fd, &go, 1) != 1) _exit(kExitError);
  execvp(arguments[0], arguments);
  const int error = errno;
  if (write(exec_error_fd, &error, sizeof(error)) < 0) _exit(kExitError);
  _exit(error == ENOENT ? kExitNotFound : kExitNotExecutable);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Fork(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<int, 2> go{-1, -1};
  std::array<int, 2> exec_error{-1, -1};
  if (pipe2(go.data(), O_CLOEXEC) != 0 || pipe2(exec_error.data(), O_CLOEXEC) != 0) {
    const int error = errno;
    for (int* fd : {&go[0], &go[1], &exec_error[0], &exec_error[1]}) CloseFd(*fd);
    return absl::ResourceExhaustedError(
        fmt::format("{}: no pipe: {}: raise the limit of open files (`ulimit -n`)", command[0], strerror(error)));
  }
  const pid_t pid = fork();
  if (pid == 0) {
    close(go[1]);
    RunChild(go[0], exec_error[1], arguments.data());
  }
  const int error = errno;
  CloseFd(go[0]);
  CloseFd(exec_error[1]);
  if (pid < 0) {
    CloseFd(go[1]);
    CloseFd(exec_error[0]);
    return absl::ResourceExhaustedError(
        fmt::format("{}: cannot fork: {}: raise the limit of processes (`ulimit -u`)", command[0], strerror(error)));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, go[1], exec_error[0], command[0]));
}

ChildProcess::ChildProcess(pid_t pid, int go_fd, int exec_error_fd, std::string name)
    : pid_(pid), go_fd_(go_fd), exec_error_fd_(exec_error_fd), name_(std::move(name)) {}

ChildProcess::~ChildProcess() {
  const bool released = go_fd_ < 0;
  CloseFd(go_fd_);
  CloseFd(exec_error_fd_);
  if (released || reaped_) return;
  AwaitEnd();
  Reap();
}

absl::Status ChildProcess::Release() {
  const char go = 1;
  const bool told = write(go_fd_, &go, 1) == 1;  // fails when something killed the child already: AwaitEnd and Reap will tell
  CloseFd(go_fd_);
  int error = 0;
  const bool failed = told && ReadWhole(exec_error_fd_, &error, sizeof(error)) == static_cast<ssize_t>(sizeof(error));
  CloseFd(exec_error_fd_);
  if (!failed) return absl::OkStatus();
  AwaitEnd();
  Reap();
  if (error == ENOENT) return absl::NotFoundError(fmt::format("{}: no such command: check the spelling and PATH", name_));
  return absl::PermissionDeniedError(fmt::format("{}: cannot be executed: {}: check its permissions and format", name_, strerror(error)));
}

void ChildProcess::Signal(int signal) const {
  kill(pid_, signal);
}

void ChildProcess::AwaitEnd() const {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
}

int ChildProcess::Reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  return WIFSIGNALED(status) ? kExitSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace hftmon
