// MemoryFacts: major faults, TLB flushes that others made a watched thread do, and what the kernel did to make room in its time.
// Reads: two snapshots of FaultTotals (probe group memory); spikes of the kinds fault, compaction, reclaim and migration for the longest
// ones, and for threads whose sums have gone with them. Produces: kFaults, kShootdowns, kKernelStall.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MEMORY_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MEMORY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"
#include "daemon/service/evidence/evidence_snapshot.h"
#include "daemon/service/evidence/spike_tally.h"

namespace hftmon {

// Of a process, now; what is not known is absent.
struct ProcessMemory {
  std::optional<int64_t> locked_bytes;    // VmLck of /proc/PID/status
  std::optional<int64_t> resident_bytes;  // VmRSS
  std::optional<int64_t> swapped_bytes;   // VmSwap
};

struct MemoryLookups {
  std::function<ProcessMemory(uint32_t pid)> process;
  std::function<std::string(int32_t stack)> call;   // of SenderTotal.stack: munmap, madvise, mprotect, mremap, other
  std::optional<std::string> thp_enabled;           // the word in brackets
  std::optional<int64_t> compaction_proactiveness;  // vm.compaction_proactiveness
};

class MemoryFacts {
 public:
  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const MemoryLookups& lookups, std::vector<Fact>* facts) const;

 private:
  std::map<ThreadKey, std::map<SpikeKind, SpikeTally>, ThreadKeyOrder> spikes_;  // of faults the major ones
};

// munmap, madvise, mprotect, mremap; other: none of these names stands in the stack.
std::string CallOfStack(const std::vector<std::string>& symbols);
// The number of that line ("VmLck:  12 kB") in bytes.
ProcessMemory ParseProcessMemory(std::string_view status_text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MEMORY_H_
