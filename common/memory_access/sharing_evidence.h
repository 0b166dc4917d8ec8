// SharingEvidence: who uses and who writes which offset of a line, and what each thread waits for. Behind SharingAdvice; pure, any thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_SHARING_EVIDENCE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_SHARING_EVIDENCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/memory_access/access_counts.h"
#include "common/memory_access/line_site.h"
#include "common/memory_access/sharing_verdict.h"

namespace hftmon {

struct ThreadUse {
  uint32_t tid = 0;
  AccessCounts counts;
  AccessSharing sharing = AccessSharing::kNoWriter;  // of its contended accesses
};

struct OffsetUse {
  uint16_t offset = 0;
  std::vector<ThreadUse> threads;     // ascending by tid
  std::vector<uint32_t> writer_tids;  // ascending

  // It is only read, by threads that share it or that write nothing of the line: nothing of it asks for the company of written fields.
  bool read_mostly = false;
  // Whose part of the line it is: the threads that write it; where nobody does, those that use it.
  std::vector<uint32_t> owner_tids() const;
};

// By ascending offset.
std::vector<OffsetUse> SharingEvidence(std::span<const LineSite> sites);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_SHARING_EVIDENCE_H_
