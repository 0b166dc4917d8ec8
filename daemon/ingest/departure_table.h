// DepartureTable: how each watched thread was preempted last, from the record of the preemption until the wait's end claims it.
//
// Threads: the housekeeping thread. Bounds: one entry per slot; memory is reserved at construction and touched when a slot is first used.
#ifndef HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_
#define HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_

#include <cstdint>
#include <vector>

#include "daemon/ingest/preemption.h"

namespace hftmon {

class DepartureTable {
 public:
  explicit DepartureTable(uint32_t slot_count) : entries_(slot_count) {}

  // The entry to be filled for the departure at that moment. Requires slot < slot_count.
  Preemption* Note(uint32_t slot, int64_t out_clock_ns) {
    entries_[slot].out_clock_ns = out_clock_ns;
    return &entries_[slot].preemption;
  }
  // The preemption that began the wait which left its CPU then; nullptr when its record did not come. The moment identifies it: run queue
  // clocks do not repeat.
  const Preemption* Find(uint32_t slot, int64_t out_clock_ns) const {
    if (slot >= entries_.size() || out_clock_ns == 0 || entries_[slot].out_clock_ns != out_clock_ns) return nullptr;
    return &entries_[slot].preemption;
  }

 private:
  struct Entry {
    int64_t out_clock_ns = 0;
    Preemption preemption;
  };
  std::vector<Entry> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_
