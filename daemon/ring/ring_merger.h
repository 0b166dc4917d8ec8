// RingMerger: all CPUs' rings as one stream in the order of mono_ns, without a fixed slack.
//
// Threads: one reader, no allocation, lock or system call after construction. The clock is read only while a cell stays unpublished, or to
// date a loss in a ring that has no later record.
//
// Why a record may go out (invariants):
//   1. A record's mono_ns is read after its cell was reserved. So what is reserved after a look at a ring's head bears a later time than
//      anything that was seen published before that look.
//   2. `horizon` is the latest time seen published before the last sweep over all heads. The earliest first record goes out when it is not
//   later
//      than the horizon: what the sweep did not see is later (1), what it saw stands behind its ring's first record.
//   3. A ring whose first record is reserved but not published makes all wait, for at most kStuckNs: then the cell is skipped and counted.
//   4. Programs that nest on one CPU may stamp in another order than they reserve: such a record goes out in its ring's order, and is
//      counted in nested_count().
// Cost: a sweep reads one word per ring; a record costs its copy and O(log(rings with records)).
#ifndef HFTMON_DAEMON_RING_RING_MERGER_H_
#define HFTMON_DAEMON_RING_RING_MERGER_H_

#include <cstdint>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/ring/record_ring.h"

namespace hftmon {

class RingMerger {
 public:
  // How long a reserved cell may stay unpublished: a program runs a microsecond, a stolen virtual CPU returns within less than this.
  static constexpr int64_t kStuckNs = 1'000'000;

  enum class Step {
    kRecord,   // record() is the next one
    kLoss,     // loss() is the next one
    kIdle,     // every ring is empty
    kWaiting,  // a cell is being written: ask again soon
  };

  // `clock` outlives the merger.
  RingMerger(std::vector<RecordRing> rings, const MonotonicClock* clock);

  Step Next();
  // Valid after Next() returned kRecord or kLoss, until the next call.
  const RingRecord& record() const { return record_; }
  const RingLoss& loss() const { return loss_; }

  // Over all rings, in cells.
  uint64_t delivered_count() const;
  uint64_t lost_count() const;
  uint64_t stuck_count() const;
  // Records that went out with an earlier time than one before.
  uint64_t nested_count() const { return nested_count_; }

 private:
  struct First {
    int64_t mono_ns;
    uint32_t ring;
  };
  struct Waiting {
    int64_t since_ns;
    uint32_t ring;
  };

  void Sweep();
  bool ReviewWaiting();
  // Where the ring belongs after a look: among the ready ones, the waiting ones or none.
  void Enter(uint32_t ring);
  void ReplaceEarliest(uint32_t ring);
  void NoteReady(uint32_t ring);
  void NoteEmpty(uint32_t ring);
  void StartWaiting(uint32_t ring);
  void Push(First first);
  void PopEarliest();
  void SiftDown(size_t hole, First first);

  std::vector<RecordRing> rings_;
  const MonotonicClock* clock_;
  std::vector<First> ready_;      // a heap: the earliest first record in front
  std::vector<Waiting> waiting_;  // rings whose first record is not published
  std::vector<uint8_t> engaged_;  // per ring: it stands in ready_ or waiting_
  std::vector<RingLoss> losses_;  // found, not yet given out
  int64_t seen_ns_;               // latest time seen published so far
  int64_t horizon_ns_;            // the same, before the last sweep
  int64_t last_mono_ns_;
  uint64_t nested_count_ = 0;
  RingLoss loss_;
  RingRecord record_{};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_RING_RING_MERGER_H_
