#include "common/perf/perf_packed_records.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "common/perf/perf_data_format.h"

namespace hftmon {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;  // many records: the longest is 64 KiB

}  // namespace

absl::Status PerfPackedRecords::Take(std::span<const std::byte> packed, const Tell& tell) {
  if (stream_ == nullptr) {
    absl::StatusOr<std::unique_ptr<ZstdStream>> stream = ZstdStream::Create();
    if (!stream.ok()) return stream.status();
    stream_ = std::move(*stream);
    buffer_.resize(kBufferBytes);
  }
  for (;;) {
    const std::span<std::byte> room = std::span(buffer_).subspan(carried_bytes_);
    absl::StatusOr<size_t> filled = stream_->Unpack(&packed, room);
    if (!filled.ok()) return filled.status();
    unpacked_bytes_ += *filled;
    carried_bytes_ += *filled;
    if (unpacked_bytes_ > PerfDataFormat::kUnpackedBytesMax) {
      return absl::ResourceExhaustedError(
          fmt::format("the compressed records hold more than {} bytes: record for a shorter time", PerfDataFormat::kUnpackedBytesMax));
    }
    if (absl::Status told = TellWhole(tell); !told.ok()) return told;
    if (*filled < room.size()) return absl::OkStatus();
  }
}

absl::Status PerfPackedRecords::TellWhole(const Tell& tell) {
  std::span<const std::byte> bytes = std::span(buffer_).first(carried_bytes_);
  while (bytes.size() >= PerfRecordHeader::kBytes) {
    const PerfRecordHeader header = PerfRecordHeader::Parse(bytes);
    if (header.size < PerfRecordHeader::kBytes) {
      return absl::DataLossError(fmt::format("a compressed record says that it has {} bytes, which is less than its header", header.size));
    }
    const std::optional<PerfRecord> record = FirstPerfRecord(bytes);
    if (!record.has_value()) break;
    if (absl::Status told = tell(*record); !told.ok()) return told;
    bytes = bytes.subspan(header.size);
  }
  carried_bytes_ = bytes.size();
  std::memmove(buffer_.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

absl::Status PerfPackedRecords::Finish() const {
  if (carried_bytes_ == 0) return absl::OkStatus();
  return absl::DataLossError(fmt::format("the compressed records end within one: {} bytes of it are there", carried_bytes_));
}

}  // namespace hftmon
