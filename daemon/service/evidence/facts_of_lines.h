// Contended cache lines of watched processes.
// Reads: SampledLines: samplings of memory accesses that somebody asked for (hftmon sharing) and that lie in the window.
// Produces: kContendedLine, one for each line; its count are the samples of it that waited for what the verdict is about.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LINES_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LINES_H_

#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/sampled_lines.h"

namespace hftmon {

void AddLineFacts(const EvidenceContext& context, const std::vector<LineSampling>& samplings, std::vector<Fact>* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_LINES_H_
