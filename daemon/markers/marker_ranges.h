// MarkerRanges: the memory that a program names in one marker file, believed as far as it can be.
//
// Any thread. Reads the open file by pread, never by a mapping, and waits for nobody: README.md. The ranges are the program's word: that it
// has such memory is not known here. They may be handed to a look at the memory of that very process, and to nothing else.
// Bounds: HFT_MARKER_RANGES_MAX ranges; kMarkerRangeCopiesMax copies of their entries.
// Invariants: 1. What is told was written whole by the program (the layout's seqlock). 2. A told range begins and ends within
// HFT_MARKER_ADDRESS_END, does not wrap, has 1 to HFT_MARKER_RANGE_BYTES_MAX bytes and a name that is valid UTF-8 without control
// characters.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_RANGES_H_
#define HFTMON_DAEMON_MARKERS_MARKER_RANGES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/marker_ring_layout.h"
#include "daemon/markers/open_marker_file.h"

namespace hftmon {

struct ProgramRange {
  bool operator==(const ProgramRange&) const = default;

  uint64_t address = 0;
  uint64_t bytes = 0;
  std::string name;
};

struct MarkerRanges {
  std::vector<ProgramRange> ranges;  // in the file's order
  uint64_t refused_count = 0;        // entries whose address, length or name cannot be
  uint64_t unfinished_count = 0;     // entries that were being written, or whose writer stopped half way
};

// Of two copies of the entries, the second made after the first, as long as each other. Pure.
MarkerRanges CheckMarkerRanges(std::span<const hft_marker_range> first, std::span<const hft_marker_range> second);

// Copies until no entry is being written, kMarkerRangeCopiesMax times at most. None of a file whose version has none. DATA_LOSS: the file
// is shorter than it was.
inline constexpr int kMarkerRangeCopiesMax = 4;
absl::StatusOr<MarkerRanges> ReadMarkerRanges(const OpenMarkerFile& file);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_RANGES_H_
