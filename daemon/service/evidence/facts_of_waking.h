// WakingFacts: watched threads' wake-ups on CPUs that were idle, with the deepest idle state that these CPUs were in.
// Reads: Cause kWaking of spikes; two snapshots of CpuHardwareSums (probe group hardware); names and `disable` of idle states, by a
// look-up. Produces: kWaking, one for each thread and CPU. Without entries of a deep state in the window there is none: a CPU that only
// polled (state 0 without a latency) wakes at once.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_WAKING_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_WAKING_H_

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "daemon/os/idle_states.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class WakingFacts {
 public:
  using States = std::function<std::vector<IdleState>(int cpu)>;  // of the CPU, by index; empty: none is known

  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const States& states, std::vector<Fact>* facts) const;

 private:
  std::map<ThreadKey, std::map<int, SpikeTally>, ThreadKeyOrder> spikes_;  // by CPU
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_WAKING_H_
