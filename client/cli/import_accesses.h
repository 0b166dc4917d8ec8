// ImportAccesses: the sampled accesses of memory in a perf.data file: what served them, and which cache lines are contended, by whose code.
// One thread. Bounds are those of TimedRecords, PerfAddressSpaces and ContendedLines.
#ifndef HFTMON_CLIENT_CLI_IMPORT_ACCESSES_H_
#define HFTMON_CLIENT_CLI_IMPORT_ACCESSES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/timed_records.h"
#include "client/cli/unavailable_part.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/memory_load_summary.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_data_reader.h"

namespace hftmon {

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

// Samples of memory that are in no line, or not with certainty.
struct AccessGaps {
  uint64_t guest_count = 0;            // in guests, whose addresses are their own
  uint64_t threadless_count = 0;       // without a thread id
  uint64_t early_drain_count = 0;      // times that more accesses came than TimedRecords holds: their order is the file's there
  uint64_t dropped_mapping_count = 0;  // mappings for which there was no room: places may be missing
};

struct ImportedAccesses {
  std::optional<MemoryLoadSummary> loads;   // absent: Finish said why
  std::optional<ContendedLineTable> table;  // likewise. Its lines are taken out: they are in `lines`
  std::vector<ImportedLine> lines;
  AccessGaps gaps;
};

class ImportAccesses {
 public:
  explicit ImportAccesses(const ContendedLineLimits& limits) : lines_(limits) {}

  // Only samples with a data source matter. `misc`: of the record.
  void AddSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc);
  TimedRecords& records() { return records_; }  // for what tasks did

  // Of all that was added; once. What is absent is appended to `unavailable`.
  ImportedAccesses Finish(const PerfDataSummary& summary, LineOrder order, size_t lines_max, std::vector<UnavailablePart>* unavailable);

 private:
  void Drain();
  std::optional<LinePlace> SharedPlace(const MemoryAccess& access) const;
  std::optional<MappedPlace> PlaceOf(uint32_t pid, uint64_t address, const PerfBuildIds& build_ids) const;
  ImportedLine Placed(ContendedLine line, const PerfBuildIds& build_ids) const;
  std::string WhyNoAccess(const PerfDataSummary& summary) const;
  std::string WhyNoLines() const;

  MemoryLoadSummary loads_;
  ContendedLines lines_;
  PerfAddressSpaces spaces_;
  TimedRecords records_;
  AccessGaps gaps_;
  uint64_t data_source_count_ = 0;  // samples that tell one
  uint64_t access_count_ = 0;       // of them loads and stores
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_ACCESSES_H_
