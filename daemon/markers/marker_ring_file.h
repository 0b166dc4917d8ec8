// MarkerRingFile: the reader of one program's marker file. Everything in the file is a stranger's word and may change while it is read.
//
// Owner: whoever drains it; one thread. The sink outlives it. Not for the housekeeping loop: it makes system calls.
// The file is never mapped, and never written to: its owner may truncate it at any moment, and a load beyond its new end would be a SIGBUS
// that no check before the load prevents. pread copies into the caller's buffers and answers a short count instead; what is checked is the
// copy, which nobody changes any more. README.md has what that costs, and why none of it can hang. The program overwrites its oldest
// records and waits for nobody; what it had overwritten before it was copied is counted.
// Bounds: a Drain makes 2 system calls for each chunk of records and a few for the file, looks at no more records than it was told, and
// keeps some hundred bytes per ring. The header and an operation's name are copied once and never looked at again.
// Invariants:
//   1. Of each ring: what was published since the file was opened (or since the positions it goes on from, if they still stand) is
//      delivered, refused (faults) or overwritten, each record exactly one of them.
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
  static constexpr size_t kChunkRecords = 2048;  // 144 KiB in all: stays in the second-level cache
  std::vector<hft_marker_record> raw = std::vector<hft_marker_record>(kChunkRecords);
  std::vector<MarkerRecord> records = std::vector<MarkerRecord>(kChunkRecords);
  std::vector<hft_marker_producer> producers = std::vector<hft_marker_producer>(HFT_MARKER_THREADS_MAX);
};

// How far a ring was read: what a later reader of the same file goes on from. Passive data.
struct MarkerRingPosition {
  uint64_t taken = 0;     // records
  uint64_t last_tsc = 0;  // of the last that was delivered
  uint32_t tid = 0;       // whose they were; 0: not known
};

class MarkerRingFile {
 public:
  // How far the counters of two CPUs may differ.
  static constexpr uint64_t kFutureSlackTicks = 100'000;
  // More than any thread can publish: each takes eight stores.
  static constexpr uint64_t kRecordsPerNsMax = 4;

  struct Counts {
    uint64_t delivered_count = 0;
    uint64_t overwritten_count = 0;  // published since the file was opened, and overwritten before they were copied
    MarkerFaultCounts faults;
  };
  struct Drained {
    uint64_t record_count = 0;       // delivered or refused
    uint64_t overwritten_count = 0;  // found to be
    bool more = false;               // the bound was reached
    bool busy = false;               // a ring was a kBusyShare full, or more
  };
  static constexpr uint64_t kBusyShare = 16;  // one part in

  // Takes the descriptor over. `positions`: by ring, of an earlier reader of the same file; empty: there was none, and what stands in the
  // rings is taken, at most record_max of each.
  MarkerRingFile(const OpenMarkerFile& opened, const MarkerRingName& name, const RawClocks* clocks, MarkerSink* sink,
                 const std::vector<MarkerRingPosition>& positions = {});
  // Errors: see OpenMarkerFileOf.
  static absl::StatusOr<std::unique_ptr<MarkerRingFile>> Open(const std::string& directory, const MarkerRingName& name,
                                                              const MarkerProcess& process, const RawClocks* clocks, MarkerSink* sink);
  ~MarkerRingFile();
  MarkerRingFile(const MarkerRingFile&) = delete;
  MarkerRingFile& operator=(const MarkerRingFile&) = delete;

  // Takes what was published when it began, at most `records_max` in all, a chunk of each ring in turn.
  // DATA_LOSS: the file no longer is what it was (truncated), or cannot be read; it is of no more use.
  absl::StatusOr<Drained> Drain(uint64_t records_max, MarkerBuffers* buffers);

  // Whether the program still has the file open.
  bool HasOwner() const;
  // Whether it still has its name.
  bool IsNamed() const;
  // Removes it, where nobody can write to it any more: see RemoveMarkerFile.
  void Remove(const std::string& directory) const;

  const MarkerRingName& name() const { return name_; }
  const hft_marker_header& header() const { return header_; }
  const MarkerFileIdentity& identity() const { return identity_; }
  const Counts& counts() const { return counts_; }
  uint32_t operation_count() const { return operation_count_; }  // the unnamed one included
  std::vector<MarkerRingPosition> positions() const;

 private:
  struct Ring {
    uint64_t taken = 0;                     // records looked at or overwritten: the index of the next
    uint64_t end = 0;                       // `published` as this drain believes it; never below taken
    uint64_t seen = 0;                      // the last `published` that was believed, and when
    int64_t seen_ns = 0;                    //
    uint64_t last_tsc = 0;                  // of the last record delivered
    std::optional<uint64_t> refused_index;  // `published` as it was when it was refused, so that it is counted once
    uint64_t doubted_index = 0;             // record index + 1 whose sequence did not fit at the last drain
    uint32_t tid = 0;
    uint32_t gap_count = 0;     // to be told with the next record delivered
    bool tid_is_stale = false;  // records are missing, and what announced another thread may be among them
  };
  struct Chunk {
    uint16_t ring = 0;
    uint64_t begin = 0;  // of the buffer's records: those before it are overwritten
    uint64_t end = 0;
  };

  void Begin(const std::vector<MarkerRingPosition>& positions);
  absl::Status CheckSize() const;
  absl::Status ReadProducers(MarkerBuffers* buffers) const;
  bool ReadProducer(uint16_t number, hft_marker_producer* producer) const;
  void ReadOperations();
  bool CanBe(const Ring& ring, uint64_t published, int64_t now_ns) const;
  uint64_t FirstSafe(uint64_t published) const;
  uint64_t WaitingCount(uint16_t number, uint64_t published, int64_t now_ns);
  void CountOverwritten(Ring* ring, uint64_t first_safe);
  void LearnThread(const hft_marker_producer& before, const hft_marker_producer& after, Ring* ring) const;
  absl::StatusOr<uint64_t> DrainRing(uint16_t number, uint64_t count, MarkerBuffers* buffers);
  absl::Status ReadRecords(uint16_t number, uint64_t first, uint64_t count, MarkerBuffers* buffers) const;
  uint64_t Validate(const Chunk& chunk, uint64_t now_tsc, MarkerBuffers* buffers);
  bool Accept(const hft_marker_record& from, uint64_t now_tsc, Ring* ring, MarkerRecord* to);

  const int fd_;
  const MarkerRingName name_;
  const hft_marker_header header_;
  const MarkerFileIdentity identity_;
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
