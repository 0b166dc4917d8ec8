// InterruptFacts: devices' interrupts on CPUs that are reserved or a watched thread's, and softirqs in watched threads' time.
// Reads: two snapshots of InterruptTotals; InterruptAffinities; spikes with causes of interrupts for the longest ones; NetworkQueues, where
// a thread had softirqs of packets, for what raises them.
// Produces: kIrqOnCpu, one for each line; kSoftirqOnCpu, one for each thread and softirq.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/softirq_raisers.h"
#include "daemon/service/evidence/spike_tally.h"
#include "daemon/service/interrupt_affinities.h"

namespace hftmon {

// What the host's files say of interrupts as the facts are made.
struct InterruptSettings {
  InterruptAffinityReport affinities;
  bool irqbalance = false;                // a process of that name runs
  std::function<NetworkQueues()> queues;  // asked at most once, and where a softirq of packets was seen alone
};

class InterruptFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings, std::vector<Fact>* facts) const;

 private:
  void AddLines(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings,
                std::vector<Fact>* facts) const;
  void AddSoftirqs(const EvidenceContext& context, const SnapshotPair& sums, const InterruptSettings& settings,
                   std::vector<Fact>* facts) const;
  void AddTally(const EvidenceContext& context, const ThreadKey& thread, hft_interrupt_source source, Fact* fact) const;

  std::map<int, SpikeTally> lines_;  // by number
  std::map<ThreadKey, std::map<hft_interrupt_source, SpikeTally>, ThreadKeyOrder> softirqs_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_INTERRUPTS_H_
