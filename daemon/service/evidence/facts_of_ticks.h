// Facts of the timer tick on CPUs that are reserved or a rule's, and on which one watched thread ran nearly alone.
// Reads: two snapshots of InterruptTotals: the ticks themselves tell whose time they came in; the thread's affinity. Produces: kTickOnCpu,
// one for each CPU. A thread that is not bound to one CPU makes none: on which of its CPUs its ticks came is not told.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_TICKS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_TICKS_H_

#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"

namespace hftmon {

// Of a CPU's ticks those in the one thread's time, at least: else others ran there too, and the tick is what they need.
inline constexpr double kTickShareMin = 0.9;

// `nohz_full`: CPUs of the kernel's list.
void AddTickFacts(const EvidenceContext& context, const SnapshotPair& sums, const CpuList& nohz_full, std::vector<Fact>* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_TICKS_H_
