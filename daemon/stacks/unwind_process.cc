#include "daemon/stacks/unwind_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "daemon/stacks/stack_codec.h"

namespace hftmon {
namespace {

constexpr int kChildSocket = 3;

Stack Unavailable(const hft_stack& record, const std::string& reason) {
  Stack stack;
  const StackPart part{StackState::kUnavailable, reason, {}};
  if (record.kernel_problem != HFT_STACK_NOT_ASKED) stack.kernel = part;
  if (record.user_problem != HFT_STACK_NOT_ASKED) stack.user = part;
  return stack;
}

}  // namespace

std::string UnwindBinaryPath() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "/usr/sbin/hftmon-unwind" : (self.parent_path() / "hftmon-unwind").string();
}

bool UnwindProcess::Begin(std::string* reason) {
  if (pid_ > 0) return true;
  if (failed_mono_ns_ != 0 && clock_->NowNs() - failed_mono_ns_ < kRestartIntervalNs) {
    *reason = "the unwinding process failed a moment ago and was not started again yet";
    return false;
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    *reason = fmt::format("no socket for the unwinding process: {}", strerror(errno));
    return false;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kChildSocket);
  char* arguments[] = {const_cast<char*>(path_.c_str()), nullptr};
  char* environment[] = {nullptr};  // none of it is libdw's business: debuginfod would go to the network
  const int error = posix_spawn(&pid_, path_.c_str(), &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    pid_ = -1;
    failed_mono_ns_ = clock_->NowNs();
    *reason = fmt::format("{} cannot be started: {}: install it beside hftmond", path_, strerror(error));
    return false;
  }
  socket_ = ends[0];
  return true;
}

void UnwindProcess::End() {
  if (pid_ <= 0) return;
  close(socket_);
  kill(pid_, SIGKILL);
  // Waits for nobody: one that the kernel cannot end now (a dead file server) is left to init.
  for (int i = 0; i < 10 && waitpid(pid_, nullptr, WNOHANG) == 0; ++i) usleep(1'000);
  pid_ = -1;
  socket_ = -1;
}

bool UnwindProcess::Answer(std::string* text, std::string* reason) {
  text->resize(kStackAnswerBytesMax);
  const int64_t deadline_ns = clock_->NowNs() + kPatienceNs;
  while (!cancelled_.load(std::memory_order_relaxed)) {
    pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
    const int count = poll(&ready, 1, kSliceMs);
    if (count > 0) {
      const ssize_t bytes = recv(socket_, text->data(), text->size(), MSG_DONTWAIT);
      if (bytes > 0) {
        text->resize(static_cast<size_t>(bytes));
        return true;
      }
      *reason = "the unwinding process ended: a file that this program maps may be damaged";
      return false;
    }
    if (clock_->NowNs() > deadline_ns) {
      *reason = fmt::format("unwinding took longer than {} ms", kPatienceNs / 1'000'000);
      return false;
    }
  }
  *reason = "the daemon is stopping";
  return false;
}

Stack UnwindProcess::Unwind(const hft_stack& record) {
  std::string reason;
  if (!Begin(&reason)) return Unavailable(record, reason);
  std::optional<Stack> stack;
  if (send(socket_, &record, sizeof(record), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(record))) {
    reason = fmt::format("the unwinding process ended: {}", strerror(errno));
  } else if (Answer(&answer_, &reason)) {
    stack = DecodeStack(answer_);
    if (!stack.has_value()) reason = "the unwinding process answered nonsense";
  }
  if (stack.has_value()) return *std::move(stack);
  failure_count_.fetch_add(1, std::memory_order_relaxed);
  failed_mono_ns_ = clock_->NowNs();
  End();
  return Unavailable(record, reason);
}

}  // namespace hftmon
