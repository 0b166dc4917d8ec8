#include "daemon/os/memory_lock.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace hftmon {

MemoryLockCalls SystemMemoryLockCalls() {
  return {.lock = [](const void* address, size_t bytes) { return ::mlock(address, bytes); },
          .limit_bytes =
              [] {
                rlimit limit;
                if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return size_t{0};
                return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : static_cast<size_t>(limit.rlim_cur);
              }};
}

absl::Status LockMemory(const void* address, size_t bytes, std::string_view what, const MemoryLockCalls& calls) {
  if (bytes == 0) return absl::OkStatus();
  if (calls.lock(address, bytes) == 0) return absl::OkStatus();
  const int error = errno;
  if (error == ENOMEM || error == EPERM || error == EAGAIN) {
    const size_t limit = calls.limit_bytes();
    const std::string limit_text = limit == SIZE_MAX ? "unlimited" : fmt::format("{} KiB", limit / 1024);
    return absl::ResourceExhaustedError(
        fmt::format("cannot lock {} KiB of {} into memory (RLIMIT_MEMLOCK is {}): give CAP_IPC_LOCK, or raise LimitMEMLOCK= or `ulimit -l`",
                    (bytes + 1023) / 1024, what, limit_text));
  }
  return absl::ErrnoToStatus(error, fmt::format("cannot lock {} into memory", what));
}

}  // namespace hftmon
