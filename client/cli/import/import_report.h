// ImportReport: what a perf.data file that was recorded elsewhere says. A value, and the function that reads it; one thread.
//
// All names in it are bytes of the file: whoever prints them makes them printable.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_REPORT_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/import/import_accesses.h"
#include "client/cli/import/import_stats.h"
#include "client/cli/import/import_trace.h"
#include "client/cli/import/unavailable_part.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_data_reader.h"

namespace hftmon {

struct ImportOptions {
  LineOrder order = LineOrder::kCycles;
  size_t lines_max = 20;
  uint32_t line_bytes = 64;  // as ContendedLineLimits allows
};

struct ImportReport {
  PerfDataSummary summary;
  ImportedAccesses accesses;           // those of a hardware trace among them
  std::optional<ImportedTrace> trace;  // absent: there is none, or `unavailable` says why it is not read
  std::vector<ImportedStat> stats;     // by event, CPU, thread
  uint64_t dropped_stats = 0;          // beyond ImportStats::kStatsMax
  uint64_t lost_of_no_event = 0;       // records that found no room, beside those in the events' own counts; and samples that were dropped:
  uint64_t lost_samples_of_no_event = 0;             // the two are no sum (PerfEvent)
  std::vector<UnavailablePart> unavailable;          // of all parts
  std::vector<UnavailablePart> symbols_unavailable;  // by mapping, in the lines' order; the first kSymbolReasonsMax of them,
  uint64_t symbols_unavailable_left_out = 0;         // and how many more there are

  static constexpr size_t kSymbolReasonsMax = 20;
};

// The whole file once, and then the bytes of its hardware trace. Errors are ReadPerfData's. `options.line_bytes` is one that
// ContendedLineLimits allows.
absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_REPORT_H_
