#include "daemon/analysis/call_names.h"

#include <fmt/format.h>
#include <linux/futex.h>

#include <algorithm>
#include <array>

namespace hftmon {
namespace {

constexpr uint8_t kLockPi2 = 13;  // FUTEX_LOCK_PI2, since 5.14

// Sorted.
constexpr std::array<std::string_view, 35> kOnFiles = {
    "accept",         "accept4", "connect",   "copy_file_range", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "fallocate",      "fcntl",   "fdatasync", "flock",           "fsync",       "ftruncate",    "getdents64",
    "io_uring_enter", "ioctl",   "pread64",   "preadv",          "preadv2",     "pwrite64",     "pwritev",
    "pwritev2",       "read",    "readv",     "recvfrom",        "recvmmsg",    "recvmsg",      "sendmmsg",
    "sendmsg",        "sendto",  "splice",    "sync_file_range", "syncfs",      "write",        "writev"};
static_assert(std::is_sorted(kOnFiles.begin(), kOnFiles.end()));

}  // namespace

const char* OwnerSourceName(hft_owner_source source) {
  switch (source) {
    case HFT_OWNER_PI_WORD:
      return "pi_word";
    case HFT_OWNER_LOCK_WORD:
      return "lock_word";
    case HFT_OWNER_GLIBC:
      return "glibc_mutex";
    default:
      return "";
  }
}

const char* OwnerStateName(hft_owner_state state) {
  switch (state) {
    case HFT_OWNER_RUNNING:
      return "running";
    case HFT_OWNER_RUNNABLE:
      return "runnable";
    case HFT_OWNER_BLOCKED:
      return "blocked";
    default:
      return "";
  }
}

std::string FutexCommandName(uint8_t command) {
  switch (command) {
    case FUTEX_WAIT:
      return "wait";
    case FUTEX_WAIT_BITSET:
      return "wait_bitset";
    case FUTEX_WAIT_REQUEUE_PI:
      return "wait_requeue_pi";
    case FUTEX_LOCK_PI:
      return "lock_pi";
    case kLockPi2:
      return "lock_pi2";
    default:
      return fmt::format("command {}", command);
  }
}

bool TakesFileDescriptor(std::string_view syscall_name) {
  return std::binary_search(kOnFiles.begin(), kOnFiles.end(), syscall_name);
}

}  // namespace hftmon
