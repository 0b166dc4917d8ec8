// FactGroup: facts that one rule takes for one thing, and the one fact that they make together. Pure, any thread.
#ifndef HFTMON_DAEMON_ADVICE_FACT_GROUP_H_
#define HFTMON_DAEMON_ADVICE_FACT_GROUP_H_

#include <span>
#include <string>
#include <vector>

#include "daemon/advice/recommendation.h"

namespace hftmon {

struct FactGroup {
  // Fields by FieldMerge; the thread where all are of the same one, of several of one process its pid alone; evidence from the first
  // beginning to the last end; quality the worst of all, samples added up.
  Fact fact;
  std::string key;                     // "irq=25", "tid=12,stall=reclaim"; empty: the row groups by nothing
  std::vector<size_t> members;         // indices into the facts, heaviest first: by sum, then count
  std::vector<std::string> sentences;  // of the heaviest, at most kEvidenceSentencesMax
};

// `chosen`: indices into `facts`. In the order of the groups' values.
std::vector<FactGroup> GroupFacts(std::span<const FactField> group_by, std::span<const Fact> facts, std::span<const size_t> chosen);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_FACT_GROUP_H_
