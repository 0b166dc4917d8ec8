// FileSpans: the spans of one marker file on their way to SlowOperations: each goes into its operation's baseline, and those that were
// slow, or long enough for a stall, are kept until the stalls of their time are known.
//
// One thread: the reader's. Bounds: an operation takes 5 KiB from its first span on, kOperationsMax of them at most (spans of others are
// not judged, and an answer has no threshold for them); kPendingMax spans wait.
#ifndef HFTMON_DAEMON_OPERATIONS_FILE_SPANS_H_
#define HFTMON_DAEMON_OPERATIONS_FILE_SPANS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock_conversion.h"
#include "daemon/ingest/interval.h"
#include "daemon/markers/marker_ring_name.h"
#include "daemon/markers/operation_span.h"
#include "daemon/operations/operation_baseline.h"
#include "daemon/operations/operation_slowness.h"

namespace hftmon {

class FileSpans {
 public:
  static constexpr uint32_t kOperationsMax = 128;
  static constexpr size_t kPendingMax = 4096;

  struct Pending {
    OperationSpan span;
    int64_t start_mono_ns = 0;
    std::optional<ThreadKey> thread;  // the marks' own thread; none: it is not watched
    uint16_t slot = 0;
    bool slow = false;  // above the threshold of its time
    bool adaptive = false;
    int64_t threshold_ns = 0;
    int64_t usual_ns = -1;

    int64_t end_mono_ns() const { return start_mono_ns + span.duration_ns; }
  };

  struct Operation {
    std::string name;
    OperationBaseline spans;
    OperationBaseline gaps;
    OperationSlowness slowness;
    int64_t candidate_ns = INT64_MAX;      // a span this long is looked at
    int64_t gap_candidate_ns = INT64_MAX;  // likewise a gap
  };

  explicit FileSpans(const MarkerRingName& name) : name_(name) {}

  void OnOperation(uint32_t operation, std::string_view name);
  void OnSpan(const OperationSpan& span, const LinearConversion& ticks);

  // `threshold_ns` 0: adaptive. Stalls below `stall_floor_ns` are not known: spans shorter than it cannot be compared.
  void SetWishes(int64_t threshold_ns, int64_t stall_floor_ns);
  // The lowest threshold in force of all operations with spans, gaps left out; INT64_MAX: none yet.
  int64_t lowest_threshold_ns() const;

  const MarkerRingName& name() const { return name_; }
  int64_t fixed_threshold_ns() const { return threshold_ns_; }
  // nullptr: an operation that never had a span.
  Operation* operation(uint32_t number) { return number < operations_.size() ? operations_[number].get() : nullptr; }
  const std::vector<std::unique_ptr<Operation>>& operations() const { return operations_; }
  // Spans that wait, in the order of their ends within a ring; whoever has looked at some takes them out.
  std::vector<Pending>* pending() { return &pending_; }

  bool ended = false;  // its marks come no more

 private:
  Operation* OperationOf(uint32_t number);
  void SetCandidates(Operation* operation) const;

  const MarkerRingName name_;
  int64_t threshold_ns_ = 0;
  int64_t stall_floor_ns_ = INT64_MAX;
  std::vector<std::string> names_ = {""};
  std::vector<std::unique_ptr<Operation>> operations_;
  std::vector<Pending> pending_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_FILE_SPANS_H_
