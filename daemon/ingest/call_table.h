// CallTable: what each watched thread blocked in last, from its record until the end of that wait, which follows it, claims it.
//
// Threads: the housekeeping thread. Bounds: one entry per slot that may ask (KernelView::calls); all memory is taken at construction.
#ifndef HFTMON_DAEMON_INGEST_CALL_TABLE_H_
#define HFTMON_DAEMON_INGEST_CALL_TABLE_H_

#include <cstdint>
#include <vector>

#include "daemon/ingest/call.h"

namespace hftmon {

class CallTable {
 public:
  explicit CallTable(uint32_t slot_count) : entries_(slot_count) {}

  // The entry to be filled for the departure at that moment. Requires slot < slot_count.
  Call* Note(uint32_t slot, int64_t out_clock_ns) {
    entries_[slot].out_clock_ns = out_clock_ns;
    return &entries_[slot].call;
  }
  // What the wait began in that left its CPU then; nullptr when its record did not come. The moment identifies it: run queue clocks do not
  // repeat.
  const Call* Find(uint32_t slot, int64_t out_clock_ns) const {
    if (slot >= entries_.size() || out_clock_ns == 0 || entries_[slot].out_clock_ns != out_clock_ns) return nullptr;
    return &entries_[slot].call;
  }

 private:
  struct Entry {
    int64_t out_clock_ns = 0;
    Call call;
  };
  std::vector<Entry> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_CALL_TABLE_H_
