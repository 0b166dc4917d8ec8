// ProgramRanges: the memory that a process names through its marker files, and why it is not all there.
//
// Any thread; nothing is kept between two calls, and nothing of the thread that reads marks is touched: a call opens the process's files,
// believes them as OpenMarkerFileOf does, copies the ranges and closes them.
// Reads: the directory's files hftmon.PID.0 to .255 by name, without a look into the directory (README.md), some 0.5 ms;
// MarkerProcesses. Bounds: kProgramRangesMax ranges of a process, the first by name.
#ifndef HFTMON_DAEMON_MARKERS_PROGRAM_RANGES_H_
#define HFTMON_DAEMON_MARKERS_PROGRAM_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_ranges.h"

namespace hftmon {

inline constexpr size_t kProgramRangesMax = 256;

struct ProgramRanges {
  std::vector<ProgramRange> ranges;  // by name, then by address
  // Why there are none, or which are missing; empty: the program names these and no others.
  std::string why_missing;
};

ProgramRanges ReadProgramRanges(const std::string& directory, const MarkerProcesses& processes, uint32_t pid);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_PROGRAM_RANGES_H_
