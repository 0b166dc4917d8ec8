// RecordRing: the reader of one CPU's record ring, in memory shared with the kernel's programs.
//
// Owner: the mapping belongs to someone who outlives the ring. Threads: one reader; the writers are programs on the ring's own CPU, which
// may nest in one another and never wait for the reader. No allocation, lock or system call; nothing is written to the shared memory.
// Bounds: every call looks at no more than `cells` cells.
//
// A writer reserves by fetch-add on `head`, sets the cell's sequence to 0, fills it, and publishes it by sequence = low 32 bits of (index +
// 1).
//
// Invariants (counted in cells; a record has one, and one more for each continuation):
//   1. tail <= the kernel's head, and tail only grows.
//   2. tail - first_index == delivered_count + lost_count + stuck_count: no cell is passed without being counted once.
//   3. A cell is taken only when its sequence is the expected one before and after the copy, so a cell being overwritten is never taken.
//   4. When head - tail > cells the writer has lapped the reader: the reader goes to head - 3/4 cells and counts what it passed as lost.
//   5. A sequence other than the expected one without an overrun means reserved, not yet published. The one index in 2^32 whose published
//   sequence
//      is 0 looks like that for ever; it is skipped as stuck.
// A writer that stays inside one cell while its CPU writes a whole ring more could still spoil the cell's next owner: nothing guards that.
#ifndef HFTMON_DAEMON_RING_RECORD_RING_H_
#define HFTMON_DAEMON_RING_RECORD_RING_H_

#include <cstddef>
#include <cstdint>

#include "daemon/ring/ring_record.h"

namespace hftmon {

class RecordRing {
 public:
  enum class State { kEmpty, kUnpublished, kReady };

  // `memory`: hft_ring_header, then `cells` (a power of two, at least 32) cells. `begin_mono_ns`: no record of interest is older.
  // `first_index`: the cell to begin with, 0 for a ring read from its making.
  RecordRing(std::byte* memory, uint32_t cells, uint16_t cpu, int64_t begin_mono_ns, uint64_t first_index = 0);

  // Looks how far the writers have come. True when that is further than at the last look.
  bool RefreshHead();
  // Whether no cell is left below the head last looked at.
  bool empty() const { return tail_ == head_; }

  // Looks at the first unread record; passes over what was overwritten and over continuation cells whose record is gone.
  // kReady: the record and its continuation are published, first_mono_ns() is its time. kUnpublished: part of it is being written.
  State Peek();
  int64_t first_mono_ns() const { return first_mono_ns_; }

  // Copies the record that Peek found ready. False when it was overwritten meanwhile: Peek again.
  bool Consume(RingRecord* out);

  // Gives up the unpublished part of the first record: the cell itself, or its continuation. Requires Peek() == kUnpublished.
  void SkipStuck();

  // Time of the newest published record below the head; INT64_MIN when that cell is not published. Requires !empty().
  int64_t NewestMonoNs() const;

  // A loss not yet reported; its end is `end_mono_ns`. False when there is none.
  bool TakeLoss(int64_t end_mono_ns, RingLoss* out);
  bool has_loss() const { return pending_.lost_count + pending_.stuck_count != 0; }

  uint16_t cpu() const { return cpu_; }
  uint64_t delivered_count() const { return delivered_count_; }
  uint64_t lost_count() const { return lost_count_; }
  uint64_t stuck_count() const { return stuck_count_; }

 private:
  hft_record_header* HeaderAt(uint64_t index) const;
  bool IsPublished(uint64_t index) const;
  bool CopyCell(uint64_t index, void* out) const;
  bool SkipIfOverrun();
  State PeekContinuation(uint8_t announced);
  int CopyContinuation(RingRecord* out);
  void Lose(uint64_t cells);
  void Stick(uint64_t cells);

  std::byte* const cells_;
  __u64* const kernel_head_;
  const uint64_t mask_;
  uint64_t head_;  // as last looked at
  uint64_t tail_;  // the first unread cell
  int64_t first_mono_ns_ = 0;
  uint8_t first_announced_ = 0;         // continuation cells that the first record's header announces
  bool continuation_given_up_ = false;  // for the first record only
  const uint16_t cpu_;
  int64_t last_good_mono_ns_;
  RingLoss pending_;
  uint64_t delivered_count_ = 0;
  uint64_t lost_count_ = 0;
  uint64_t stuck_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_RING_RECORD_RING_H_
