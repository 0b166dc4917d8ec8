// PerfAuxRing: reads what hardware wrote by itself into the AUX memory of a perf event; records in the event's ring (PERF_RECORD_AUX) tell
// which of its bytes were written when and where.
//
// One reader; the kernel, or the hardware for it, is the writer. It does not own the memory.
//  1. aux_head is written by the kernel alone, aux_tail by the reader alone, both in the ring's control page. Both are counted on for ever
//     and only rise; their difference is what is unread.
//  2. The acquire load of aux_head pairs with the kernel's store of it, before which the hardware's bytes are in memory.
//  3. The release store of aux_tail pairs with the kernel's load of it: nothing is written over before it was read.
//  4. The kernel writes a record before it moves aux_head over that record's bytes: one that is ahead of aux_head is kept until it is not.
//     What aux_head passed and no record tells is padding of the driver's, or the record was lost: it is handed out as told by none.
//  5. Nothing that stands in the memory is believed: a head or a record that cannot be costs what it is about, is counted, and reading goes
//     on behind it.
//  6. The kernel switches an event off for which there is no room (PerfAux::kTruncated): stopped() says when that may have been.
// No allocation, lock or system call after construction; work is bounded by the memory's size.
#ifndef HFTMON_DAEMON_OS_PERF_AUX_RING_H_
#define HFTMON_DAEMON_OS_PERF_AUX_RING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/perf/perf_aux_records.h"

namespace hftmon {

struct PerfAuxRingCounts {
  uint64_t record_count = 0;  // that told of bytes or of a loss
  uint64_t read_bytes = 0;    // handed out
  uint64_t untold_bytes = 0;  // of them, by no record
  // Records with these flags: what came then was lost, gaps of the hardware's own, operations that were sampled too close to each other.
  uint64_t truncated_count = 0, partial_count = 0, collision_count = 0;
  uint64_t damage_count = 0;   // heads and records that could not be
  uint64_t damaged_bytes = 0;  // told by those records; unread before a head that could not be is not known
};

// Bytes that follow each other; valid until Visit returns.
struct PerfAuxBytes {
  uint64_t offset = 0;                // of the first of them, counted on for ever
  std::span<const std::byte> first;   // never empty
  std::span<const std::byte> second;  // where they go on at the memory's begin; else empty
  const PerfAux* told = nullptr;      // the record; null: none tells of them
};

class PerfAuxRing {
 public:
  using Visit = absl::FunctionRef<void(const PerfAuxBytes&)>;

  // Asks the kernel, in the control page of a mapped ring, for AUX memory behind it: where it is then to be mapped.
  static uint64_t Ask(std::span<std::byte> ring_memory, size_t aux_bytes);
  // `ring_memory` as PerfRing::Over has it, `aux` as mapped: two pages or more, a power of two; both outlive it. Reading begins where
  // aux_tail stands. INVALID_ARGUMENT: of another size. FAILED_PRECONDITION: the control page has another place or size.
  static absl::StatusOr<PerfAuxRing> Over(std::span<std::byte> ring_memory, std::span<const std::byte> aux, size_t page_bytes);

  // One reading: Begin; then the ring's records are drained, of which those of AUX come here in their order; then End.
  void Begin();
  void Take(const PerfAux& record, Visit visit);
  // `all_records`: the ring has no more. Gives the room back.
  void End(bool all_records, Visit visit);

  // Whether the kernel may have switched the event off since Resumed, since it found no room.
  bool stopped() const { return stopped_; }
  void MayHaveStopped() { stopped_ = true; }  // records were lost that might have said so
  void Resumed() { stopped_ = false; }

  const PerfAuxRingCounts& counts() const { return counts_; }

 private:
  PerfAuxRing(std::byte* control, std::span<const std::byte> data, size_t page_bytes);

  void Look();
  bool IsAhead(const PerfAux& record) const;
  void ReadTold(const PerfAux& record, Visit visit);
  void ReadTo(uint64_t end, const PerfAux* told, Visit visit);
  void Damage(uint64_t bytes);

  std::byte* control_;
  std::span<const std::byte> data_;
  size_t page_bytes_;
  uint64_t tail_ = 0;  // ours: what stands in the memory is only written
  uint64_t head_ = 0;  // as last looked at; at most data_.size() before the tail
  uint64_t head_at_begin_ = 0;
  std::optional<PerfAux> ahead_;  // of what head_ has not passed yet
  bool ahead_is_old_ = false;     // since the reading before
  bool stopped_ = false;
  PerfAuxRingCounts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_AUX_RING_H_
