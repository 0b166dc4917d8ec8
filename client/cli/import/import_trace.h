// ImportTrace: the hardware trace of a perf.data file: Arm SPE's is read as sampled accesses of memory, others are told as not decoded. One
// thread. Bounds are those of SpeTrace and TraceThreads.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_TRACE_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_TRACE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "client/cli/import/import_accesses.h"
#include "client/cli/import/trace_threads.h"
#include "client/cli/import/unavailable_part.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_data_reader.h"
#include "common/perf/spe_trace.h"

namespace hftmon {

// An Arm SPE trace that was read.
struct ImportedTrace {
  uint64_t bytes = 0;
  SpeTraceCounts counts;                // counts.read.records = accesses + other_operations
  uint64_t accesses = 0;                // loads and stores
  uint64_t other_operations = 0;        // branches and the rest, which are in no table
  uint64_t without_own_time = 0;        // accesses that are placed by when the kernel handed them over, or not at all in time
  std::optional<uint64_t> interval;     // operations that each sample stands for; absent: not told, each stands for itself
  uint64_t dropped_thread_records = 0;  // switches and births beyond what is kept: threads may be missing or wrong
};

class ImportTrace {
 public:
  TraceThreads& threads() { return threads_; }  // for what tasks did and when
  void OnInfo(const PerfAuxtraceInfo& info);
  void OnTrace(const PerfAuxtrace& trace, uint64_t bytes_at) { spe_.OnTrace(trace, bytes_at); }
  void OnAux(const PerfAux& aux) { spe_.OnAux(aux); }
  void OnTimeConversion(const PerfTimeConversion& conversion) { spe_.OnTimeConversion(conversion); }

  // Once, after the whole file was read: adds the accesses. Errors are the source's.
  absl::Status Read(ByteSource& source, const PerfDataSummary& summary, ImportAccesses* accesses);
  // Absent: there is none, or it is not read: then `unavailable` says why.
  std::optional<ImportedTrace> Finish(const PerfDataSummary& summary, std::vector<UnavailablePart>* unavailable) const;

 private:
  SpeTrace spe_;
  TraceThreads threads_;
  std::optional<uint32_t> other_type_;  // of a trace that is not SPE's
  ImportedTrace trace_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_TRACE_H_
