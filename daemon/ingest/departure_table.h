// DepartureTable: what a record told of each watched thread's last departure from its CPU, until the end of the wait that it began claims
// it: how it was preempted (Preemption), what it blocked in (Call).
//
// Threads: the housekeeping thread. Bounds: one entry per slot; all memory is taken at construction.
#ifndef HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_
#define HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_

#include <cstdint>
#include <vector>

namespace hftmon {

template <typename Told>
class DepartureTable {
 public:
  explicit DepartureTable(uint32_t slot_count) : entries_(slot_count) {}

  // The entry to be filled for the departure at that moment. Requires slot < slot_count.
  Told* Note(uint32_t slot, int64_t out_clock_ns) {
    entries_[slot].out_clock_ns = out_clock_ns;
    return &entries_[slot].told;
  }
  // Of the wait that left its CPU then; nullptr when its record did not come. The moment identifies it: run queue clocks do not repeat.
  const Told* Find(uint32_t slot, int64_t out_clock_ns) const {
    if (slot >= entries_.size() || out_clock_ns == 0 || entries_[slot].out_clock_ns != out_clock_ns) return nullptr;
    return &entries_[slot].told;
  }

 private:
  struct Entry {
    int64_t out_clock_ns = 0;
    Told told;
  };
  std::vector<Entry> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_DEPARTURE_TABLE_H_
