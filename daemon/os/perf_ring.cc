#include "daemon/os/perf_ring.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>

#include "common/perf/little_endian.h"
#include "common/saturating_sum.h"

namespace hftmon {
namespace {

constexpr size_t kAlignment = 8;  // of every record, so that no header wraps
constexpr size_t kRecordBytesMax = size_t{std::numeric_limits<uint16_t>::max()} + 1;

std::atomic_ref<uint64_t> Word(std::byte* control, size_t offset) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(control + offset));
}

void Add(uint64_t more, uint64_t* sum) {
  *sum = SaturatingSum(*sum, more);
}

}  // namespace

absl::StatusOr<PerfRing> PerfRing::Over(std::span<std::byte> memory, size_t page_bytes) {
  if (page_bytes < sizeof(perf_event_mmap_page) || memory.size() <= page_bytes || !std::has_single_bit(memory.size() - page_bytes) ||
      memory.size() - page_bytes < kAlignment || reinterpret_cast<uintptr_t>(memory.data()) % kAlignment != 0) {
    return absl::InvalidArgumentError(
        fmt::format("a ring of perf records is a page and a power of two of bytes, not {} bytes with pages of {}: map 1 + 2^N pages",
                    memory.size(), page_bytes));
  }
  const std::span<std::byte> data = memory.subspan(page_bytes);
  // Kernels before 4.1 do not say.
  const uint64_t offset = Word(memory.data(), offsetof(perf_event_mmap_page, data_offset)).load(std::memory_order_relaxed);
  const uint64_t size = Word(memory.data(), offsetof(perf_event_mmap_page, data_size)).load(std::memory_order_relaxed);
  if ((offset != 0 || size != 0) && (offset != page_bytes || size != data.size())) {
    return absl::FailedPreconditionError(
        fmt::format("the kernel's ring of perf records has {} bytes from {} on, but {} from {} on were mapped: this kernel is not "
                    "understood",
                    size, offset, data.size(), page_bytes));
  }
  return PerfRing(memory.data(), data);
}

PerfRing::PerfRing(std::byte* control, std::span<std::byte> data)
    : control_(control), data_(data), wrapped_(std::min(kRecordBytesMax, data.size())) {
  tail_ = Word(control_, offsetof(perf_event_mmap_page, data_tail)).load(std::memory_order_relaxed);  // nobody else writes it
}

std::optional<PerfRecord> PerfRing::RecordAtTail(uint64_t unread_bytes) {
  const auto at = static_cast<size_t>(tail_ & (data_.size() - 1));
  const std::span<const std::byte> begin = data_.subspan(at);
  const PerfRecordHeader header = PerfRecordHeader::Parse(begin);
  if (header.size < PerfRecordHeader::kBytes || header.size % kAlignment != 0 || header.size > unread_bytes) return std::nullopt;
  std::span<const std::byte> whole = begin;
  if (header.size > begin.size()) {
    std::memcpy(wrapped_.data(), begin.data(), begin.size());
    std::memcpy(wrapped_.data() + begin.size(), data_.data(), header.size - begin.size());
    whole = wrapped_;
  }
  return PerfRecord{.header = header, .body = whole.first(header.size).subspan(PerfRecordHeader::kBytes)};
}

void PerfRing::CountLosses(const PerfRecord& record) {
  // LOST: id, count; LOST_SAMPLES: count.
  const bool records = record.header.Is(PerfRecordType::kLost);
  if (!records && !record.header.Is(PerfRecordType::kLostSamples)) return;
  const size_t at = records ? sizeof(uint64_t) : 0;
  if (record.body.size() < at + sizeof(uint64_t)) {
    Add(1, &counts_.damage_count);
    return;
  }
  Add(LoadLittleEndian<uint64_t>(record.body, at), records ? &counts_.lost_count : &counts_.dropped_count);
}

size_t PerfRing::Drain(size_t records_max, absl::FunctionRef<void(const PerfRecord&)> visit) {
  // Pairs with the kernel's barrier before it stores the head (2).
  const uint64_t head = Word(control_, offsetof(perf_event_mmap_page, data_head)).load(std::memory_order_acquire);
  size_t count = 0;
  // A head behind the tail is as far before it as can be.
  if (head - tail_ > data_.size() || (head | tail_) % kAlignment != 0) {
    if (head != tail_) Add(1, &counts_.damage_count);
    tail_ = head;
  }
  while (tail_ != head && count < records_max) {
    const std::optional<PerfRecord> record = RecordAtTail(head - tail_);
    if (!record) {
      Add(1, &counts_.damage_count);
      Add(head - tail_, &counts_.damaged_bytes);
      tail_ = head;
      break;
    }
    ++counts_.record_count;
    ++count;
    CountLosses(*record);
    visit(*record);
    tail_ += record->header.size;
  }
  // Pairs with the kernel's load of it before it writes (3).
  Word(control_, offsetof(perf_event_mmap_page, data_tail)).store(tail_, std::memory_order_release);
  return count;
}

}  // namespace hftmon
