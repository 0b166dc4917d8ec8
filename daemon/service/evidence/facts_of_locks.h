// LockFacts: waits for locks of programs, and those of them that are priority inversions.
// Reads: spikes of the kind blocked whose futex is known (probe group locks, attach --blocked); of inversions the times of all threads off
// their CPUs.
// Produces: kContendedLock, one for each lock; kInversion, one for each of them: whether its owner was kept away is asked of each, not of
// their mean.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LOCKS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LOCKS_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "daemon/analysis/priority_inversion.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class LockFacts {
 public:
  // Of a watched thread, ended in the window.
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const;

 private:
  struct Owner {
    uint64_t wait_count = 0;
    uint64_t running_count = 0;  // of those: it ran as they began
  };
  struct Lock {
    SpikeTally tally;
    std::map<ThreadKey, uint64_t, ThreadKeyOrder> waits;  // by waiter
    std::map<uint32_t, Owner> owners;                     // by tid
  };
  std::map<std::pair<uint32_t, uint64_t>, Lock> locks_;  // by process and address
};

// `times`: of all threads, those of the window's waits `asked`.
void AddInversionFacts(const EvidenceContext& context, const std::vector<OffCpuTime>& times, std::vector<Fact>* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LOCKS_H_
