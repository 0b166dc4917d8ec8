#include "daemon/os/bounded_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

namespace hftmon {
namespace {

constexpr int kSliceMs = 20;
constexpr int64_t kKillPatienceNs = 1'000'000'000;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

// Masks and handlers of the caller are not the program's.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// One that runs. Its end ends it.
class Child {
 public:
  explicit Child(const BoundedProcess& process) : process_(process) {}
  ~Child() {
    if (output_ >= 0) close(output_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    Await(NowNs() + kKillPatienceNs);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  absl::Status Start();
  // Reads until it closes its output.
  absl::Status Read(int64_t deadline_ns, std::string* text);
  // Its wait status; nothing: it goes on.
  std::optional<int> Await(int64_t deadline_ns);
  absl::Status TooLong() const {
    return absl::DeadlineExceededError(fmt::format("{} took longer than {} ms", process_.path, process_.patience_ns / 1'000'000));
  }

 private:
  const BoundedProcess& process_;
  pid_t pid_ = -1;
  int output_ = -1;
};

absl::Status Child::Start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::UnavailableError(fmt::format("no pipe for {}: {}", process_.path, strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> arguments = {const_cast<char*>(process_.path.c_str())};
  for (const std::string& argument : process_.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  const int error = posix_spawn(&pid_, process_.path.c_str(), &actions, Attributes().get(), arguments.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  output_ = ends[0];
  if (error == 0) return absl::OkStatus();
  pid_ = -1;
  return absl::UnavailableError(fmt::format("{} cannot be started: {}: install it beside hftmond", process_.path, strerror(error)));
}

absl::Status Child::Read(int64_t deadline_ns, std::string* text) {
  std::array<char, 4'096> bytes;
  while (true) {
    if (process_.given_up && process_.given_up()) return absl::CancelledError(fmt::format("{} was given up", process_.path));
    if (NowNs() > deadline_ns) return TooLong();
    pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kSliceMs) <= 0) continue;
    const ssize_t count = read(output_, bytes.data(), bytes.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return absl::OkStatus();
    text->append(bytes.data(), static_cast<size_t>(count));
    if (text->size() > process_.output_bytes_max) {
      return absl::ResourceExhaustedError(fmt::format("{} wrote more than {} bytes", process_.path, process_.output_bytes_max));
    }
  }
}

std::optional<int> Child::Await(int64_t deadline_ns) {
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended != 0) {
      pid_ = -1;
      return ended > 0 ? status : 0;
    }
    if (NowNs() > deadline_ns) return std::nullopt;
    usleep(1'000);
  }
}

}  // namespace

absl::StatusOr<ProcessOutput> RunBounded(const BoundedProcess& process) {
  Child child(process);
  if (absl::Status started = child.Start(); !started.ok()) return started;
  const int64_t deadline_ns = NowNs() + process.patience_ns;
  ProcessOutput output;
  if (absl::Status read = child.Read(deadline_ns, &output.text); !read.ok()) return read;
  const std::optional<int> status = child.Await(deadline_ns);
  if (!status) return child.TooLong();
  if (WIFSIGNALED(*status)) return absl::AbortedError(fmt::format("{} was ended by signal {}", process.path, WTERMSIG(*status)));
  output.exit_code = WEXITSTATUS(*status);
  return output;
}

std::string PathBesideOwn(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "/usr/sbin/" + name : (self.parent_path() / name).string();
}

}  // namespace hftmon
