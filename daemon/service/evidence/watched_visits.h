// WatchedVisits: how often threads came onto CPUs that are to be left alone after a rule of such a CPU had made them targets: the rule's
// table of visits counts them until then alone.
// Reads: the store's finest buckets; moves in the history of switches; the CPU a thread was seen on last. Threads: any but the housekeeping
// one.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_WATCHED_VISITS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_WATCHED_VISITS_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/analysis/time_split.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

struct WatchedVisit {
  ThreadKey thread;
  int cpu = 0;
  int64_t count = 0;
  bool at_least = false;  // in some buckets it moved: which of the switches there were on this CPU is not known, one is told for each move
};

// It is a target because it came to a CPU of a rule, and its user did not bind it there.
bool IsVisitor(const TargetInfo& target, const CpuList& allowed);

// Pure: by CPU, of one thread. `pieces` and `migrations` in the order of time; `cpu`: where it was seen last, -1: not known. Buckets that
// began before `begin_mono_ns` are left out.
std::map<int, WatchedVisit> VisitsByCpu(const std::vector<ThreadPiece>& pieces, const std::vector<Migration>& migrations, int cpu,
                                        int64_t begin_mono_ns);

// Of visitors among the targets, on `cpus` since then.
std::vector<WatchedVisit> ReadWatchedVisits(const ServiceCore& core, const TargetSelection& targets, const CpuList& cpus,
                                            int64_t begin_mono_ns, int64_t end_mono_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_WATCHED_VISITS_H_
