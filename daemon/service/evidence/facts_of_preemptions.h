// PreemptionFacts: who had the CPU that a watched thread waited for.
// Reads: spikes of the kinds preempted and run_queue, their Causes kThread: the longest, and others of 50 us or more; of actors that still
// run what they are now. Produces: kPreemption, one for each victim, actor, kind and reason. Of two ordinary threads that took turns on one
// CPU one is told, of the one that waited longer: moving either mends both, and who moves both has won nothing.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/real_time_limits.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

struct PreemptionLookups {
  // The kernel's, 0 … 139, below 100 real time, negative SCHED_DEADLINE; absent: it has ended.
  std::function<std::optional<int>(uint32_t pid, uint32_t tid)> priority;
  RealTimeLimits limits;
};

class PreemptionFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const PreemptionLookups& lookups, std::vector<Fact>* facts) const;

 private:
  struct Key {
    ThreadKey victim;
    uint32_t actor_tid = 0;
    SpikeKind kind = SpikeKind::kPreempted;
    std::string reason;  // empty: its record does not tell
    bool operator<(const Key& other) const;
  };
  struct Share {
    uint32_t actor_pid = 0;
    uint8_t victim_priority = 0;
    std::string actor_comm;  // as the kernel told it; empty: it did not
    SpikeTally tally;
  };
  static std::optional<Fact> FactOf(const EvidenceContext& context, const PreemptionLookups& lookups, const Key& key, const Share& share);

  std::map<Key, Share> shares_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PREEMPTIONS_H_
