#include "daemon/os/perf_aux_ring.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "common/saturating_sum.h"

namespace hftmon {
namespace {

constexpr size_t kPagesMin = 2;  // below, Arm's driver refuses

std::atomic_ref<uint64_t> Word(std::byte* control, size_t offset) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(control + offset));
}

void Add(uint64_t more, uint64_t* sum) {
  *sum = SaturatingSum(*sum, more);
}

}  // namespace

uint64_t PerfAuxRing::Ask(std::span<std::byte> ring_memory, size_t aux_bytes) {
  const uint64_t offset = ring_memory.size();
  Word(ring_memory.data(), offsetof(perf_event_mmap_page, aux_offset)).store(offset, std::memory_order_relaxed);
  Word(ring_memory.data(), offsetof(perf_event_mmap_page, aux_size)).store(aux_bytes, std::memory_order_relaxed);
  return offset;
}

absl::StatusOr<PerfAuxRing> PerfAuxRing::Over(std::span<std::byte> ring_memory, std::span<const std::byte> aux, size_t page_bytes) {
  if (page_bytes < sizeof(perf_event_mmap_page) || ring_memory.size() < page_bytes || !std::has_single_bit(aux.size()) ||
      aux.size() < kPagesMin * page_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("AUX memory is a power of two of pages, at least {}, behind a ring, not {} bytes with pages of {}: map 2^N pages",
                    kPagesMin, aux.size(), page_bytes));
  }
  const uint64_t offset = Word(ring_memory.data(), offsetof(perf_event_mmap_page, aux_offset)).load(std::memory_order_relaxed);
  const uint64_t size = Word(ring_memory.data(), offsetof(perf_event_mmap_page, aux_size)).load(std::memory_order_relaxed);
  if (offset < ring_memory.size() || size != aux.size()) {
    return absl::FailedPreconditionError(
        fmt::format("the control page has AUX memory of {} bytes from {} on, but {} bytes behind a ring of {} were mapped: ask for those",
                    size, offset, aux.size(), ring_memory.size()));
  }
  return PerfAuxRing(ring_memory.data(), aux, page_bytes);
}

PerfAuxRing::PerfAuxRing(std::byte* control, std::span<const std::byte> data, size_t page_bytes)
    : control_(control), data_(data), page_bytes_(page_bytes) {
  tail_ = Word(control_, offsetof(perf_event_mmap_page, aux_tail)).load(std::memory_order_relaxed);  // nobody else writes it
  head_ = head_at_begin_ = tail_;
}

void PerfAuxRing::Damage(uint64_t bytes) {
  Add(1, &counts_.damage_count);
  Add(bytes, &counts_.damaged_bytes);
}

// Takes in how far was written.
void PerfAuxRing::Look() {
  // Pairs with the kernel's store (2).
  const uint64_t head = Word(control_, offsetof(perf_event_mmap_page, aux_head)).load(std::memory_order_acquire);
  const uint64_t unread_bytes = head - tail_;
  if (unread_bytes > data_.size() || head - tail_ < head_ - tail_) {
    // Behind the tail or behind itself, or beyond what there is room for.
    Damage(0);
    tail_ = head;
    ahead_.reset();
    stopped_ = true;
  }
  head_ = head;
  // The driver leaves less than a page unused where it gives up.
  if (head_ - tail_ >= data_.size() - page_bytes_) stopped_ = true;
}

void PerfAuxRing::Begin() {
  Look();
  head_at_begin_ = head_;
  ahead_is_old_ = ahead_.has_value();
}

// Within the memory, but not yet passed by the head. Requires: its end can be.
bool PerfAuxRing::IsAhead(const PerfAux& record) const {
  return record.offset + record.bytes - tail_ > head_ - tail_;
}

void PerfAuxRing::ReadTo(uint64_t end, const PerfAux* told, Visit visit) {
  const uint64_t bytes = end - tail_;
  if (bytes == 0) return;
  const auto at = static_cast<size_t>(tail_ & (data_.size() - 1));
  const auto before_wrap = static_cast<size_t>(std::min<uint64_t>(bytes, data_.size() - at));
  Add(bytes, &counts_.read_bytes);
  if (told == nullptr) Add(bytes, &counts_.untold_bytes);
  visit({.offset = tail_,
         .first = data_.subspan(at, before_wrap),
         .second = data_.first(static_cast<size_t>(bytes) - before_wrap),
         .told = told});
  tail_ = end;
}

void PerfAuxRing::ReadTold(const PerfAux& record, Visit visit) {
  ReadTo(record.offset, nullptr, visit);
  ReadTo(record.offset + record.bytes, &record, visit);
}

void PerfAuxRing::Take(const PerfAux& record, Visit visit) {
  Add(1, &counts_.record_count);
  if ((record.flags & PerfAux::kTruncated) != 0) Add(1, &counts_.truncated_count);
  if ((record.flags & PerfAux::kPartial) != 0) Add(1, &counts_.partial_count);
  if ((record.flags & PerfAux::kCollision) != 0) Add(1, &counts_.collision_count);
  if ((record.flags & PerfAux::kTruncated) != 0) stopped_ = true;
  Look();
  if (ahead_) {
    // The kernel writes no other before the head has passed this one.
    const PerfAux before = *ahead_;
    ahead_.reset();
    IsAhead(before) ? Damage(before.bytes) : ReadTold(before, visit);
  }
  if (record.bytes == 0) return;
  // What was read is not told of again, and no bytes lie farther than there is room for; nor are any written over here.
  const uint64_t gap_bytes = record.offset - tail_;
  if (gap_bytes > data_.size() || record.bytes > data_.size() - gap_bytes || (record.flags & PerfAux::kOverwrite) != 0) {
    Damage(record.bytes);
    return;
  }
  if (IsAhead(record)) {
    ahead_ = record;
    ahead_is_old_ = false;
    return;
  }
  ReadTold(record, visit);
}

void PerfAuxRing::End(bool all_records, Visit visit) {
  Look();
  if (ahead_ && !IsAhead(*ahead_)) {
    const PerfAux now = *ahead_;
    ahead_.reset();
    ReadTold(now, visit);
  } else if (ahead_ && ahead_is_old_) {
    Damage(ahead_->bytes);
    ahead_.reset();
  }
  // The records of what stood there at the beginning were written before.
  const uint64_t untold_bytes = head_at_begin_ - tail_;
  if (all_records && !ahead_ && untold_bytes <= head_ - tail_) ReadTo(head_at_begin_, nullptr, visit);
  // Pairs with the kernel's load of it before the hardware writes (3).
  Word(control_, offsetof(perf_event_mmap_page, aux_tail)).store(tail_, std::memory_order_release);
}

}  // namespace hftmon
