// FaultTotals: the seam through which the service reads threads' page faults and TLB flushes, as the programs keep them.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/bpf/kernel_time_events.h"
#include "daemon/ingest/interval.h"

namespace hftmon {

struct FaultTotal {
  uint64_t count = 0;
  int64_t duration_ns = 0;
  int64_t off_cpu_ns = 0;
  int64_t longest_ns = 0;
};

struct ThreadFaultTotal {
  ThreadKey thread;
  std::string unavailable;  // why there are no figures, and the mend; empty when there are
  std::array<FaultTotal, HFT_FAULT_KINDS> faults;
  FaultTotal reclaim;
  FaultTotal compaction;
  uint64_t unended_count = 0;
  std::array<uint64_t, HFT_TLB_REASONS> tlb_flush_count{};
  uint64_t tlb_full_count = 0;
};

class FaultTotals {
 public:
  virtual ~FaultTotals() = default;
  // Every thread of the process that has a slot now. Each figure stands for itself: one may be a moment newer than another.
  virtual std::vector<ThreadFaultTotal> ThreadsOf(uint32_t tgid) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_
