#include "daemon/ring/record_ring.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <limits>

#include "daemon/ring/shared_word.h"

namespace hftmon {

namespace {

bool IsHeadRecord(uint8_t type) {
  return type >= HFT_RECORD_SWITCH_IN && type < HFT_RECORD_TYPES && type != HFT_RECORD_RUNNERS && type != HFT_RECORD_INTERRUPTIONS;
}

bool IsContinuation(uint8_t type) {
  return type == HFT_RECORD_RUNNERS || type == HFT_RECORD_INTERRUPTIONS;
}

uint32_t SequenceOf(uint64_t index) {
  return static_cast<uint32_t>(index + 1);
}

}  // namespace

RecordRing::RecordRing(std::byte* memory, uint32_t cells, uint16_t cpu, int64_t begin_mono_ns, uint64_t first_index)
    : cells_(memory + sizeof(hft_ring_header)),
      kernel_head_(reinterpret_cast<__u64*>(memory + offsetof(hft_ring_header, head))),
      mask_(cells - 1),
      head_(first_index),
      tail_(first_index),
      cpu_(cpu),
      last_good_mono_ns_(begin_mono_ns) {
  assert(cells >= 32 && (cells & (cells - 1)) == 0);
}

hft_record_header* RecordRing::HeaderAt(uint64_t index) const {
  return reinterpret_cast<hft_record_header*>(cells_ + (index & mask_) * HFT_RECORD_BYTES);
}

// Acquire: pairs with the writer's publishing exchange, so the payload is there. An index whose sequence is 0 never counts as published.
bool RecordRing::IsPublished(uint64_t index) const {
  const uint32_t expected = SequenceOf(index);
  return expected != 0 && LoadAcquire(HeaderAt(index)->sequence) == expected;
}

bool RecordRing::RefreshHead() {
  // Acquire: no load of a later look may be taken before this one; the merger's order of looks rests on it.
  const uint64_t head = LoadAcquire(*kernel_head_);
  if (static_cast<int64_t>(head - head_) <= 0) return false;
  head_ = head;
  return true;
}

bool RecordRing::CopyCell(uint64_t index, void* out) const {
  static_assert(HFT_RECORD_BYTES % sizeof(uint64_t) == 0);
  auto* from = reinterpret_cast<__u64*>(HeaderAt(index));
  auto* to = static_cast<std::byte*>(out);
#pragma GCC unroll 16
  for (size_t i = 0; i < HFT_RECORD_BYTES / sizeof(uint64_t); ++i) {
    const __u64 word = LoadRelaxed(from[i]);
    std::memcpy(to + i * sizeof(uint64_t), &word, sizeof(word));
  }
  // Keeps the copy above the second look at the sequence; pairs with the exchange by which a writer opens the cell again.
  std::atomic_thread_fence(std::memory_order_acquire);
  return LoadRelaxed(HeaderAt(index)->sequence) == SequenceOf(index);
}

void RecordRing::Lose(uint64_t cells) {
  if (cells == 0) return;
  if (!has_loss()) pending_.begin_mono_ns = last_good_mono_ns_;
  tail_ += cells;
  lost_count_ += cells;
  pending_.lost_count += cells;
}

void RecordRing::Stick(uint64_t cells) {
  if (cells == 0) return;
  if (!has_loss()) pending_.begin_mono_ns = last_good_mono_ns_;
  tail_ += cells;
  stuck_count_ += cells;
  pending_.stuck_count += cells;
}

bool RecordRing::SkipIfOverrun() {
  RefreshHead();
  const uint64_t cells = mask_ + 1;
  if (head_ - tail_ <= cells) return false;
  // A quarter of the ring ahead of the writers: else the next record would be overwritten under the reader's hands again.
  continuation_given_up_ = false;
  Lose(head_ - (cells - cells / 4) - tail_);
  return true;
}

RecordRing::State RecordRing::Peek() {
  const uint64_t cells = mask_ + 1;
  // Each turn but the last passes at least one cell below the head.
  while (tail_ != head_) {
    if (head_ - tail_ > cells || !IsPublished(tail_)) {
      if (SkipIfOverrun()) continue;
      return State::kUnpublished;
    }
    hft_record_header* header = HeaderAt(tail_);
    const uint8_t type = LoadRelaxed(header->type);
    const uint8_t announced = LoadRelaxed(header->continuation);
    const int64_t mono_ns = static_cast<int64_t>(LoadRelaxed(header->mono_ns));
    // Keeps these loads above the second look; pairs as in CopyCell. It also keeps them above the merger's next look at other heads.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (LoadRelaxed(header->sequence) != SequenceOf(tail_)) {
      if (SkipIfOverrun()) continue;
      return State::kUnpublished;
    }
    if (!IsHeadRecord(type)) {
      Lose(1);  // the continuation of a record that is gone
      continue;
    }
    first_mono_ns_ = mono_ns;
    first_announced_ = announced;
    if (announced == 0 || continuation_given_up_) return State::kReady;
    const State state = PeekContinuation(announced);
    if (state != State::kEmpty) return state;
  }
  return State::kEmpty;
}

