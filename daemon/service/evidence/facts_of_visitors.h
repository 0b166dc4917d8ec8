// VisitorFacts: threads that are not watched, on CPUs that are reserved, a rule's, or a watched thread's.
// Reads: two snapshots of the rules' tables of visits; visits of those that a rule made targets (WatchedVisits); causes of preempted and
// run_queue spikes, where no rule watches the CPU; work functions of two snapshots; the actor's flags and affinity.
// Produces: kCpuVisitor, one for each actor, and whom each is told with.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_VISITORS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_VISITORS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/spike_tally.h"
#include "daemon/service/evidence/watched_visits.h"

namespace hftmon {

// Of kernel threads on reserved CPUs those that are told alone.
inline constexpr size_t kAloneMax = 3;

// As they are now: what undo restores.
struct VisitorSettings {
  CpuList workqueue_cpus;  // empty: not told
  std::optional<int64_t> stat_interval_s;
};

class VisitorFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const std::vector<WatchedVisit>& watched,
               const VisitorSettings& settings, std::vector<Fact>* facts) const;

 private:
  // What one actor took of one watched thread on one CPU.
  struct Share {
    uint32_t pid = 0;
    std::string comm;
    int64_t run_count = 0;
    SpikeTally tally;
  };
  using SharesOfVictims = std::map<ThreadKey, Share, ThreadKeyOrder>;
  struct Actor {
    uint32_t pid = 0;
    std::string comm;
    int64_t count = 0;      // of visits
    int64_t run_count = 0;  // in the time of spikes, on CPUs whose visits nobody counts
    std::set<int> cpus;
    bool at_least = false;
    bool namesakes = false;  // the count of a name is not one thread's: others of it came too
    std::vector<const SpikeTally*> spikes;
  };
  using Actors = std::map<uint32_t, Actor>;  // by tid

  // Of the victim that lost most: one switch of the actor may be in the waits of several, and is not to be counted twice. Nobody's: null.
  static const Share* HeaviestShare(const EvidenceContext& context, const SharesOfVictims& victims);
  Actors ActorsOf(const EvidenceContext& context, const SnapshotPair& sums, const std::vector<WatchedVisit>& watched) const;
  static std::optional<Fact> ToFact(const EvidenceContext& context, const SnapshotPair& sums, const VisitorSettings& settings, uint32_t tid,
                                    const Actor& actor);

  std::map<uint32_t, std::map<int, SharesOfVictims>> shares_;  // by the actor's tid, and CPU
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_VISITORS_H_
