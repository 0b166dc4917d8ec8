// PerfPackedRecords: the records inside COMPRESSED ones. All of a file are one zstd stream, and a record may straddle two of them. One
// thread. Bounded: one record carried over, a buffer of 1 MiB, and PerfDataFormat::kUnpackedBytesMax in all.
#ifndef HFTMON_COMMON_PERF_PERF_PACKED_RECORDS_H_
#define HFTMON_COMMON_PERF_PERF_PACKED_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/perf/perf_record.h"
#include "common/perf/zstd_stream.h"

namespace hftmon {

class PerfPackedRecords {
 public:
  using Tell = std::function<absl::Status(const PerfRecord&)>;

  // Tells each record that is whole by now. DATA_LOSS: damaged; RESOURCE_EXHAUSTED: beyond the bound; ZstdStream's, and whatever `tell`
  // says.
  absl::Status Take(std::span<const std::byte> packed, const Tell& tell);
  // After the last: DATA_LOSS where a record is not whole.
  absl::Status Finish() const;

 private:
  absl::Status TellWhole(const Tell& tell);

  std::unique_ptr<ZstdStream> stream_;  // from the first packed byte on
  std::vector<std::byte> buffer_;
  size_t carried_bytes_ = 0;  // at the front of the buffer, the beginning of a record
  uint64_t unpacked_bytes_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_PACKED_RECORDS_H_