// kEmpty here: an overrun took the whole record, look again.
RecordRing::State RecordRing::PeekContinuation(uint8_t announced) {
  const uint64_t wanted = std::min<uint64_t>(announced, kContinuationCellsMax);
  for (uint64_t i = 1; i <= wanted; ++i) {
    if (IsPublished(tail_ + i)) continue;
    return SkipIfOverrun() ? State::kEmpty : State::kUnpublished;
  }
  return State::kReady;
}

int RecordRing::CopyContinuation(RingRecord* out) {
  const int wanted = std::min<int>(first_announced_, kContinuationCellsMax);
  for (int i = 0; i < wanted; ++i) {
    const uint64_t index = tail_ + 1 + static_cast<uint64_t>(i);
    const bool whole = IsPublished(index) && CopyCell(index, &out->continuation[i]);
    if (!whole || !IsContinuation(out->continuation[i].header.type)) return i;
  }
  return wanted;
}

bool RecordRing::Consume(RingRecord* out) {
  if (!CopyCell(tail_, &out->header)) {
    SkipIfOverrun();
    return false;
  }
  int copied = 0;
  if (first_announced_ != 0) {
    copied = CopyContinuation(out);
    RefreshHead();
  }
  out->continuation_count = static_cast<uint8_t>(copied);
  const uint64_t missing =
      std::min<uint64_t>(first_announced_ - static_cast<uint64_t>(copied), head_ - tail_ - 1 - static_cast<uint64_t>(copied));
  out->continuation_incomplete = copied != first_announced_;
  tail_ += 1 + static_cast<uint64_t>(copied);
  delivered_count_ += 1 + static_cast<uint64_t>(copied);
  last_good_mono_ns_ = std::max(last_good_mono_ns_, first_mono_ns_);
  if (missing != 0) {
    if (continuation_given_up_) {
      Stick(missing);
    } else {
      Lose(missing);
    }
  }
  continuation_given_up_ = false;
  return true;
}

void RecordRing::SkipStuck() {
  if (IsPublished(tail_)) {
    continuation_given_up_ = true;  // the record itself is whole: deliver it without what is missing
    return;
  }
  Stick(1);
}

int64_t RecordRing::NewestMonoNs() const {
  const uint64_t newest = head_ - 1;
  if (!IsPublished(newest)) return std::numeric_limits<int64_t>::min();
  hft_record_header* header = HeaderAt(newest);
  const int64_t mono_ns = static_cast<int64_t>(LoadRelaxed(header->mono_ns));
  // Keeps the load above the second look and above the merger's next look at other heads.
  std::atomic_thread_fence(std::memory_order_acquire);
  return LoadRelaxed(header->sequence) == SequenceOf(newest) ? mono_ns : std::numeric_limits<int64_t>::min();
}

bool RecordRing::TakeLoss(int64_t end_mono_ns, RingLoss* out) {
  if (!has_loss()) return false;
  *out = pending_;
  out->cpu = cpu_;
  out->end_mono_ns = std::max(end_mono_ns, pending_.begin_mono_ns);
  pending_ = RingLoss{};
  return true;
}

}  // namespace hftmon
