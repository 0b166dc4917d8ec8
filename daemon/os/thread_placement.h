// Where and how the calling thread runs: CPU, policy, nice value. At a thread's start, never in the loop.
#ifndef HFTMON_DAEMON_OS_THREAD_PLACEMENT_H_
#define HFTMON_DAEMON_OS_THREAD_PLACEMENT_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hftmon {

// The seam: the scheduling calls for one thread, usually the calling one. Each returns 0 or an errno.
class SchedulingCalls {
 public:
  virtual ~SchedulingCalls() = default;
  virtual int GetAffinity(std::vector<int>* cpus) = 0;
  virtual int SetAffinity(const std::vector<int>& cpus) = 0;
  virtual int GetNice(int* nice) = 0;
  virtual int SetNice(int nice) = 0;
  virtual int GetPolicy(int* policy, int* priority) = 0;  // SCHED_OTHER, SCHED_FIFO …
  virtual int SetPolicy(int policy, int priority) = 0;
};

class SystemSchedulingCalls final : public SchedulingCalls {
 public:
  // 0: the calling thread.
  explicit SystemSchedulingCalls(pid_t tid = 0) : tid_(tid) {}
  int GetAffinity(std::vector<int>* cpus) override;
  int SetAffinity(const std::vector<int>& cpus) override;
  int GetNice(int* nice) override;
  int SetNice(int nice) override;
  int GetPolicy(int* policy, int* priority) override;
  int SetPolicy(int policy, int priority) override;

 private:
  const pid_t tid_;
};

// The calling thread's mask, sorted.
absl::StatusOr<std::vector<int>> CurrentAffinity(SchedulingCalls& calls);

absl::Status PinCurrentThread(int cpu, SchedulingCalls& calls);
// For threads that shall stay away from the housekeeping CPU.
absl::Status SetCurrentAffinity(const std::vector<int>& cpus, SchedulingCalls& calls);

// SCHED_OTHER with a nice value of -20 … 19.
absl::Status UseSchedOther(int nice, SchedulingCalls& calls);
// SCHED_FIFO with a priority of 1 … 99. A FIFO thread that spins is throttled by the kernel: see the loop's duty cycle.
absl::Status UseSchedFifo(int priority, SchedulingCalls& calls);

// "SCHED_OTHER nice -20", "SCHED_FIFO priority 10".
std::string DescribeScheduling(SchedulingCalls& calls);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_THREAD_PLACEMENT_H_
