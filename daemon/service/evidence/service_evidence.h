// ServiceEvidence: facts out of what the service already holds: the history of spikes, the store's windows, and the programs' sums as
// EvidenceBook has them. Changes nothing on the host.
//
// Threads: Facts by any but the housekeeping one, TakeSnapshot by one. Lifetime: what `core` points to outlives it.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SERVICE_EVIDENCE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SERVICE_EVIDENCE_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "daemon/advice/evidence_source.h"
#include "daemon/os/file_root.h"
#include "daemon/service/evidence/evidence_book.h"
#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/facts_of_interrupts.h"
#include "daemon/service/evidence/facts_of_memory.h"
#include "daemon/service/evidence/facts_of_visitors.h"
#include "daemon/service/hardware_sums.h"
#include "daemon/service/sampled_lines.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

class ServiceEvidence : public EvidenceSource {
 public:
  struct Parts {
    ServiceCore core;
    FileRoot files;
    uint32_t own_pid = 0;
    const HardwareSums* hardware_sums = nullptr;  // may be missing, as the next
    const SampledLines* sampled_lines = nullptr;
  };
  explicit ServiceEvidence(Parts parts);

  // For so long after a question the snapshots have NUMA balancing's sums of threads: who proves a mend asks again within it.
  static constexpr int64_t kNumaAskedNs = 300'000'000'000;

  // Of all targets' sums; to be called each second.
  void TakeSnapshot() { book_.Take(); }
  const EvidenceBook& book() const { return book_; }

  absl::StatusOr<EvidenceAnswer> Facts(const EvidenceWish& wish) override;

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  bool WasAskedLately() const;
  EvidenceSnapshot ReadSums() const;
  EvidenceContext ContextOf(const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) const;
  MemoryLookups LookupsOfMemory() const;
  InterruptSettings SettingsOfInterrupts(const TargetSelection& selection) const;
  std::vector<ThreadKey> ThreadsOf(const TargetSelection& selection) const;
  SnapshotPair SumsOf(const TargetSelection& selection, int64_t begin_ns, std::vector<MissingEvidence>* missing) const;
  void AddVisitorFacts(const VisitorFacts& visitors, const SnapshotPair& sums, const EvidenceContext& context,
                       std::vector<Fact>* facts) const;
  void AddSpikeFacts(const TargetSelection& selection, const SnapshotPair& sums, EvidenceContext* context, EvidenceAnswer* answer) const;

  const Parts parts_;
  const ServiceCore& core_;
  std::atomic<int64_t> asked_mono_ns_{kNever};  // the last question; relaxed: a snapshot more or less is the same
  EvidenceBook book_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SERVICE_EVIDENCE_H_
