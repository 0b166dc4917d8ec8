// WakerTable: the last wake-up of each watched thread, from its record until the end of the wait that it began claims it.
//
// Threads: the housekeeping thread. Bounds: one entry per slot; memory is reserved at construction and touched when a slot is first used.
#ifndef HFTMON_DAEMON_INGEST_WAKER_TABLE_H_
#define HFTMON_DAEMON_INGEST_WAKER_TABLE_H_

#include <cstdint>
#include <memory>

#include "daemon/ingest/waker.h"

namespace hftmon {

class WakerTable {
 public:
  struct Entry {
    uint32_t tid;              // who was woken
    uint32_t voluntary_count;  // as in hft_waker
    int64_t out_clock_ns;      // 0: its switch-out was not noted yet
    uint64_t log_position;     // of wait_cpu when it was woken; 0: not known
    uint16_t wait_cpu;         // where it waits, as far as is known
    Waker waker;
  };

  explicit WakerTable(uint32_t slot_count);

  // The entry, to be filled. Requires slot < slot_count.
  Entry* Note(uint32_t slot) { return &entries_.get()[slot]; }
  const Entry& At(uint32_t slot) const { return entries_.get()[slot]; }

  // Who ended the sleep that began with that switch-out; nullptr when no record of it came. The moment identifies it: run queue clocks do
  // not repeat. A wake-up that came while the thread was on its way out is known by the count of switch-outs: no other can follow it before
  // the thread runs again. `out_clock_ns` 0: it was not seen leaving.
  const Waker* Find(uint32_t slot, uint32_t tid, int64_t out_clock_ns, uint32_t voluntary_count) const;

  // The thread was moved: a wake-up places it elsewhere. Who runs there since is not known.
  void NoteMove(uint32_t slot, uint32_t tid, uint16_t to_cpu);

 private:
  uint32_t slot_count_;
  std::unique_ptr<Entry, void (*)(void*)> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_WAKER_TABLE_H_
