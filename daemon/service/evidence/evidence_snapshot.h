// EvidenceSnapshot: the sums that the programs keep, as they stood at one time: two of them make the figures of a window. Passive data.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_

#include <linux/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/service/fault_totals.h"
#include "daemon/service/interrupt_totals.h"

namespace hftmon {

struct ThreadSums {
  std::optional<ThreadInterruptTotal> interrupts;
  std::optional<ThreadFaultTotal> faults;  // absent: no figures are to be had of it
};

struct EvidenceSnapshot {
  int64_t mono_ns = 0;
  std::map<ThreadKey, ThreadSums, ThreadKeyOrder> threads;
  std::vector<CpuInterruptTotal> cpus;

  // About what it takes.
  size_t bytes() const;
};

// What lies between them is of the window [begin, end] of their times.
struct SnapshotPair {
  std::shared_ptr<const EvidenceSnapshot> before;  // null, as after: there is no pair
  std::shared_ptr<const EvidenceSnapshot> after;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_SNAPSHOT_H_
