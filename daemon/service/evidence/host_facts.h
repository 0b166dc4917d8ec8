// HostFacts: the producers that ask the hardware and the kernel's own balancing, as one answer uses them.
// Reads, produces: see facts_of_hardware.h, facts_of_waking.h, facts_of_numa_balancing.h. One answer's own.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_FACTS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_FACTS_H_

#include <utility>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/service/evidence/facts_of_hardware.h"
#include "daemon/service/evidence/facts_of_waking.h"
#include "daemon/service/service_core.h"

namespace hftmon {

class HostFacts {
 public:
  // `core` and what it points to outlive the object.
  HostFacts(const ServiceCore& core, FileRoot files);

  // Newest first.
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, std::vector<Fact>* facts) const;

 private:
  const FileRoot files_;
  HardwareFacts hardware_;
  WakingFacts waking_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_HOST_FACTS_H_
