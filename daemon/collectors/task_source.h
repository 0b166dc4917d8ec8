// TaskSource: the threads that exist now, as the kernel keeps them. The seam behind attaching; real: a BPF task iterator; tests: a fake.
// Threads: the control thread or an RPC thread, never the housekeeping thread. Reads: task_struct. Cost: about 0.4 us a thread of the host.
#ifndef HFTMON_DAEMON_COLLECTORS_TASK_SOURCE_H_
#define HFTMON_DAEMON_COLLECTORS_TASK_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/earlier_sleep.h"

namespace hftmon {

struct TaskInfo {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  uint32_t parent_tgid = 0;
  int64_t start_boottime_ns = 0;   // task->start_boottime
  uint64_t voluntary_count = 0;    // task->nvcsw
  uint64_t involuntary_count = 0;  // task->nivcsw
  uint64_t run_delay_ns = 0;       // task->sched_info.run_delay
  bool kernel_thread = false;      // PF_KTHREAD
  int running_cpu = -1;            // the CPU that it is on now; -1 when on none
  std::string comm;
  // It sleeps, is blocked or stopped, as it was found at found_mono_ns: not about to be woken.
  bool asleep = false;
  EarlierSleep sleep;
};

class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // All live threads of the process; empty when there is no such process.
  virtual absl::StatusOr<std::vector<TaskInfo>> ThreadsOf(uint32_t tgid) = 0;
  // The leader of every process of the host; a process whose leader is gone is not among them.
  virtual absl::StatusOr<std::vector<TaskInfo>> Leaders() = 0;
  // The threads that are on a CPU now, the idle tasks not.
  virtual absl::StatusOr<std::vector<TaskInfo>> Running() = 0;
  // One thread by tid; NOT_FOUND when there is none.
  virtual absl::StatusOr<TaskInfo> Find(uint32_t tid) = 0;
  // Every live thread of the host.
  virtual absl::StatusOr<std::vector<TaskInfo>> AllThreads() = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_TASK_SOURCE_H_
