// Watched threads that the kernel moved from CPU to CPU.
//
// Reads: ThreadWindow.migration_count of the store; affinities of the threads as they are now.
// Produces: kMigrations, one for each thread that moved.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MIGRATIONS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MIGRATIONS_H_

#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/store/thread_window.h"

namespace hftmon {

// A thread that has ended makes none: nothing of it can be bound.
void AddMigrationFacts(const EvidenceContext& context, const std::vector<ThreadWindow>& threads, std::vector<Fact>* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MIGRATIONS_H_
