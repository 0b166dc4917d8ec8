// HardwareFacts: what busy siblings, the firmware and the hypervisor had of the CPUs on which watched threads had spikes.
// Reads: HardwareEvidence of spikes (probe group hardware); two snapshots of CpuHardwareSums for the counts of SMIs and for stolen time.
// Produces: kHardware: busy_sibling for each CPU and sibling, steal for each CPU with a spike in which time may have been stolen, smi for
// the CPU that counted most. One answer's own. Bounds: the newest kSpikesMax spikes are asked for, of older ones no evidence is kept; a
// sibling's kActorsMax first threads compete for having most of its time.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_HARDWARE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_HARDWARE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/analysis/hardware_evidence.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

class HardwareFacts {
 public:
  static constexpr size_t kSpikesMax = 4'096;
  static constexpr size_t kActorsMax = 256;
  // Of a spike; absent: nothing is known of it.
  using Evidence = std::function<std::optional<HardwareEvidence>(const Spike& spike)>;

  explicit HardwareFacts(Evidence evidence) : evidence_(std::move(evidence)) {}

  // Newest first.
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const;

 private:
  struct Actor {
    uint32_t tgid = 0;
    int64_t had_ns = 0;
  };
  struct Sibling {
    SpikeTally spikes;  // those of which it is known whether it was busy
    int64_t spikes_ns = 0;
    bool truncated = false;
    std::map<uint32_t, Actor> actors;  // by tid
  };

  static bool IsTaken(const EvidenceContext& context, int cpu, const Sibling& sibling);
  void AddSibling(const Spike& spike, const SiblingBusy& busy);
  void SiblingsToFacts(const EvidenceContext& context, std::vector<Fact>* facts) const;
  void StealToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const;

  const Evidence evidence_;
  size_t spike_count_ = 0;
  std::map<std::pair<int, int>, Sibling> siblings_;  // by CPU and sibling
  std::map<int, SpikeTally> stolen_;                 // by CPU: spikes in which time may have been stolen
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_HARDWARE_H_
