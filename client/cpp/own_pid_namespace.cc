#include "client/cpp/own_pid_namespace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace hftmon {

absl::StatusOr<uint64_t> OwnPidNamespace(const char* link) {
  constexpr uint64_t kInitial = 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel
  struct stat status;
  if (stat(link, &status) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "cannot tell which pid namespace this process is in: {}: {}: mount /proc, or set host_numbers and give the host's numbers", link,
        std::strerror(errno)));
  }
  return status.st_ino == kInitial ? 0 : status.st_ino;
}

}  // namespace hftmon
