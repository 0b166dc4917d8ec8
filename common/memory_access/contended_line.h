// ContendedLine: a cache line that went from core to core, and what its samples say about it; the table of all of them. Values.
//
// Offsets are compared exactly: the size of an access is not recorded, so an 8-byte store that covers a neighbour's field counts as a store
// to its own offset alone. A thread is its tid; the idle threads of all CPUs are one (tid 0).
#ifndef HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/memory_access/access_counts.h"
#include "common/memory_access/busy_line.h"
#include "common/memory_access/line_place.h"
#include "common/memory_access/line_site.h"
#include "common/memory_access/sharing_advice.h"
#include "common/memory_access/sharing_verdict.h"

namespace hftmon {

// Lines of the table, dearest first; what is equal stands by total HITM and peer, then by address.
enum class LineOrder : uint8_t {
  kCycles,      // by estimated cycles; lines without stand last. Where no line has any it is kTotalHitm
  kRemoteHitm,  // by HITM from another socket or node
  kTotalHitm,   // by all HITM and peer accesses
};

struct LineOffset {
  uint16_t offset = 0;
  AccessCounts counts;
  std::vector<uint32_t> tids;         // ascending; of the sites that were kept
  std::vector<uint32_t> writer_tids;  // those of them that wrote there
};

struct LineThread {
  uint32_t pid = 0;
  uint32_t tid = 0;
  AccessCounts counts;  // of the sites that were kept
};

struct ContendedLine {
  LinePlace place;       // of the line's first byte
  uint64_t address = 0;  // the lowest virtual address that it was seen at; 0: none was told
  AccessCounts counts;
  // Cycles that the sampled threads waited for the line, all that the samples stand for: an estimate. Hardware of which only slow loads are
  // sampled tells of those alone, stores have no latency. Absent where no contended access told its latency.
  std::optional<uint64_t> estimated_cycles;
  double share = 0;  // 0 … 1, of all that came in: of what the table is ordered by
  SharingSplit sharing;
  std::vector<SharingAdvice> advice;   // what takes away most stands first
  std::vector<LineOffset> offsets;     // ascending
  std::vector<LineSite> sites;         // most contended accesses first, then most accesses
  std::vector<LineThread> threads;     // the same
  std::vector<uint32_t> cpus;          // ascending; the lowest ones where there were too many
  std::vector<uint32_t> nodes;         // of those CPUs, ascending; none where the nodes are not known
  uint64_t dropped_site_accesses = 0;  // in `counts`, but of sites for which there was no room
  bool cpus_dropped = false;
  // Room had run out: accesses before some moment are missing from sharing, advice, offsets and sites; of those that were not contended
  // some may be missing from the counts too.
  bool begin_missing = false;
};

struct ContendedLineTable {
  static constexpr size_t kBusyLinesMax = 256;

  LineOrder order = LineOrder::kCycles;  // as it was done: kTotalHitm where cycles were asked for and none are known
  std::vector<ContendedLine> lines;      // with one HITM or peer access at least; the first `lines_max` of them

  // What came in: total = contended + uncontended + dropped, each count of them.
  AccessCounts total;
  AccessCounts contended;  // of all contended lines, also of those beyond lines_max
  uint64_t contended_lines = 0;
  // Lines without any HITM or peer access that several threads used, one of them writing: where the hardware does not tell who else had a
  // line, those that may be contended. Most accesses first, at most lines_max; `sharing` is judged by, and counts, all accesses instead of
  // the contended ones, `share` is that of all accesses, there are neither cycles nor advice.
  std::vector<ContendedLine> shared_lines;
  uint64_t shared_line_count = 0;  // also of those beyond lines_max
  AccessCounts uncontended;        // of lines that stayed with their cores
  uint64_t uncontended_lines = 0;
  // Of all lines that are held, contended or not, and whose address is known: most accesses first, at most kBusyLinesMax, whatever
  // `lines_max` is.
  std::vector<BusyLine> busy_lines;
  uint64_t busy_line_count = 0;  // also of those beyond
  AccessCounts dropped;          // of lines for which there was no room. dropped.contended() != 0: the table may miss a contended line
  uint64_t dropped_lines = 0;    // times that a line was dropped; one that came back and was dropped again counts twice
  uint64_t no_address = 0;       // samples beside those: of no known address,
  uint64_t no_access = 0;        // and of which the hardware told neither load nor store
  uint32_t line_bytes = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_H_
