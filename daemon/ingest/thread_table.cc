#include "daemon/ingest/thread_table.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hftmon {

// calloc: zeroed pages that cost no memory until a slot uses them.
ThreadTable::ThreadTable(uint32_t slot_count)
    : slot_count_(slot_count), entries_(static_cast<Entry*>(std::calloc(std::max(slot_count, 1u), sizeof(Entry))), &std::free) {
  if (!entries_) throw std::bad_alloc();
}

WaitPart* ThreadTable::Add(uint32_t slot, uint32_t tid) {
  Entry& entry = entries_.get()[slot];
  if (entry.tid != tid || entry.trust != trust_) {
    entry.tid = tid;
    entry.trust = trust_;
    entry.count = 0;
  }
  if (entry.count == kKeptSegments) {
    std::copy(entry.parts.begin() + 1, entry.parts.end(), entry.parts.begin());
    --entry.count;
  }
  return &entry.parts[entry.count++];
}

std::span<const WaitPart> ThreadTable::Claim(uint32_t slot, uint32_t tid, uint32_t wanted) {
  Entry& entry = entries_.get()[slot];
  const uint32_t kept = entry.tid == tid && entry.trust == trust_ ? entry.count : 0;
  if (kept == 0) return {};
  entry.count = 0;
  const uint32_t given = std::min(wanted, kept);
  return {entry.parts.data() + (kept - given), given};
}

void ThreadTable::Forget(uint32_t slot) {
  entries_.get()[slot].count = 0;
}

}  // namespace hftmon
