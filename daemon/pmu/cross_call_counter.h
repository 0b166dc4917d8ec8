// CrossCallCounter: counts the interrupts that calls about events of CPUs send: one for each event that is opened or closed, and one for
// each group that is switched on or off or read. What is of a thread sends none to others. At most so many: a caller that runs on the CPU
// itself is not interrupted.
//
// One thread at a time, the calls' owner outlives it.
#ifndef HFTMON_DAEMON_PMU_CROSS_CALL_COUNTER_H_
#define HFTMON_DAEMON_PMU_CROSS_CALL_COUNTER_H_

#include <cstdint>
#include <set>

#include "daemon/os/perf_event_calls.h"

namespace hftmon {

class CrossCallCounter final : public PerfEventCalls {
 public:
  explicit CrossCallCounter(PerfEventCalls* calls) : calls_(calls) {}

  int Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) override;
  ssize_t Read(int descriptor, std::span<std::byte> to) override;
  int Control(int descriptor, unsigned long request, unsigned long argument) override;
  void Close(int descriptor) override;

  uint64_t count() const { return count_; }

 private:
  PerfEventCalls* const calls_;
  std::set<int> of_cpus_;  // descriptors
  uint64_t count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_CROSS_CALL_COUNTER_H_
