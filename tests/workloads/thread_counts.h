// ThreadCounts: the kernel's own figures of one thread, as anyone can read them from /proc. The truth that exact counts are compared with.
#ifndef HFTMON_TESTS_WORKLOADS_THREAD_COUNTS_H_
#define HFTMON_TESTS_WORKLOADS_THREAD_COUNTS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hftmon::workload {

struct ThreadCounts {
  pid_t tid = 0;
  std::string comm;
  char state = '?';                // as in /proc/PID/status: R, S, D, T …
  uint64_t voluntary_count = 0;    // voluntary_ctxt_switches
  uint64_t involuntary_count = 0;  // nonvoluntary_ctxt_switches
  int64_t run_delay_ns = 0;        // second figure of schedstat
};

// Nothing when the thread has ended.
std::optional<ThreadCounts> ReadThreadCounts(pid_t pid, pid_t tid);
// All threads of the process, by tid.
std::vector<ThreadCounts> ReadProcessCounts(pid_t pid);
// Start time in clock ticks since boot (field 22 of /proc/PID/stat): tells a recycled pid from its predecessor. 0 when it has ended.
uint64_t ReadStartTicks(pid_t pid);

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_THREAD_COUNTS_H_
