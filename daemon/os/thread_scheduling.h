// ThreadScheduling: how the kernel schedules one thread: policy, priority, affinity.
//
// Reads: sched_getattr, sched_getaffinity, /proc/PID/task/TID/stat (fields 18 priority, 19 nice, 22 starttime, 39 processor, 40
// rt_priority, 41 policy). Any thread but the housekeeping thread. Cost: two system calls and one file;
// ReadThreadStat: the file alone.
#ifndef HFTMON_DAEMON_OS_THREAD_SCHEDULING_H_
#define HFTMON_DAEMON_OS_THREAD_SCHEDULING_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct DeadlineParameters {
  int64_t runtime_ns = 0;
  int64_t deadline_ns = 0;
  int64_t period_ns = 0;
  bool operator==(const DeadlineParameters&) const = default;
};

struct ThreadScheduling {
  int policy = 0;             // SCHED_*, 7 for sched_ext
  int priority = 0;           // the kernel's, 0 … 139, -1 deadline; as in effect, boosts by priority inheritance included
  int nice = 0;               // -20 … 19; of other and batch
  int realtime_priority = 0;  // 1 … 99 of fifo and rr, else 0
  DeadlineParameters deadline;
  bool reset_on_fork = false;
  std::string cpus_allowed;  // "2-5,8"
  bool operator==(const ThreadScheduling&) const = default;
};

// "other", "fifo", "rr", "batch", "idle", "deadline", "ext"; "policy 9".
std::string PolicyName(int policy);

// What of /proc/PID/task/TID/stat concerns scheduling.
struct ThreadStat {
  int priority = 0;  // the kernel's own scale, as in ThreadScheduling
  int nice = 0;
  uint64_t start_ticks = 0;  // since boot, in clock ticks (USER_HZ, 100 a second)
  int cpu = -1;              // that it is on or was on last
  int realtime_priority = 0;
  int policy = 0;
};
// Pure. INVALID_ARGUMENT when a field is missing or no number. The name, in parentheses, may hold any byte.
absl::StatusOr<ThreadStat> ParseThreadStat(std::string_view text);
// Of the file. NOT_FOUND when there is no such thread.
absl::StatusOr<ThreadStat> ReadThreadStat(const FileRoot& root, uint32_t tgid, uint32_t tid);

// What sched_getattr tells.
struct SchedulingAttributes {
  int policy = 0;
  int nice = 0;
  int realtime_priority = 0;
  DeadlineParameters deadline;
  bool reset_on_fork = false;
};

// The seam: each returns 0 or an errno.
class SchedulingQueries {
 public:
  virtual ~SchedulingQueries() = default;
  virtual int GetAttributes(pid_t tid, SchedulingAttributes* attributes) = 0;
  virtual int GetAffinity(pid_t tid, std::vector<int>* cpus) = 0;  // sorted
};

class SystemSchedulingQueries final : public SchedulingQueries {
 public:
  int GetAttributes(pid_t tid, SchedulingAttributes* attributes) override;
  int GetAffinity(pid_t tid, std::vector<int>* cpus) override;
};

struct ScheduledNow {
  ThreadScheduling scheduling;
  int cpu = -1;  // as in ThreadStat
};
// Of the thread that has this number and began at `start_boottime_ns`. NOT_FOUND: it has ended, another one may have its number. Other
// errors name the file or the call.
absl::StatusOr<ScheduledNow> ReadThreadScheduling(const FileRoot& root, SchedulingQueries& queries, uint32_t tgid, uint32_t tid,
                                                  int64_t start_boottime_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_THREAD_SCHEDULING_H_
