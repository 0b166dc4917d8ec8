#include "daemon/operations/file_spans.h"

#include <algorithm>

namespace hftmon {

void FileSpans::OnOperation(uint32_t operation, std::string_view name) {
  if (operation >= kOperationsMax) return;
  if (names_.size() <= operation) names_.resize(operation + 1);
  names_[operation] = name;
}

FileSpans::Operation* FileSpans::OperationOf(uint32_t number) {
  if (number >= kOperationsMax) return nullptr;
  if (operations_.size() <= number) operations_.resize(number + 1);
  std::unique_ptr<Operation>& place = operations_[number];
  if (place == nullptr) {
    place = std::make_unique<Operation>();
    if (number < names_.size()) place->name = names_[number];
    SetCandidates(place.get());
  }
  return place.get();
}

void FileSpans::SetCandidates(Operation* operation) const {
  operation->slowness.threshold_ns = threshold_ns_ > 0 ? threshold_ns_ : operation->spans.threshold_ns();
  operation->slowness.gap_threshold_ns = threshold_ns_ > 0 ? threshold_ns_ : operation->gaps.threshold_ns();
  const auto candidate = [this](int64_t threshold_ns) {
    return threshold_ns < 0 ? stall_floor_ns_ : std::min(threshold_ns, stall_floor_ns_);
  };
  operation->candidate_ns = candidate(operation->slowness.threshold_ns);
  operation->gap_candidate_ns = candidate(operation->slowness.gap_threshold_ns);
}

void FileSpans::SetWishes(int64_t threshold_ns, int64_t stall_floor_ns) {
  if (threshold_ns == threshold_ns_ && stall_floor_ns == stall_floor_ns_) return;
  threshold_ns_ = threshold_ns;
  stall_floor_ns_ = stall_floor_ns;
  for (const std::unique_ptr<Operation>& operation : operations_) {
    if (operation != nullptr) SetCandidates(operation.get());
  }
}

int64_t FileSpans::lowest_threshold_ns() const {
  int64_t lowest_ns = INT64_MAX;
  for (const std::unique_ptr<Operation>& operation : operations_) {
    if (operation == nullptr) continue;
    for (const int64_t threshold_ns : {operation->slowness.threshold_ns, operation->slowness.gap_threshold_ns}) {
      if (threshold_ns > 0) lowest_ns = std::min(lowest_ns, threshold_ns);
    }
  }
  return lowest_ns;
}

void FileSpans::OnSpan(const OperationSpan& span, const LinearConversion& ticks) {
  Operation* const operation = OperationOf(span.operation);
  if (operation == nullptr) return;
  OperationBaseline& baseline = span.heartbeat ? operation->gaps : operation->spans;
  const bool anew = baseline.Add(span.duration_ns);
  if (span.duration_ns > (span.heartbeat ? operation->gap_candidate_ns : operation->candidate_ns)) {
    const int64_t threshold_ns = span.heartbeat ? operation->slowness.gap_threshold_ns : operation->slowness.threshold_ns;
    const bool slow = threshold_ns > 0 && span.duration_ns > threshold_ns;
    if (pending_.size() < kPendingMax) {
      pending_.push_back({.span = span,
                          .start_mono_ns = ticks.ToNs(span.begin_tsc),
                          .slow = slow,
                          .adaptive = threshold_ns_ == 0,
                          .threshold_ns = threshold_ns,
                          .usual_ns = baseline.usual_ns()});
    } else {
      ++operation->slowness.uncompared_count;
      operation->slowness.untold_count += slow ? 1 : 0;
    }
  }
  if (anew) SetCandidates(operation);  // after it was judged: by what was usual before
}

}  // namespace hftmon
