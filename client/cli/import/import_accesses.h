// ImportAccesses: the sampled accesses of memory in a perf.data file: what served them, and which cache lines are contended, by whose code.
// One thread. Bounds are those of TimedRecords, PerfAddressSpaces and ContendedLines.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_ACCESSES_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_ACCESSES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/import/mapped_place.h"
#include "client/cli/import/timed_records.h"
#include "client/cli/import/unavailable_part.h"
#include "client/cli/placed_line.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/memory_load_summary.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_data_reader.h"

namespace hftmon {

// Samples of memory that are in no line, or not with certainty.
struct AccessGaps {
  uint64_t guest_count = 0;            // in guests, whose addresses are their own
  uint64_t threadless_count = 0;       // without a thread id; of a hardware trace: of which thread or process it is is not told
  uint64_t early_drain_count = 0;      // times that more accesses came than TimedRecords holds: their order is the file's there
  uint64_t dropped_task_count = 0;     // mappings, execs and forks for which there was no room: places may be missing or wrong
  uint64_t changed_place_count = 0;    // addresses that were another file's at another time: they are not named
  uint64_t unplaced_access_count = 0;  // of more addresses than PlaceBook holds: they are not named
};

struct ImportedAccesses {
  std::optional<MemoryLoadSummary> loads;   // absent: Finish said why
  std::optional<ContendedLineTable> table;  // likewise. Its lines are taken out: they are in `lines`
  std::vector<PlacedLine> lines;
  AccessGaps gaps;
};

class ImportAccesses {
 public:
  explicit ImportAccesses(const ContendedLineLimits& limits) : line_bytes_(limits.line_bytes), lines_(limits) {}

  // Only samples with a data source matter. `misc`: of the record.
  void AddSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc);
  // Of a hardware trace, by time, once all tasks are in records(). Without `has_thread` pid and tid say nothing.
  void AddTraced(const MemoryAccess& access, bool has_thread);
  TimedRecords& records() { return records_; }  // for what tasks did

  // Of all that was added; once. What is absent is appended to `unavailable`.
  ImportedAccesses Finish(const PerfDataSummary& summary, LineOrder order, size_t lines_max, std::vector<UnavailablePart>* unavailable);

 private:
  bool IsInLines(const MemoryAccess& access, bool of_guest, bool has_thread);
  void Drain();
  void Take(const MemoryAccess& access);
  PlacedLine Placed(ContendedLine line, const PerfBuildIds& build_ids) const;
  std::string WhyNoAccess(const PerfDataSummary& summary) const;
  std::string WhyNoLines() const;

  struct CodeAddress {
    auto operator<=>(const CodeAddress&) const = default;
    template <typename H>
    friend H AbslHashValue(H hash, const CodeAddress& code) {
      return H::combine(std::move(hash), code.pid, code.address);
    }
    uint32_t pid = 0;
    uint64_t address = 0;
  };

  const uint64_t line_bytes_;
  MemoryLoadSummary loads_;
  ContendedLines lines_;
  PerfAddressSpaces spaces_;
  PlaceBook<CodeAddress> code_;
  PlaceBook<LinePlace> data_;  // by the line's first byte, of contended accesses
  TimedRecords records_;
  AccessGaps gaps_;
  uint64_t data_source_count_ = 0;  // samples that tell one
  uint64_t traced_count_ = 0;       // operations of a hardware trace
  uint64_t access_count_ = 0;       // of both loads and stores
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_ACCESSES_H_
