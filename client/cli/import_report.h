// ImportReport: what a perf.data file that was recorded elsewhere says. Values, and the function that reads them; one thread.
//
// All names in it are bytes of the file: whoever prints them makes them printable.
#ifndef HFTMON_CLIENT_CLI_IMPORT_REPORT_H_
#define HFTMON_CLIENT_CLI_IMPORT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/memory_load_summary.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_data_reader.h"

namespace hftmon {

struct ImportOptions {
  LineOrder order = LineOrder::kCycles;
  size_t lines_max = 20;
  uint32_t line_bytes = 64;  // as ContendedLineLimits allows
};

// What is mapped at an address by the end of the recording: perf does not record what is unmapped.
struct MappedPlace {
  std::string mapping;
  uint64_t file_offset = 0;  // of no meaning where `kernel`: there perf writes other things
  bool kernel = false;
  std::string build_id;               // bytes, as recorded: NULs at its end may be filling; empty: not told
  bool build_id_ambiguous = false;    // not told, because files of that name differ
  std::optional<std::string> symbol;  // "engine::Match()+0x12"; absent until NameSymbols, and where it finds none
};

struct ImportedLine {
  ContendedLine line;
  std::optional<MappedPlace> data;
  std::vector<std::optional<MappedPlace>> code;  // of line.sites, one each
};

// One count of `perf stat record`, of the whole run.
struct ImportedStat {
  size_t event = 0;             // of summary.events
  int32_t cpu = -1;             // -1: of all
  uint32_t thread = 0;          // which of those asked for
  std::optional<double> value;  // in the event's unit; estimated where multiplexed. Absent: `reason`
  uint64_t raw_value = 0;       // as it was counted; says nothing where running_ns is 0
  bool multiplexed = false;     // it counted for running_ns of enabled_ns, and the value is scaled to all of it
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  std::string reason;  // why there is no value, or why it is not scaled
};

struct UnavailablePart {
  std::string name;
  std::string reason;
};

struct ImportReport {
  PerfDataSummary summary;
  std::optional<MemoryLoadSummary> loads;   // absent: `unavailable` says why
  std::optional<ContendedLineTable> table;  // its lines are taken out: they are in `lines`
  std::vector<ImportedLine> lines;
  std::vector<ImportedStat> stats;   // by event, CPU, thread
  uint64_t dropped_stats = 0;        // beyond kStatsMax
  uint64_t dropped_mappings = 0;     // for which there was no room: places may be missing
  uint64_t lost_of_no_event = 0;     // records or samples, beside those in the events' own counts
  uint64_t early_drain_count = 0;    // times that more accesses came than TimedRecords holds: their order is the file's there
  uint64_t guest_accesses = 0;       // samples of memory in guests: in no line
  uint64_t threadless_accesses = 0;  // samples of memory without a thread id: in no line
  std::vector<UnavailablePart> unavailable;
  std::vector<UnavailablePart> symbols_unavailable;  // by mapping, in the lines' order; the first kSymbolReasonsMax of them,
  uint64_t symbols_unavailable_left_out = 0;         // and how many more there are

  static constexpr size_t kStatsMax = 100'000;
  static constexpr size_t kSymbolReasonsMax = 20;
};

// Errors are ReadPerfData's. `options.line_bytes` is one that ContendedLineLimits allows.
absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options);

// What keeps the report from being the whole truth: "<what>: <cause>: <mend>", one each.
std::vector<std::string> WarningsOf(const ImportReport& report);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_REPORT_H_
