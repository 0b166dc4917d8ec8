// What the kernel and /proc know of the daemon's belongings: BPF objects of the host, a process's fds, threads and memory.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_

#include <sys/types.h>

#include <cstdint>
#include <ostream>
#include <string>

namespace hftmon::testing {

// Empty when this process may load BPF programs on a kernel that has BTF; else what is missing and what would help. For GTEST_SKIP.
std::string WhyNotPrivileged();

// BPF objects on the whole host.
struct BpfObjects {
  int programs = 0;
  int maps = 0;
  int links = 0;
  bool operator==(const BpfObjects&) const = default;
};
BpfObjects CountBpfObjects();
std::ostream& operator<<(std::ostream& out, const BpfObjects& objects);

struct ProcessBelongings {
  int fds = 0;
  int threads = 0;
  int mappings = 0;  // lines of /proc/PID/maps
  int64_t rss_bytes = 0;
};
ProcessBelongings ReadBelongings(pid_t pid);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_
