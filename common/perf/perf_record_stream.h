// PerfRecordStream: the records of a stretch of a file, read in pieces. One thread.
#ifndef HFTMON_COMMON_PERF_PERF_RECORD_STREAM_H_
#define HFTMON_COMMON_PERF_PERF_RECORD_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_record.h"

namespace hftmon {

class PerfRecordStream {
 public:
  // Requires: `bytes` from `at` on are in the source, which outlives it.
  PerfRecordStream(ByteSource* source, uint64_t at, uint64_t bytes) : source_(source), next_at_(at), end_(at + bytes) {}

  // Valid until the next call. No value: that was the last. DATA_LOSS: the stretch ends within a record, or a record's size is none.
  absl::StatusOr<std::optional<PerfRecord>> Next();
  // Passes over bytes that follow the last record and are none. DATA_LOSS: there are not so many.
  absl::Status Skip(uint64_t bytes);
  // Of the last record, in the source.
  uint64_t record_at() const { return record_at_; }

 private:
  static constexpr size_t kBufferBytes = size_t{256} << 10;

  // Has `bytes` from next_at_ on in the buffer.
  absl::Status Fetch(size_t bytes);
  std::span<const std::byte> buffered() const { return std::span(buffer_).subspan(static_cast<size_t>(next_at_ - buffer_at_)); }
  absl::Status Cut() const;

  ByteSource* const source_;
  uint64_t next_at_;
  const uint64_t end_;
  uint64_t record_at_ = 0;
  std::vector<std::byte> buffer_;
  uint64_t buffer_at_ = 0;  // in the source
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_RECORD_STREAM_H_
