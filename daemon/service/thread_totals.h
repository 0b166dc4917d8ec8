// ThreadTotals: the seam through which the service reads the kernel's own counts of a watched thread, since the thread's birth.
//
// Implemented by whoever owns the thread slots, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_THREAD_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_THREAD_TOTALS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/ingest/interval.h"

namespace hftmon {

// How a thread left the CPU that it is off.
struct ThreadDeparture {
  // The run queue's clock of `cpu`. Negative: it slept already when watching began, and was found asleep at minus this, CLOCK_MONOTONIC.
  int64_t out_clock_ns = 0;
  uint16_t cpu = 0;
  hft_switch_kind kind = HFT_SWITCH_UNKNOWN;
  int32_t syscall = -1;  // -1: in none, or not known; HFT_STOPPED
};

// As of the thread's last switch, equal to /proc/PID/task/TID/{status,schedstat} then.
struct ThreadTotal {
  ThreadKey thread;
  uint64_t voluntary_count = 0;
  uint64_t involuntary_count = 0;
  int64_t run_delay_ns = 0;
  bool alive = false;
  std::optional<ThreadDeparture> departure;  // it is off its CPU; nothing: it is on one, or was never seen leaving
  // No program has seen it come or go since it is watched, and it was found asleep or blocked at this time (0: it was not): it has slept
  // since, and before.
  bool seen = true;
  int64_t found_asleep_mono_ns = 0;
};

class ThreadTotals {
 public:
  virtual ~ThreadTotals() = default;
  // Absent when the thread has no slot: never watched, or ended and given back.
  virtual std::optional<ThreadTotal> Find(const ThreadKey& thread) const = 0;
  // Every thread of the process that has a slot now; bounded by the slot table.
  virtual std::vector<ThreadTotal> AllOf(uint32_t tgid) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_THREAD_TOTALS_H_
