// PerfDataHeader: where in a perf.data file its parts are, checked against its size; and its events and features, which stand there. One
// thread. Errors are ReadPerfData's.
#ifndef HFTMON_COMMON_PERF_PERF_DATA_HEADER_H_
#define HFTMON_COMMON_PERF_PERF_DATA_HEADER_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_event_table.h"
#include "common/perf/perf_features.h"

namespace hftmon {

struct PerfSection {
  uint64_t at = 0;
  uint64_t bytes = 0;

  uint64_t end() const { return at + bytes; }
};

struct PerfDataHeader {
  bool pipe = false;  // then it has records alone
  PerfSection data;   // the records
  PerfSection attrs;
  uint64_t attr_entry_bytes = 0;
  std::array<uint64_t, 4> feature_bits{};
};

absl::StatusOr<PerfDataHeader> ReadPerfDataHeader(ByteSource& source);

// Of a file, not of a pipe's.
absl::Status ReadPerfEvents(ByteSource& source, const PerfDataHeader& header, PerfEventTable* events);
absl::Status ReadPerfFeatures(ByteSource& source, const PerfDataHeader& header, PerfFeatures* features);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_DATA_HEADER_H_
