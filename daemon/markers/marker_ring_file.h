// MarkerRingFile: the reader of one program's marker file. Everything in the file is a stranger's word and may change while it is read.
//
// Owner: whoever drains it; one thread. The sink outlives it. Not for the housekeeping loop: it makes system calls.
// The file is never mapped: its owner may truncate it at any moment, and a load beyond its new end would be a SIGBUS that no check before
// the load prevents. pread copies into the caller's buffers and answers a short count instead; what is checked is the copy, which nobody
// changes any more. README.md has what that costs.
// Bounds: a Drain makes at most 2 system calls for each ring that has records and a few for the file, looks at no more records than it was
// told, and keeps a few dozen bytes per ring. The header and an operation's name are copied once and never looked at again.
// Invariants:
//   1. For each ring: taken count == records delivered + records refused (faults); a record is delivered once, over all readers that
//      this file ever had, unless a reader died between a delivery and the end of its Drain.
//   2. A delivered record has a kind, a status and an operation that exist, a time stamp that is not before the ring's last one and not
//      after the moment it was copied (give or take kFutureSlackTicks).
//   3. Whatever the file says, a Drain ends, and the sink is told of no more than `records_max` records.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_RING_FILE_H_
#define HFTMON_DAEMON_MARKERS_MARKER_RING_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/marker_ring_layout.h"
#include "daemon/markers/marker_faults.h"
#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_record.h"
#include "daemon/markers/marker_ring_name.h"
#include "daemon/markers/open_marker_file.h"
#include "daemon/os/raw_clocks.h"

namespace hftmon {

// What a drain works in; one for all files that one thread drains.
struct MarkerBuffers {
  static constexpr size_t kChunkRecords = 1024;  // 72 KiB in all: stays in the second-level cache
  std::vector<hft_marker_record> raw = std::vector<hft_marker_record>(kChunkRecords);
  std::vector<MarkerRecord> records = std::vector<MarkerRecord>(kChunkRecords);
  std::vector<hft_marker_producer> producers = std::vector<hft_marker_producer>(HFT_MARKER_THREADS_MAX);
};

class MarkerRingFile {
 public:
  // How far the counters of two CPUs may differ.
  static constexpr uint64_t kFutureSlackTicks = 100'000;

  struct Counts {
    uint64_t delivered_count = 0;
    uint64_t dropped_count = 0;  // by the program, as it says, since it began: the ring was full
    MarkerFaultCounts faults;
  };
  struct Drained {
    uint64_t record_count = 0;  // taken, refused ones included
    bool more = false;          // the bound was reached, or a ring was filling up faster than it was read
  };

  // Takes the descriptor over.
  MarkerRingFile(const OpenMarkerFile& opened, const MarkerRingName& name, const RawClocks* clocks, MarkerSink* sink);
  // Errors: see OpenMarkerFileOf.
  static absl::StatusOr<std::unique_ptr<MarkerRingFile>> Open(const std::string& directory, const MarkerRingName& name,
                                                              const MarkerProcess& process, const RawClocks* clocks, MarkerSink* sink);
  ~MarkerRingFile();
  MarkerRingFile(const MarkerRingFile&) = delete;
  MarkerRingFile& operator=(const MarkerRingFile&) = delete;

  // Takes what was published, at most `records_max` in all and kChunkRecords of a ring before the other rings have had their turn.
  // DATA_LOSS: the file no longer is what it was (truncated), or cannot be read; it is of no more use.
  absl::StatusOr<Drained> Drain(uint64_t records_max, MarkerBuffers* buffers);

  // Whether the program still has the file open.
  bool HasOwner() const;
  // Whether `directory`/name still is this file.
  bool IsNamed(const std::string& directory) const;

  const MarkerRingName& name() const { return name_; }
  const hft_marker_header& header() const { return header_; }
  const Counts& counts() const { return counts_; }
  uint32_t operation_count() const { return operation_count_; }  // the unnamed one included

 private:
  struct Ring {
    uint64_t taken = 0;
    uint64_t dropped = 0;                   // as last seen
    uint64_t last_tsc = 0;                  // of the last record delivered
    std::optional<uint64_t> refused_index;  // `published` as it was when it was refused, so that it is counted once
    uint64_t doubted_index = 0;             // record index + 1 whose sequence did not fit at the last drain
    uint32_t tid = 0;
    uint32_t gap_count = 0;  // to be told with the next record delivered
  };

  void Resume();
  absl::Status CheckSize() const;
  absl::Status ReadProducers(MarkerBuffers* buffers) const;
  void ReadOperations();
  uint64_t WaitingCount(const hft_marker_producer& producer, Ring* ring);
  absl::StatusOr<uint64_t> DrainRing(uint16_t number, uint64_t count, MarkerBuffers* buffers);
  absl::Status ReadRecords(uint16_t number, uint64_t first, uint64_t count, MarkerBuffers* buffers) const;
  uint64_t Validate(uint16_t number, uint64_t count, uint64_t now_tsc, MarkerBuffers* buffers);
  bool Accept(const hft_marker_record& from, uint64_t now_tsc, Ring* ring, MarkerRecord* to);
  void StoreConsumed(uint16_t number);

  const int fd_;
  const MarkerRingName name_;
  const hft_marker_header header_;
  const RawClocks* const clocks_;
  MarkerSink* const sink_;
  std::vector<Ring> rings_;
  uint32_t operation_count_ = 1;
  uint32_t first_ring_ = 0;  // whose turn is first at the next drain
  bool may_look_for_names_ = false;
  Counts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_RING_FILE_H_
