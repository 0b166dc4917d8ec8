#include "daemon/ingest/waker_table.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hftmon {

// calloc: zeroed pages that cost no memory until a slot uses them.
WakerTable::WakerTable(uint32_t slot_count)
    : slot_count_(slot_count), entries_(static_cast<Entry*>(std::calloc(std::max(slot_count, 1u), sizeof(Entry))), &std::free) {
  if (!entries_) throw std::bad_alloc();
}

const Waker* WakerTable::Find(uint32_t slot, uint32_t tid, int64_t out_clock_ns, uint32_t voluntary_count) const {
  if (slot >= slot_count_) return nullptr;
  const Entry& entry = At(slot);
  if (entry.tid != tid || entry.waker.state != WakerState::kKnown) return nullptr;
  if (entry.out_clock_ns != 0) return entry.out_clock_ns == out_clock_ns ? &entry.waker : nullptr;
  return voluntary_count - entry.voluntary_count <= 1 ? &entry.waker : nullptr;
}

void WakerTable::NoteMove(uint32_t slot, uint32_t tid, uint16_t to_cpu) {
  if (slot >= slot_count_ || At(slot).tid != tid) return;
  Entry* entry = Note(slot);
  entry->wait_cpu = to_cpu;
  entry->log_position = 0;
}

}  // namespace hftmon
