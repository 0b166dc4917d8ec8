// SleepFacts: sleeps within what a program marked as its operations, or between its heartbeats.
// Reads: spikes of the kinds operation and gap with a Cause kBlocked in a system call.
// Produces: kHotPathSleep, one for each thread, kind and call.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class SleepFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const;

 private:
  struct Sleep {
    SpikeTally tally;
    std::set<std::string> operations;
  };
  struct OfThread {
    std::map<std::pair<SpikeKind, int32_t>, Sleep> by_call;
  };
  std::map<ThreadKey, OfThread, ThreadKeyOrder> threads_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SLEEPS_H_
