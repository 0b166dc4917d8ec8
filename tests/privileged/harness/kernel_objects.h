// What the kernel and /proc know of the daemon's belongings: BPF objects of the host, a process's fds, threads and memory.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

namespace hftmon::testing {

// Empty when this process may load BPF programs on a kernel that has BTF; else what is missing and what would help. For GTEST_SKIP.
std::string WhyNotPrivileged();

// BPF programs, maps and links that live although no process holds them ("map 17"): pinned ones, and what a daemon left behind. Other
// daemons on the host do not disturb it.
std::set<std::string> OrphanedBpfObjects();

// Those that the process holds.
std::set<std::string> BpfObjectsOf(pid_t pid);

// The ids of a program and a map made, and given up, for this call: the kernel gives ids in turn, so two calls tell how many were made in
// between on the whole host. 0 when it was refused.
struct BpfIds {
  uint32_t program = 0;
  uint32_t map = 0;
};
BpfIds TakeBpfIds();

struct ProcessBelongings {
  int fds = 0;
  int threads = 0;
  int bpf_objects = 0;  // programs, maps and links it holds
  int mappings = 0;     // lines of /proc/PID/maps
  int64_t rss_bytes = 0;
};
ProcessBelongings ReadBelongings(pid_t pid);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_KERNEL_OBJECTS_H_
