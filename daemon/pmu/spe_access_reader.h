// SpeAccessReader: the accesses of memory in what Arm's statistical profiling wrote for one thread into its AUX memory.
//
// One thread at a time, no allocation. Whose access it is, is known by whose memory it stood in; on which CPU, by the record that tells of
// the bytes, since the kernel ends one at each switch. Its time is the record's own time stamp, in the kernel's clock for perf; without one
// or without a conversion, when the kernel told of the bytes.
#ifndef HFTMON_DAEMON_PMU_SPE_ACCESS_READER_H_
#define HFTMON_DAEMON_PMU_SPE_ACCESS_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/functional/function_ref.h"
#include "common/memory_access/memory_access.h"
#include "common/perf/perf_aux_records.h"
#include "common/perf/spe_data_source.h"
#include "common/perf/spe_records.h"
#include "daemon/os/perf_aux_ring.h"

namespace hftmon {

class SpeAccessReader {
 public:
  struct Source {
    uint32_t pid = 0;
    uint32_t tid = 0;
    uint64_t interval = 1;  // operations that a sample stands for
    SpeSourceEncoding encoding = SpeSourceEncoding::kUnknown;
    std::optional<PerfTimeConversion> conversion;
  };

  explicit SpeAccessReader(const Source& source) : source_(source) {}

  // Bytes that follow each other in one stretch: the hardware ends each with a whole record, and a record that does not end is counted.
  void Read(const PerfAuxBytes& bytes, absl::FunctionRef<void(const MemoryAccess&)> sink);

  const SpeReadCounts& counts() const { return reader_.counts(); }
  // Loads with a data source of a CPU whose code for it is not known: what served them is told by the events alone.
  uint64_t unread_source_count() const { return unread_source_count_; }

 private:
  void ReadAll(std::span<const std::byte>* bytes, const PerfAux* told, absl::FunctionRef<void(const MemoryAccess&)> sink);

  Source source_;
  SpeRecordReader reader_;
  uint64_t unread_source_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_SPE_ACCESS_READER_H_
