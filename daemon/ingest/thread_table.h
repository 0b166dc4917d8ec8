// ThreadTable: what the housekeeping thread remembers of each watched thread between two records: the parts of its current wait that were
// spent on other CPUs before it was moved (queued migrations), until its switch-in claims them.
//
// Threads: the housekeeping thread. Bounds: one entry per slot, kKeptSegments segments of kKeptSpans spans each; all memory is reserved at
// construction and touched when a slot is first used. Beyond the bounds the oldest segment and the shortest spans go, and are counted.
//
// Waits below the kernel's threshold leave their migrations here without ever claiming them: the next wait's claim takes only the newest
// ones, as many as belong to it. A loss of records makes everything kept before it unfit (Distrust), for a missing migration would let a
// stale one in.
#ifndef HFTMON_DAEMON_INGEST_THREAD_TABLE_H_
#define HFTMON_DAEMON_INGEST_THREAD_TABLE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "daemon/ingest/interval.h"

namespace hftmon {

// A part of a wait that ended with a move to another CPU.
struct WaitPart {
  static constexpr int kKeptSpans = 8;
  uint16_t cpu;
  uint8_t span_count;
  bool truncated;  // some of its runners are not known, or did not fit
  int64_t wait_ns;
  std::array<RunnerSpan, kKeptSpans> spans;  // oldest first
};

class ThreadTable {
 public:
  static constexpr int kKeptSegments = kWaitSegmentsMax - 1;

  explicit ThreadTable(uint32_t slot_count);

  uint32_t slot_count() const { return slot_count_; }

  // The entry for the next queued migration of `tid` in `slot`, to be filled by the caller; pushes the oldest out when all are taken.
  // Requires slot < slot_count().
  WaitPart* Add(uint32_t slot, uint32_t tid);

  // The newest `wanted` parts, oldest first, or fewer when fewer are there. Valid until the next Add. The slot's entry is empty afterwards.
  std::span<const WaitPart> Claim(uint32_t slot, uint32_t tid, uint32_t wanted);

  void Forget(uint32_t slot);
  // Records were lost: what is kept of any wait may lack a part.
  void Distrust() { ++trust_; }

 private:
  struct Entry {
    uint32_t tid;
    uint32_t trust;
    uint8_t count;
    std::array<WaitPart, kKeptSegments> parts;
  };
  uint32_t slot_count_;
  uint32_t trust_ = 1;  // entries begin with 0: never trusted
  std::unique_ptr<Entry, void (*)(void*)> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_THREAD_TABLE_H_
