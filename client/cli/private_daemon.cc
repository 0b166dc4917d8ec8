#include "client/cli/private_daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "client/cli/own_cpus.h"
#include "client/cpp/server_address.h"

namespace hftmon {
namespace {

constexpr int64_t kLookNs = 20'000'000;  // between two looks whether it answers, or has ended
constexpr size_t kLogShown = 2'000;      // bytes of what it said last
constexpr char kUsage[] = "start one (`sudo systemctl start hftmond`), or name one with --server";

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// 0, or errno of connect().
int TryToConnect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
  const int error = connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

bool IsProgram(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// In the child: only async-signal-safe calls, other threads may have held any lock when it was forked.
[[noreturn]] void RunChild(pid_t parent, const cpu_set_t* mask, int log_fd, int null_fd, char* const* arguments) {
  setpgid(0, 0);  // ^C is for the check, which ends it when it has asked what it still wants to know
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(3);
  if (mask != nullptr) sched_setaffinity(0, sizeof(*mask), mask);
  dup2(null_fd, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  for (const int signal_number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

bool PrivateDaemon::IsWanted(const std::string& address) {
  const auto parsed = ServerAddress::Parse(address);
  if (!parsed.ok() || parsed->socket_path.empty()) return false;
  const int error = TryToConnect(parsed->socket_path);
  return error == ENOENT || error == ECONNREFUSED;
}

absl::StatusOr<std::string> PrivateDaemon::FindProgram() {
  std::error_code ignored;
  const std::filesystem::path beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  std::vector<std::filesystem::path> folders;
  if (!beside.empty()) folders = {beside, beside.parent_path() / "sbin", beside.parent_path() / "bin"};
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) folders.emplace_back(rest.substr(0, end));
    rest.erase(0, std::min(end + 1, rest.size()));
  }
  for (const std::filesystem::path& folder : folders) {
    if (folder.is_absolute() && IsProgram(folder / "hftmond")) return (folder / "hftmond").string();
  }
  return absl::NotFoundError(
      fmt::format("hftmond: nobody listens on {}, and there is no program to start beside hftmon ({}) or in PATH: {}",
                  kDefaultServerAddress, beside.string(), kUsage));
}

absl::StatusOr<std::unique_ptr<PrivateDaemon>> PrivateDaemon::Start(const Options& options) {
  std::unique_ptr<PrivateDaemon> daemon(new PrivateDaemon());
  std::error_code ignored;
  std::string folder = (std::filesystem::temp_directory_path(ignored) / "hftmon-check.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError(
        fmt::format("{}: no folder for a private daemon: {}: set TMPDIR to one that may be written", folder, strerror(errno)));
  }
  daemon->folder_ = folder;  // 0700, as mkdtemp makes it
  if (absl::Status forked = daemon->Fork(options); !forked.ok()) return forked;
  if (absl::Status answers = daemon->AwaitAnswer(options); !answers.ok()) return answers;
  return daemon;
}

absl::Status PrivateDaemon::Fork(const Options& options) {
  std::string program = options.program;
  if (program.empty()) {
    auto found = FindProgram();
    if (!found.ok()) return found.status();
    program = *std::move(found);
  }
  const std::vector<int> others = OtherCpus(options.kept_free_cpus);
  std::vector<std::string> words{program, "--listen", address()};
  if (!others.empty()) words.insert(words.end(), {"--cpu", std::to_string(others.front())});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int cpu : others) CPU_SET(cpu, &mask);
  const int log_fd = open(LogPath().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) RunChild(parent, others.empty() ? nullptr : &mask, log_fd, null_fd, arguments.data());
  const int error = errno;
  for (const int fd : {log_fd, null_fd}) {
    if (fd >= 0) close(fd);
  }
  if (pid_ < 0) return absl::ResourceExhaustedError(fmt::format("hftmond: cannot fork: {}: raise the limit of processes", strerror(error)));
  return absl::OkStatus();
}

bool PrivateDaemon::HasEnded() {
  if (pid_ <= 0 || reaped_) return true;
  const pid_t ended = waitpid(pid_, nullptr, WNOHANG);
  reaped_ = ended == pid_ || (ended < 0 && errno == ECHILD);
  return reaped_;
}

// What it said itself; without privileges that names what it lacks.
absl::Status PrivateDaemon::WhyItEnded() const {
  std::ifstream file(LogPath());
  std::string said{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (said.size() > kLogShown) said.erase(0, said.size() - kLogShown);
  if (said.empty()) said = "it ended without a word";
  const std::string mend = geteuid() == 0 ? kUsage : fmt::format("run the check as root (`sudo hftmon check`), or {}", kUsage);
  return absl::UnavailableError(
      fmt::format("hftmond: nobody listens on {}, and a private one could not be started: {}: {}", kDefaultServerAddress, said, mend));
}

absl::Status PrivateDaemon::AwaitAnswer(const Options& options) {
  const int64_t deadline_ns = NowNs() + kStartLimitNs;
  while (TryToConnect(SocketPath()) != 0) {
    if (HasEnded()) return WhyItEnded();
    if (NowNs() > deadline_ns) {
      return absl::DeadlineExceededError(
          fmt::format("hftmond: a private one did not answer within {} s: {}", kStartLimitNs / 1'000'000'000, kUsage));
    }
    if (!options.wait(NowNs() + kLookNs)) return absl::CancelledError("interrupted while a private hftmond started: nothing was checked");
  }
  return absl::OkStatus();
}

PrivateDaemon::~PrivateDaemon() {
  if (pid_ > 0 && !HasEnded()) {
    kill(pid_, SIGTERM);
    const int64_t deadline_ns = NowNs() + kStopLimitNs;
    while (!HasEnded() && NowNs() < deadline_ns) poll(nullptr, 0, static_cast<int>(kLookNs / 1'000'000));
    if (!HasEnded()) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace hftmon
