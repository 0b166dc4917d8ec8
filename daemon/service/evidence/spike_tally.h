// SpikeTally: what the spikes behind one fact add up to. One call's own.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SPIKE_TALLY_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SPIKE_TALLY_H_

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "daemon/advice/fact.h"
#include "daemon/analysis/spike.h"

namespace hftmon {

class SpikeTally {
 public:
  // `part_ns`: of the spike's time what the fact is about.
  void Add(const Spike& spike, int64_t part_ns);
  void Add(uint64_t spike_id, int64_t begin_mono_ns, int64_t end_mono_ns, int64_t part_ns);

  int64_t count() const { return count_; }
  int64_t sum_ns() const { return sum_ns_; }
  int64_t longest_ns() const { return longest_ns_; }
  CpuList cpus() const { return {cpus_.begin(), cpus_.end()}; }

  // Count, sum, longest, the time of the first to the last, ids, and what makes it doubtful.
  void ToFact(Fact* fact) const;
  // Time, ids and doubt alone, where the figures are the kernel's sums.
  void EvidenceToFact(Fact* fact) const;

 private:
  int64_t count_ = 0;
  int64_t sum_ns_ = 0;
  int64_t longest_ns_ = 0;
  int64_t begin_mono_ns_ = 0;
  int64_t end_mono_ns_ = 0;
  bool inconclusive_ = false;
  bool runners_truncated_ = false;
  std::set<int> cpus_;
  std::vector<std::pair<int64_t, uint64_t>> longest_;  // duration and id, longest first, at most kFactSpikeIdsMax
};

// Of the spike's causes of that kind; nullptr: there is none.
const Cause* LongestCause(const Spike& spike, CauseKind kind);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SPIKE_TALLY_H_
