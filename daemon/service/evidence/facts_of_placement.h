// Facts of placement: mappings whose pages lie on other nodes than their process's threads run.
// Reads: a look at where memory lies (NumaLook); on which nodes threads ran in the window (ThreadNodes). Produces: kPlacement, one for each
// mapping, and each range that the program named, that has a page on another node than to_node; of a host with one node that has memory
// nothing, as all of it is local.
//
// to_node is the process's home, or the nearest node with memory where home has none. What is mapped by others too, or may be, is told as
// shared: migratepages moves it from under them.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PLACEMENT_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PLACEMENT_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/numa_look.h"
#include "daemon/service/thread_nodes.h"

namespace hftmon {

inline constexpr size_t kPlacementFactsMax =
    256;  // of a process's mappings, and of its ranges: those with most remote bytes; beyond: truncated

// What cannot be told goes to `missing`, by process.
void AddPlacementFacts(const EvidenceContext& context, const NumaLook& look, std::span<const ThreadNodes> threads, std::vector<Fact>* facts,
                       std::vector<MissingEvidence>* missing);

// The kernel's words for a policy as a word of FactField::kPolicy: "bind=static:0-1" is bind, "prefer (many):0" prefer_many;
// empty: none of them.
std::string PolicyWord(std::string_view policy);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_PLACEMENT_H_
