#include "daemon/markers/operation_book.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "common/marker_ring_layout.h"

namespace hftmon {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

uint64_t SaturatedSum(uint64_t a, uint64_t b) {
  return b > std::numeric_limits<uint64_t>::max() - a ? std::numeric_limits<uint64_t>::max() : a + b;
}

}  // namespace

void OperationFigures::Add(int64_t duration_ns, bool binned) {
  min_ns = count == 0 ? duration_ns : std::min(min_ns, duration_ns);
  max_ns = std::max(max_ns, duration_ns);
  ++count;
  sum_ns = SaturatedSum(sum_ns, static_cast<uint64_t>(duration_ns));
  if (binned) durations.Add(BucketOf(duration_ns), 1);
}

OperationBook::OperationBook(const LinearConversion& ticks, OperationSpanSink* spans, uint64_t since_tsc)
    : multiplier_(ticks.multiplier), spans_(spans), since_tsc_(since_tsc), operations_(1), rings_(HFT_MARKER_THREADS_MAX) {
  assert(multiplier_ != 0);
}

void OperationBook::OnOperation(uint32_t operation, std::string_view name) {
  assert(operation == operations_.size() && operation < HFT_MARKER_OPERATIONS_MAX);
  static_cast<void>(operation);
  operations_.emplace_back().name = std::string(name);
}

void OperationBook::OnRecords(std::span<const MarkerRecord> records) {
  for (const MarkerRecord& record : records) OnRecord(record);
}

uint64_t OperationBook::open_count() const {
  uint64_t count = 0;
  for (const std::unique_ptr<Ring>& ring : rings_) count += ring == nullptr ? 0 : ring->open_count;
  return count;
}

OperationBook::Ring& OperationBook::RingOf(const MarkerRecord& record) {
  std::unique_ptr<Ring>& ring = rings_[record.ring];
  if (ring == nullptr) ring = std::make_unique<Ring>();
  return *ring;
}

void OperationBook::OnRecord(const MarkerRecord& record) {
  Ring& ring = RingOf(record);
  if (record.gap_count != 0) {
    losses_.gap_record_count = SaturatedSum(losses_.gap_record_count, record.gap_count);
    GiveUp(&ring, &losses_.begin_lost_count);
  }
  switch (record.kind) {
    case MarkerKind::kThread:
      GiveUp(&ring, &losses_.begin_unfinished_count);
      return;
    case MarkerKind::kBegin:
      return Begin(record, &ring);
    case MarkerKind::kEnd:
      return End(record, &ring);
    case MarkerKind::kInstant:
      ++operations_[record.operation].instant_count;
      return;
    case MarkerKind::kHeartbeat:
      return Beat(record, &ring);
  }
}

void OperationBook::GiveUp(Ring* ring, uint64_t* count) {
  *count += ring->open_count;
  ring->open_count = 0;
  ring->beat_count = 0;
}

// The innermost first: it is the one that ends, as a rule.
uint32_t OperationBook::FindOpen(const MarkerRecord& record, const Ring& ring) {
  for (uint32_t i = ring.open_count; i > 0; --i) {
    const Open& open = ring.open[i - 1];
    if (open.operation == record.operation && open.value == record.value) return i - 1;
  }
  return kNone;
}

void OperationBook::Remove(uint32_t at, Ring* ring) {
  std::copy(ring->open.begin() + at + 1, ring->open.begin() + ring->open_count, ring->open.begin() + at);
  --ring->open_count;
}

void OperationBook::Begin(const MarkerRecord& record, Ring* ring) {
  if (const uint32_t at = FindOpen(record, *ring); at != kNone) {
    ++losses_.begin_replaced_count;
    Remove(at, ring);
  } else if (ring->open_count == kOpenMax) {
    ++losses_.begin_evicted_count;
    Remove(0, ring);
  }
  ring->open[ring->open_count++] = {.tsc = record.tsc, .value = record.value, .operation = record.operation};
}

void OperationBook::End(const MarkerRecord& record, Ring* ring) {
  const uint32_t at = FindOpen(record, *ring);
  if (at == kNone) {
    ++losses_.end_without_begin_count;
    return;
  }
  const OperationSpan span = SpanOf(record, ring->open[at].tsc);
  Remove(at, ring);
  OperationEntry& entry = operations_[record.operation];
  entry.spans.Add(span.duration_ns, span.operation < kBinnedMax);
  entry.error_count += record.error;
  entry.recent_count += span.begin_tsc >= since_tsc_;
  spans_->OnSpan(span);
}

void OperationBook::Beat(const MarkerRecord& record, Ring* ring) {
  // From the latest on: of a loop with one heartbeat it is the only one.
  uint32_t at = ring->beat_count;
  while (at > 0 && ring->beats[at - 1].operation != record.operation) --at;
  if (at > 0) {
    --at;
    OperationSpan span = SpanOf(record, ring->beats[at].tsc);
    span.heartbeat = true;
    operations_[record.operation].heartbeats.Add(span.duration_ns, record.operation < kBinnedMax);
    spans_->OnSpan(span);
  } else if (ring->beat_count == kBeatsMax) {
    ++losses_.beat_evicted_count;
  } else {
    at = ring->beat_count++;
  }
  // The oldest makes room where there is none.
  std::copy(ring->beats.begin() + at + 1, ring->beats.begin() + ring->beat_count, ring->beats.begin() + at);
  ring->beats[ring->beat_count - 1] = {.tsc = record.tsc, .operation = record.operation};
}

OperationSpan OperationBook::SpanOf(const MarkerRecord& record, uint64_t begin_tsc) const {
  __extension__ typedef unsigned __int128 Uint128;
  // Time stamps of a ring do not fall: MarkerRecord's contract.
  const uint64_t duration_tsc = record.tsc - begin_tsc;
  const Uint128 duration_ns = (static_cast<Uint128>(duration_tsc) * multiplier_) >> LinearConversion::kShift;
  constexpr auto kLongest = static_cast<Uint128>(std::numeric_limits<int64_t>::max());
  return {.begin_tsc = begin_tsc,
          .duration_tsc = duration_tsc,
          .duration_ns = static_cast<int64_t>(std::min(duration_ns, kLongest)),
          .value = record.value,
          .operation = record.operation,
          .tid = record.tid,
          .ring = record.ring,
          .heartbeat = false,
          .error = record.error};
}

}  // namespace hftmon
