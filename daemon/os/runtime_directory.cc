#include "daemon/os/runtime_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace hftmon {
namespace {

constexpr mode_t kMode = 0755;

}  // namespace

absl::Status MakeRuntimeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), kMode) != 0) {
    if (errno == EEXIST) return absl::OkStatus();
    return absl::ErrnoToStatus(
        errno, fmt::format("cannot make {0} for the socket: make it as root (install -d -m 755 {0}), or choose another --listen", path));
  }
  if (::chmod(path.c_str(), kMode) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, fmt::format("cannot open {0} to clients: chmod 755 {0}, or choose another --listen", path));
}

}  // namespace hftmon
