// What counters say of watched threads in the window.
// Reads: CounterAnswer of CounterHistory: l3_hit_ratio and instructions_per_cycle. Produces: kCounterRate, one for each thread that has one
// of the two; a rate of which an event is doubtful, or whose events contradict each other, is left out.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_COUNTERS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_COUNTERS_H_

#include <vector>

#include "daemon/analysis/counter_history.h"
#include "daemon/service/evidence/evidence_context.h"

namespace hftmon {

void AddCounterFacts(const EvidenceContext& context, const CounterAnswer& answer, std::vector<Fact>* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_COUNTERS_H_
