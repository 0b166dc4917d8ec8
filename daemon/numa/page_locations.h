// PageLocations: the seam behind move_pages as a question: on which node pages of a process lie. Nothing is moved. Any thread.
#ifndef HFTMON_DAEMON_NUMA_PAGE_LOCATIONS_H_
#define HFTMON_DAEMON_NUMA_PAGE_LOCATIONS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

// The kernel's own portion: it takes the process's mmap lock once for these. More at once make the process's own mmap, munmap and brk wait
// for longer (README.md has the figures).
inline constexpr size_t kLocatedPagesMax = 16;

class PageLocations {
 public:
  virtual ~PageLocations() = default;
  // 0, and nodes[i] of addresses[i]: ≥ 0 its node; < 0 not there, whatever the number (kernels differ in what they say of a page that was
  // never touched, of the zero page and of no mapping). Else −errno: ESRCH no such process; EINVAL a kernel thread, or a process that has
  // given its memory back; EPERM may not be looked into; ENOSYS not in this kernel. Both are of one size, at most kLocatedPagesMax, and
  // `pid` is > 0: the kernel would take 0 for the caller.
  virtual int Locate(pid_t pid, std::span<const uint64_t> addresses, std::span<int> nodes) = 0;
};

// The right to trace the process is needed (CAP_SYS_PTRACE for those of others), as for its maps.
class SystemPageLocations final : public PageLocations {
 public:
  int Locate(pid_t pid, std::span<const uint64_t> addresses, std::span<int> nodes) override;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PAGE_LOCATIONS_H_
