// EarlierSleeps: threads that slept already when watching them began. The kernel's programs know nothing of such a sleep: they were not
// told of the switch that began it, and the one that ends it has no beginning.
//
// Source: the list of all tasks, read when a thread's slot was published and its process watched (ProcessWatcher).
//
// Invariants: 1. From then on every switch-in that programs see leaves the task's mark in the slot: an entry holds while the slot has none.
// 2. Who takes a mark off a slot that stays published, or lets the programs miss a switch (off, pause), clears the entry before.
// 3. found_mono_ns is another one for each sleep, is stored last (release) and read first and last (acquire): what stands between two equal
// readings belongs to it. A reader that acts on a mark that is late finds out at its next look.
//
// Threads: Put and Clear by one at a time; the others by any. No lock, no system call, no allocation after construction. Bounds: one entry
// a slot.
#ifndef HFTMON_DAEMON_INGEST_EARLIER_SLEEPS_H_
#define HFTMON_DAEMON_INGEST_EARLIER_SLEEPS_H_

#include <cstdint>
#include <memory>

#include "daemon/collectors/earlier_sleep.h"

namespace hftmon {

class EarlierSleeps {
 public:
  explicit EarlierSleeps(uint32_t slot_count);

  // Of the thread that has the slot in that generation, instead of what was put before. No-op for a slot that is not there.
  void Put(uint16_t slot, uint32_t generation, const EarlierSleep& sleep);
  // What was put is not known to go on any more: nobody saw whether the thread ran meanwhile.
  void Clear(uint16_t slot);
  // When it was found; 0: nothing was put for that generation of the slot.
  int64_t FoundNs(uint32_t slot, uint32_t generation) const;
  // False likewise, and while it is being put.
  bool Read(uint32_t slot, uint32_t generation, EarlierSleep* sleep) const;

 private:
  // found_mono_ns is stored last and is another one for each sleep: who reads it twice the same has read what belongs to it.
  struct Entry {
    uint64_t found_mono_ns;
    uint64_t departure;  // CPU, call state << 16, system call << 32
    uint64_t arguments[3];
    uint32_t generation;
  };

  const uint32_t slot_count_;
  const std::unique_ptr<Entry, void (*)(void*)> entries_;  // by slot; zeroed pages that cost no memory until one is put
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_EARLIER_SLEEPS_H_
