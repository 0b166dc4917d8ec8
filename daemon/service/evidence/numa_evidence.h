// NumaEvidence: what facts about memory nodes are made of, gathered once an answer: the host's nodes, which lines their devices have, where
// targets' memory lies if that is asked for, and where their threads ran. One call's own.
// Reads: what ReadNumaNodes reads; of a host with several nodes what ReadDeviceLocalities, ReadDeviceLines and DistanceSourcesOf read;
// NumaLooks; NetworkTotals; the store.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_NUMA_EVIDENCE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_NUMA_EVIDENCE_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/advice/evidence_source.h"
#include "daemon/os/device_locality.h"
#include "daemon/os/file_root.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/numa_look.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

class NumaEvidence {
 public:
  // Reads the nodes. `core` and `selection` outlive it.
  NumaEvidence(const ServiceCore& core, const FileRoot& files, const TargetSelection& selection);

  // Where the wish says so and the host has memory on several nodes, else there is nothing to find; before the window's end is taken, as it
  // takes its time. Its cost goes to the answer. The errors of LookAtMemory.
  absl::Status LookAtMemory(const EvidenceWish& wish, EvidenceAnswer* answer);
  // Nodes and lines of devices.
  void FillContext(EvidenceContext* context) const;
  // kPlacement, kDeviceDistance, and what of them could not be looked at. `sums`: of the window.
  void AddFacts(const EvidenceWish& wish, const EvidenceContext& context, const SnapshotPair& sums, EvidenceAnswer* answer) const;

 private:
  void AddMissingOfPackets(std::vector<MissingEvidence>* missing) const;
  bool several_nodes() const { return nodes_.ok() && nodes_->nodes.size() > 1; }

  const ServiceCore& core_;
  const FileRoot files_;
  const TargetSelection& selection_;
  const absl::StatusOr<NumaNodes> nodes_;
  DeviceLocalities devices_;  // of a host with several nodes
  std::optional<NumaLook> look_;
  size_t left_out_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_NUMA_EVIDENCE_H_
