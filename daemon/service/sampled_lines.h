// SampledLines: which cache lines the samplings of memory accesses found that somebody asked for: contended ones, kept for advice, and
// those that were used most, for heat maps. Nothing is sampled for its sake. Bounds: the last sampling of each process, of kProcessesMax
// processes (the oldest goes), and of each the kLinesMax dearest lines and the ContendedLineTable::kBusyLinesMax that were used most (1.2
// MiB in all). Threads: any; one mutex inside.
#ifndef HFTMON_DAEMON_SERVICE_SAMPLED_LINES_H_
#define HFTMON_DAEMON_SERVICE_SAMPLED_LINES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/memory_access/busy_line.h"
#include "common/memory_access/sharing_verdict.h"
#include "daemon/service/access_sampling.h"

namespace hftmon {

struct SampledLine {
  uint64_t address = 0;
  uint64_t contended_count = 0;  // samples
  SharingSplit sharing;
  std::string advice;          // what takes away most; empty: none is known
  bool begin_missing = false;  // see ContendedLine
};

struct LineSampling {
  uint32_t pid = 0;
  int64_t start_boottime_ns = 0;  // of the process
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  std::vector<SampledLine> lines;  // dearest first; of no known address they are left out
};

// The lines of the process's own memory that were used most.
struct LineHeat {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  uint32_t line_bytes = 0;
  std::vector<BusyLine> lines;  // most accesses first
  uint64_t left_out_count = 0;  // lines beyond the bound, and the kernel's
};

class SampledLines {
 public:
  static constexpr size_t kProcessesMax = 64;
  static constexpr size_t kLinesMax = 32;

  void Note(uint32_t pid, int64_t start_boottime_ns, const AccessSamples& samples);
  // Those that began and ended in [begin, end], by process.
  std::vector<LineSampling> Within(int64_t begin_mono_ns, int64_t end_mono_ns) const;
  // Of the process's last sampling; absent: none of it is kept.
  std::optional<LineHeat> HeatOf(uint32_t pid, int64_t start_boottime_ns) const;

 private:
  struct Kept {
    LineSampling contended;
    LineHeat heat;
  };
  mutable std::mutex mutex_;
  std::map<uint32_t, Kept> last_;  // by process
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SAMPLED_LINES_H_
