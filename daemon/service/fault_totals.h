// FaultTotals: the seam through which the service reads threads' page faults and TLB flushes, as the programs keep them.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
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

// Who had a thread's CPU flush its TLB, from one place in the kernel.
struct SenderTotal {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  std::string comm;
  int32_t stack = -1;  // for SenderStacks; negative: none
  uint64_t count = 0;
  uint64_t full_count = 0;
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
  FaultTotal migration;
  uint64_t moved_page_count = 0;
  uint64_t unmoved_page_count = 0;
  std::array<uint64_t, HFT_PAGE_MOVE_REASONS> migration_reason_count{};
  uint64_t collapse_count = 0;
  uint64_t failed_collapse_count = 0;
  std::vector<SenderTotal> senders;
  uint64_t other_sender_count = 0;
  uint64_t unknown_sender_count = 0;
};

// Huge pages that others made of a process's small ones.
struct CollapseTotal {
  uint64_t count = 0;
  uint64_t failed_count = 0;
  int64_t last_mono_ns = 0;
};

class FaultTotals {
 public:
  virtual ~FaultTotals() = default;
  // Every thread of the process that has a slot now. Each figure stands for itself: one may be a moment newer than another.
  virtual std::vector<ThreadFaultTotal> ThreadsOf(uint32_t tgid) const = 0;
  // Of the process; none: it has no place in the table, or there were none.
  virtual std::optional<CollapseTotal> CollapsesOf(uint32_t tgid) const = 0;
  // Parts of it that this kernel does not tell, each with the reason: senders, migration, reclaim, compaction, collapse.
  virtual std::vector<std::pair<std::string, std::string>> Missing() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_FAULT_TOTALS_H_
