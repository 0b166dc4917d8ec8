#include "daemon/os/unix_socket_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "daemon/os/file_root.h"

namespace hftmon {
namespace {

constexpr size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
// An owner that ends removes its lock file; whoever had opened it meanwhile opens the new one.
constexpr int kOpenTriesMax = 16;

std::string LockPath(const std::string& path) {
  return path + ".lock";
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status CheckPath(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the socket's path is empty: give --listen unix:PATH");
  if (path.size() > kPathBytesMax) {
    return absl::InvalidArgumentError(fmt::format(
        "socket path {} has {} bytes, a Unix socket allows {}: choose a shorter --listen unix:PATH", path, path.size(), kPathBytesMax));
  }
  const std::string parent = ParentOf(path);
  struct stat status;
  if (::stat(parent.c_str(), &status) != 0) {
    return absl::ErrnoToStatus(
        errno, fmt::format("cannot serve unix:{0}: directory {1}: create it (mkdir -p {1}), or choose another --listen", path, parent));
  }
  if (!S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(fmt::format("cannot serve unix:{}: {} is not a directory: choose another --listen", path, parent));
  }
  return absl::OkStatus();
}

absl::Status OwnedByAnother(const std::string& path, int lock_fd) {
  char text[32] = {};
  const ssize_t got = ::pread(lock_fd, text, sizeof(text) - 1, 0);
  const std::string_view pid = Trim(std::string_view(text, got > 0 ? static_cast<size_t>(got) : 0));
  return absl::AlreadyExistsError(fmt::format("another hftmond serves unix:{} (pid {}): stop it or choose another --listen", path,
                                              pid.empty() ? "not yet written" : pid));
}

bool IsStillAt(const std::string& path, int fd) {
  struct stat opened;
  struct stat named;
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// The locked lock file.
absl::StatusOr<int> OpenLock(const std::string& path) {
  const std::string lock_path = LockPath(path);
  for (int i = 0; i < kOpenTriesMax; ++i) {
    const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
      return absl::ErrnoToStatus(
          errno, fmt::format("cannot open {}: give the daemon write access to {}, or choose another --listen", lock_path, ParentOf(path)));
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const absl::Status status =
          error == EWOULDBLOCK ? OwnedByAnother(path, fd) : absl::ErrnoToStatus(error, fmt::format("cannot lock {}", lock_path));
      ::close(fd);
      return status;
    }
    if (IsStillAt(lock_path, fd)) return fd;
    ::close(fd);
  }
  return absl::UnavailableError(fmt::format("{} is being replaced all the time: choose another --listen", lock_path));
}

// Whether a program listens at the socket. A socket nobody listens at refuses the connection.
bool IsServed(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;  // cannot tell: do not remove it
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const bool refused = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, fmt::format("cannot look at {}", path));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return absl::FailedPreconditionError(fmt::format("{} exists and is not a socket: remove it or choose another --listen", path));
  }
  if (IsServed(path)) {
    return absl::AlreadyExistsError(fmt::format("another program serves unix:{}: stop it or choose another --listen", path));
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return absl::ErrnoToStatus(errno, fmt::format("cannot remove the stale socket {}: remove it or choose another --listen", path));
  }
  return absl::OkStatus();
}

absl::Status WritePid(const std::string& path, int fd) {
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size())) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, fmt::format("cannot write {}", LockPath(path)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnixSocketLock>> UnixSocketLock::Acquire(std::string path) {
  if (absl::Status checked = CheckPath(path); !checked.ok()) return checked;
  const absl::StatusOr<int> fd = OpenLock(path);
  if (!fd.ok()) return fd.status();
  absl::Status ready = WritePid(path, *fd);
  if (ready.ok()) ready = RemoveStaleSocket(path);
  if (!ready.ok()) {
    // What stands at the path is not ours to remove; the lock file is.
    ::unlink(LockPath(path).c_str());
    ::close(*fd);
    return ready;
  }
  return std::unique_ptr<UnixSocketLock>(new UnixSocketLock(std::move(path), *fd));
}

UnixSocketLock::UnixSocketLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

UnixSocketLock::~UnixSocketLock() {
  struct stat status;
  if (::lstat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path_.c_str());
  // Removed while the lock is held: whoever opened it before sees that its file is gone and opens anew.
  ::unlink(LockPath(path_).c_str());
  ::close(fd_);
}

}  // namespace hftmon
