// UnixSocketLock: the right to serve a Unix socket's path. At most one live process holds it; a stale socket file is removed.
//
// The lock is a flock on PATH.lock, which holds the owner's pid: the kernel releases it however the owner ends. Any thread, at start and
// stop.
#ifndef HFTMON_DAEMON_OS_UNIX_SOCKET_LOCK_H_
#define HFTMON_DAEMON_OS_UNIX_SOCKET_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace hftmon {

class UnixSocketLock {
 public:
  // After it, nothing stands at `path` and bind() will succeed. `path` is absolute or relative, without "unix:".
  // INVALID_ARGUMENT: empty or too long. NOT_FOUND: its directory does not exist. ALREADY_EXISTS: another daemon serves it (its pid is
  // named), or another program does. FAILED_PRECONDITION: something that is no socket stands there. PERMISSION_DENIED: not writable.
  static absl::StatusOr<std::unique_ptr<UnixSocketLock>> Acquire(std::string path);

  // Removes the socket and the lock file.
  ~UnixSocketLock();
  UnixSocketLock(const UnixSocketLock&) = delete;
  UnixSocketLock& operator=(const UnixSocketLock&) = delete;

  const std::string& path() const { return path_; }

 private:
  UnixSocketLock(std::string path, int fd);

  const std::string path_;
  const int fd_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_UNIX_SOCKET_LOCK_H_
