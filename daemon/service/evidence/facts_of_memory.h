// MemoryFacts: major faults, TLB flushes that others made a watched thread do, and what the kernel did to make room in its time.
// Reads: two snapshots of FaultTotals (probe group memory); spikes of the kinds fault, compaction, reclaim and migration for the longest
// ones, and for threads whose sums have gone with them; the mappings of major faults that are spikes. Produces: kFaults, kShootdowns,
// kKernelStall.
// Major faults on memory that is no file's came back from swap: those that are spikes are a fact of their own, and are taken off the sums;
// shorter ones stay with the others, as no address of theirs is known. Of huge pages that a thread made of small ones the number alone is
// known, no time.
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
#include "daemon/service/mapping_lookup.h"

namespace hftmon {

// Of a process, now; what is not known is absent.
struct ProcessMemory {
  std::optional<int64_t> locked_bytes;    // VmLck of /proc/PID/status
  std::optional<int64_t> resident_bytes;  // VmRSS
  std::optional<int64_t> swapped_bytes;   // VmSwap
};

struct MemoryLookups {
  std::function<ProcessMemory(uint32_t pid)> process;
  std::function<std::string(int32_t stack)> call;  // of SenderTotal.stack: munmap, madvise, mprotect, mremap, other
  std::optional<std::string> thp_enabled;          // the word in brackets
  std::optional<std::string> thp_defrag;           // the same
};

class MemoryFacts {
 public:
  // nullptr: no mapping is known. It outlives the object.
  explicit MemoryFacts(MappingLookup* mappings = nullptr) : mappings_(mappings) {}

  void Add(const Spike& spike);
  void ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const MemoryLookups& lookups, std::vector<Fact>* facts) const;

 private:
  using Tallies = std::map<SpikeKind, SpikeTally>;

  bool IsAnonymous(const Spike& fault) const;

  MappingLookup* const mappings_;
  std::map<ThreadKey, Tallies, ThreadKeyOrder> spikes_;        // of faults the major ones, those below aside
  std::map<ThreadKey, SpikeTally, ThreadKeyOrder> anonymous_;  // major faults on memory that is no file's
};

// munmap, madvise, mprotect, mremap; other: none of these names stands in the stack.
std::string CallOfStack(const std::vector<std::string>& symbols);
// The number of that line ("VmLck:  12 kB") in bytes.
ProcessMemory ParseProcessMemory(std::string_view status_text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_MEMORY_H_
