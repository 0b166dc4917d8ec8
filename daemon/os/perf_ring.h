// PerfRing: reads the records that the kernel writes for a perf event, and for others that were redirected to it, from shared memory.
//
// One reader; the kernel is the writer. It does not own the memory.
//  1. data_head is written by the kernel alone, data_tail by the reader alone. Both only rise; their difference is what is unread.
//  2. The acquire load of data_head pairs with the kernel's barrier before its store: records before it are whole.
//  3. The release store of data_tail pairs with the kernel's load of it: it writes only where the reader has done with reading.
//  4. Nothing that stands in the memory is believed: a head or a size that cannot be costs what is unread, is counted, and reading goes on
//     behind it.
// No allocation, lock or system call after construction; work is bounded by the caller.
#ifndef HFTMON_DAEMON_OS_PERF_RING_H_
#define HFTMON_DAEMON_OS_PERF_RING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/perf/perf_record.h"

namespace hftmon {

struct PerfRingCounts {
  uint64_t record_count = 0;   // handed out, those of losses too
  uint64_t lost_count = 0;     // records that found no room; the kernel tells them with the next that does: the last may be untold yet
  uint64_t dropped_count = 0;  // samples that the hardware dropped
  uint64_t damage_count = 0;   // times that what was unread could not be, or that a record of losses was cut
  uint64_t damaged_bytes = 0;  // passed over; not known, and not in it, where the head itself could not be
};

class PerfRing {
 public:
  // `memory` as mapped: the control page, then a power of two of bytes; outlives it. Reading begins where data_tail stands.
  // INVALID_ARGUMENT: it is of another size, or not aligned to 8 bytes. FAILED_PRECONDITION: the kernel says that its records are
  // elsewhere.
  static absl::StatusOr<PerfRing> Over(std::span<std::byte> memory, size_t page_bytes);
  PerfRing(PerfRing&&) = default;
  PerfRing& operator=(PerfRing&&) = default;

  // At most `records_max`, oldest first, of those that were there when it began; how many. A record is valid until `visit` returns, and the
  // kernel has the room again when Drain does.
  size_t Drain(size_t records_max, absl::FunctionRef<void(const PerfRecord&)> visit);

  const PerfRingCounts& counts() const { return counts_; }

 private:
  PerfRing(std::byte* control, std::span<std::byte> data);

  std::optional<PerfRecord> RecordAtTail(uint64_t unread_bytes);
  void CountLosses(const PerfRecord& record);

  std::byte* control_;
  std::span<const std::byte> data_;
  uint64_t tail_ = 0;               // ours: what stands in the memory is only written
  std::vector<std::byte> wrapped_;  // a record that goes on at the begin: of the ring's size, at most the largest record's, 64 KiB
  PerfRingCounts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_RING_H_
