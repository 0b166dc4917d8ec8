// OperationBook: the marks of one program, paired into spans, and what they add up to for each operation.
//
// Owner: whoever drains the program's marker file; one thread, as the file's sink. Whoever reads the figures from another thread guards
// both. An end belongs to the open begin of the same ring, operation and value; open ones may nest or overlap. A heartbeat's span is the
// time since the ring's last heartbeat of the same operation. Bounds: kOpenMax open begins for each ring, heartbeats of kBeatsMax
// operations; the operations and rings that a file can have. A histogram takes memory where it has counts, 16 KiB at most, two for each of
// kBinnedMax operations. Each record takes constant time. Nothing is paired across a gap: what was open when records went missing is given
// up, since its end may be among them.
#ifndef HFTMON_DAEMON_MARKERS_OPERATION_BOOK_H_
#define HFTMON_DAEMON_MARKERS_OPERATION_BOOK_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/clock_conversion.h"
#include "common/sparse_histogram.h"
#include "daemon/markers/marker_record.h"
#include "daemon/markers/operation_span.h"

namespace hftmon {

// Spans of one kind. min, max and sum are exact; percentiles come from the histogram (FindPercentile).
struct OperationFigures {
  // `binned`: into the histogram too.
  void Add(int64_t duration_ns, bool binned = true);
  int64_t mean_ns() const { return count == 0 ? 0 : static_cast<int64_t>(sum_ns / count); }

  uint64_t count = 0;
  uint64_t sum_ns = 0;  // stops at its largest value
  int64_t min_ns = 0;   // 0 while count is 0
  int64_t max_ns = 0;
  SparseHistogram durations;
};

struct OperationEntry {
  std::string name;  // empty: the unnamed one
  OperationFigures spans;
  OperationFigures heartbeats;  // of the time between two
  uint64_t error_count = 0;     // of the spans
  uint64_t recent_count = 0;    // of the spans, those that began when the marks were read already: what a rate is made of
  uint64_t instant_count = 0;
};

// Marks that made no span, by reason.
struct OperationLosses {
  uint64_t gap_record_count = 0;         // records that never came: overwritten before they were read, or refused
  uint64_t begin_lost_count = 0;         // open when records went missing
  uint64_t begin_replaced_count = 0;     // begun again, same operation and value
  uint64_t begin_evicted_count = 0;      // the oldest of kOpenMax when one more began
  uint64_t begin_unfinished_count = 0;   // open when their thread ended
  uint64_t end_without_begin_count = 0;  // for any of the reasons above, or never begun
  uint64_t beat_evicted_count = 0;       // heartbeats whose next makes no gap: more than kBeatsMax operations beat on one thread
};

class OperationBook final : public MarkerSink {
 public:
  static constexpr size_t kOpenMax = 16;
  static constexpr size_t kBeatsMax = 4;
  // Operations that have histograms: a program may name thousands, and fill the buckets of each. Of others there are no percentiles.
  static constexpr uint32_t kBinnedMax = 128;

  // `spans` outlives the book. `ticks`: how long a tick is; only its multiplier is used, and must not be 0. `since_tsc`: since when the
  // marks are read.
  OperationBook(const LinearConversion& ticks, OperationSpanSink* spans, uint64_t since_tsc = 0);

  // For spans that end from now on.
  void SetTicks(const LinearConversion& ticks) { multiplier_ = ticks.multiplier; }

  void OnOperation(uint32_t operation, std::string_view name) override;
  void OnRecords(std::span<const MarkerRecord> records) override;

  // By id; the first has no name.
  std::span<const OperationEntry> operations() const { return operations_; }
  const OperationLosses& losses() const { return losses_; }
  // Begins whose end has not come, of all rings.
  uint64_t open_count() const;

 private:
  struct Open {
    uint64_t tsc = 0;
    uint64_t value = 0;
    uint32_t operation = 0;
  };
  struct Heartbeat {
    uint64_t tsc = 0;
    uint32_t operation = 0;
  };
  struct Ring {
    uint32_t open_count = 0;
    uint32_t beat_count = 0;
    std::array<Open, kOpenMax> open{};
    std::array<Heartbeat, kBeatsMax> beats{};  // the latest of each operation, the latest last
  };

  Ring& RingOf(const MarkerRecord& record);
  void OnRecord(const MarkerRecord& record);
  void Begin(const MarkerRecord& record, Ring* ring);
  void End(const MarkerRecord& record, Ring* ring);
  void Beat(const MarkerRecord& record, Ring* ring);
  static uint32_t FindOpen(const MarkerRecord& record, const Ring& ring);
  static void Remove(uint32_t at, Ring* ring);
  static void GiveUp(Ring* ring, uint64_t* count);
  OperationSpan SpanOf(const MarkerRecord& record, uint64_t begin_tsc) const;

  uint64_t multiplier_;
  OperationSpanSink* const spans_;
  const uint64_t since_tsc_;
  std::vector<OperationEntry> operations_;
  std::vector<std::unique_ptr<Ring>> rings_;  // made at a ring's first record
  OperationLosses losses_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_OPERATION_BOOK_H_
