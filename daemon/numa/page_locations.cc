#include "daemon/numa/page_locations.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace hftmon {

int SystemPageLocations::Locate(pid_t pid, std::span<const uint64_t> addresses, std::span<int> nodes) {
  if (pid <= 0 || addresses.size() != nodes.size() || addresses.size() > kLocatedPagesMax) return -E2BIG;
  std::array<void*, kLocatedPagesMax> pages{};
  for (size_t i = 0; i < addresses.size(); ++i) pages[i] = reinterpret_cast<void*>(static_cast<uintptr_t>(addresses[i]));
  // Without nodes to move them to, it only tells where they are.
  if (::syscall(SYS_move_pages, pid, addresses.size(), pages.data(), nullptr, nodes.data(), 0) < 0) return -errno;
  return 0;
}

}  // namespace hftmon
