// PreemptionFacts: who had the CPU that a watched thread waited for.
// Reads: spikes of the kinds preempted and run_queue with a Cause kThread.
// Produces: kPreemption, one for each victim, actor, kind and reason.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class PreemptionFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const;

 private:
  struct Key {
    ThreadKey victim;
    uint32_t actor_tid = 0;
    SpikeKind kind = SpikeKind::kPreempted;
    std::string reason;  // empty: not known
    bool operator<(const Key& other) const;
  };
  struct Share {
    uint32_t actor_pid = 0;
    std::string actor_comm;  // as the kernel told it; empty: it did not
    SpikeTally tally;
  };
  std::map<Key, Share> shares_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_
