// LateStarts: since when sums of threads count that the first snapshot of a pair has not. A thread that began, or whose target was
// attached, after it had sums of zero then: its figures are of the rest of the window. Of others nobody knows, and they are counted.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_LATE_STARTS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_LATE_STARTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

// All CLOCK_MONOTONIC.
struct SumsStart {
  int64_t born_ns = 0;       // the thread
  int64_t watched_ns = 0;    // its target; of one that is watched from its birth 0
  int64_t unslotted_ns = 0;  // when a thread of its target had no place in the tables last; 0: none ever
  int64_t irq_ns = 0;        // since when its target asks for the group, where it began to later than it was watched; else 0
  int64_t memory_ns = 0;     // the same
};
// Absent: the thread's sums are nobody's matter.
using StartOfSums = std::function<std::optional<SumsStart>(const ThreadKey& thread)>;

// Threads with sums of which it is not known since when they count.
struct UnknownStarts {
  size_t interrupt_count = 0;
  size_t fault_count = 0;
};

// Fills late_starts of a pair that is there. `after`: what the pair's second snapshot is to be; sums whose start is not known go out of it.
UnknownStarts AddLateStarts(const StartOfSums& start_of, EvidenceSnapshot* after, SnapshotPair* pair);

// Of a selected thread that is no visitor of a rule's CPU. Both outlive the function.
StartOfSums StartsOf(const ServiceCore& core, const TargetSelection& selection);

void AddMissingOfStarts(const UnknownStarts& unknown, std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_LATE_STARTS_H_
