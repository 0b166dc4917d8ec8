// MakeRuntimeDirectory: the directory of the daemon's own socket. The service's is made by systemd; a daemon that is started by hand makes
// it itself. It stays when the daemon ends: another may use it meanwhile. One thread, at start.
#ifndef HFTMON_DAEMON_OS_RUNTIME_DIRECTORY_H_
#define HFTMON_DAEMON_OS_RUNTIME_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"

namespace hftmon {

// Mode 0755, whatever the umask. What stands there already is left as it is, and is OK: whether it is a directory the socket's lock will
// say. An error names the command that makes it.
absl::Status MakeRuntimeDirectory(const std::string& path);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_RUNTIME_DIRECTORY_H_
