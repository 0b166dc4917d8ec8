// What could not be looked for, so that no rule is silent by accident. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_EVIDENCE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_EVIDENCE_H_

#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

// `has_sums`: there are two snapshots of the window.
void AddMissingEvidence(const TargetSelection& selection, const EvidenceContext& context, bool has_sums,
                        std::vector<MissingEvidence>* missing);
// Where the pair begins later than it could, because snapshots take too many bytes: what was before is in no sum.
void AddMissingOfCutSums(const EvidenceContext& context, const SnapshotPair& sums, std::vector<MissingEvidence>* missing);
// Without a target: one reason, with what to do, in place of all others but those of settings. Where `cpus_watched`, by a rule, what is
// known of CPUs alone is judged. An audit is whole without: there the reason has no mend that the answer would be the better for.
void TellThatNoProcessIsWatched(bool audit, bool cpus_watched, std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_MISSING_EVIDENCE_H_
