#include "common/perf/perf_record_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {

absl::Status PerfRecordStream::Cut() const {
  return absl::DataLossError(fmt::format("the recording ends at byte {}, within this", end_));
}

absl::Status PerfRecordStream::Fetch(size_t bytes) {
  const uint64_t buffer_end = buffer_at_ + buffer_.size();
  if (next_at_ >= buffer_at_ && next_at_ <= buffer_end && buffer_end - next_at_ >= bytes) return absl::OkStatus();
  buffer_at_ = next_at_;
  buffer_.resize(static_cast<size_t>(std::min<uint64_t>(kBufferBytes, end_ - next_at_)));
  return source_->ReadAt(buffer_at_, buffer_);
}

absl::StatusOr<std::optional<PerfRecord>> PerfRecordStream::Next() {
  record_at_ = next_at_;
  const uint64_t left = end_ - next_at_;
  if (left == 0) return std::nullopt;
  if (left < PerfRecordHeader::kBytes) return Cut();
  if (absl::Status fetched = Fetch(PerfRecordHeader::kBytes); !fetched.ok()) return fetched;
  const PerfRecordHeader header = PerfRecordHeader::Parse(buffered());
  if (header.size < PerfRecordHeader::kBytes) {
    return absl::DataLossError(fmt::format("its size of {} bytes is less than its header", header.size));
  }
  if (header.size > left) return Cut();
  if (absl::Status fetched = Fetch(header.size); !fetched.ok()) return fetched;
  const std::optional<PerfRecord> record = FirstPerfRecord(buffered());
  next_at_ += header.size;
  return record;
}

absl::Status PerfRecordStream::Skip(uint64_t bytes) {
  if (bytes > end_ - next_at_) return Cut();
  next_at_ += bytes;
  return absl::OkStatus();
}

}  // namespace hftmon
