// DeferredTotals: the seam through which the service reads what the programs keep of work that interrupts put off.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; never blocks the housekeeping thread. Each figure stands for itself:
// one may be a moment newer than another.
#ifndef HFTMON_DAEMON_SERVICE_DEFERRED_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_DEFERRED_TOTALS_H_

#include <linux/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/bpf/deferred_events.h"

namespace hftmon {

struct DelayBucket {
  int64_t upper_ns = 0;
  uint64_t count = 0;
};

struct DelayTotal {
  uint64_t count = 0;
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;
  std::vector<DelayBucket> buckets;  // those that have any, ascending
};

struct SoftirqDelayTotal {
  uint64_t raise_count = 0;
  uint64_t run_count = 0;
  uint64_t unraised_count = 0;
  DelayTotal delay;
  DelayTotal duration;
  uint64_t overlapped_count = 0;
  uint64_t interrupted_count = 0;
};

struct HandlerTotal {
  uint32_t irq = 0;
  std::string name;  // empty, with no irq: the rest
  DelayTotal duration;
};

struct WorkTotal {
  std::string function;  // empty: the rest
  uint64_t begin_count = 0;
  uint64_t delay_count = 0;
  int64_t delay_ns = 0;
  int64_t delay_longest_ns = 0;
  uint64_t end_count = 0;
  int64_t duration_ns = 0;
  int64_t duration_longest_ns = 0;
};

struct TaskletTotal {
  std::string function;  // empty: the rest
  uint64_t count = 0;
  int64_t duration_ns = 0;
  int64_t longest_ns = 0;
};

struct CpuDeferredTotal {
  uint32_t cpu = 0;
  std::array<SoftirqDelayTotal, HFT_DEFERRED_SOFTIRQS> softirqs;  // by vector
  DelayTotal work_delay;
  std::vector<WorkTotal> works;
  std::vector<TaskletTotal> tasklets;
  std::vector<HandlerTotal> handlers;  // by interrupt, the rest last; those of one line and one name are one
  uint64_t queued_count = 0;
  uint64_t displaced_count = 0;
  uint64_t unended_count = 0;
};

struct InterruptThreadTotal {
  uint32_t irq = 0;
  std::string name;
  uint32_t tid = 0;
  uint64_t wake_count = 0;
  uint64_t running_count = 0;
  uint64_t waiting_count = 0;
  uint64_t delay_count = 0;
  int64_t delay_ns = 0;
  int64_t delay_longest_ns = 0;
};

struct DeferredTotal {
  bool collecting = false;
  std::string reason;  // why not
  std::vector<std::string> missing;
  std::vector<CpuDeferredTotal> cpus;  // every possible one, in order
  std::vector<InterruptThreadTotal> threads;
  uint64_t unlisted_thread_count = 0;
  std::string names_problem;  // why functions have no names
};

class DeferredTotals {
 public:
  virtual ~DeferredTotals() = default;
  // Learns the names of functions that were not met before: reads /proc/kallsyms then, some 60 ms.
  virtual void LearnNames() const = 0;
  // Reads mapped memory. A function whose name was not learned is told by its address.
  virtual DeferredTotal Read() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_DEFERRED_TOTALS_H_
