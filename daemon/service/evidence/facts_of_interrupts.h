// InterruptFacts: devices' interrupts on CPUs that are reserved or a watched thread's, and softirqs in watched threads' time.
// Reads: two snapshots of InterruptTotals; InterruptAffinities; spikes with causes of interrupts for the longest ones.
// Produces: kIrqOnCpu, one for each line; kSoftirqOnCpu, one for each thread and softirq.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/spike_tally.h"
#include "daemon/service/interrupt_affinities.h"

namespace hftmon {

class InterruptFacts {
 public:
  void Add(const Spike& spike);
  // `irqbalance`: a process of that name runs.
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const InterruptAffinityReport& affinities, bool irqbalance,
               std::vector<Fact>* facts) const;

 private:
  void AddLines(const EvidenceContext& context, const SnapshotPair& sums, const InterruptAffinityReport& affinities, bool irqbalance,
                std::vector<Fact>* facts) const;
  void AddSoftirqs(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const;

  std::map<int, SpikeTally> lines_;  // by number
  std::map<ThreadKey, std::map<hft_interrupt_source, SpikeTally>, ThreadKeyOrder> softirqs_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_
