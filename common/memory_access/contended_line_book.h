// ContendedLineBook: the lines that accesses were gathered by, in bounded memory. Behind ContendedLines; see there.
//
// Invariants: sites of a line ascend by their key, offsets by offset; held_sites_ and held_offsets_ are the sums over all lines; each
// access that was added is in the counts of one line or in dropped().
#ifndef HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_BOOK_H_
#define HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_BOOK_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/memory_access/access_counts.h"
#include "common/memory_access/busy_line.h"
#include "common/memory_access/contended_line.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/line_place.h"
#include "common/memory_access/sharing_verdict.h"

namespace hftmon {

struct BookedOffset {
  uint16_t offset = 0;
  WriterSet writers;
  AccessCounts counts;
};

struct BookedLine {
  uint64_t address = 0;  // as ContendedLine::address
  AccessCounts counts;
  LoadsByOrigin loads_by_origin{};
  std::vector<BookedOffset> offsets;
  std::vector<LineSite> sites;
  std::vector<uint32_t> cpus;  // ascending
  bool cpus_dropped = false;
  bool begin_missing = false;
};

class ContendedLineBook {
 public:
  explicit ContendedLineBook(const ContendedLineLimits& limits) : limits_(limits) {}

  // Requires an access (load or store).
  void Add(const MemoryAccess& access, const LinePlace& place);

  uint32_t line_bytes() const { return limits_.line_bytes; }
  size_t size() const { return lines_.size(); }
  size_t bytes() const;
  const AccessCounts& total() const { return total_; }
  const AccessCounts& dropped() const { return dropped_; }
  uint64_t dropped_lines() const { return dropped_lines_; }
  // The line that begins at `place`; nullptr where it is not held.
  const BookedLine* Find(const LinePlace& place) const;
  // visit(place, line), in no order that means anything.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [place, line] : lines_) visit(place, *line);
  }

 private:
  struct Candidate;

  BookedLine& LineAt(const LinePlace& begin);
  void AddToOffset(const MemoryAccess& access, uint16_t offset, BookedLine* line);
  void AddToSite(const MemoryAccess& access, uint16_t offset, BookedLine* line);
  void AddCpu(uint32_t cpu, BookedLine* line) const;
  bool SitesFull() const { return held_sites_ >= limits_.sites || held_offsets_ >= limits_.sites; }
  void MakeRoom();
  void Drop(const LinePlace& place);
  void DropSomeSites(BookedLine* line);
  void DropAllSites(BookedLine* line);

  ContendedLineLimits limits_;
  absl::flat_hash_map<LinePlace, std::unique_ptr<BookedLine>> lines_;  // by the place of the first byte
  size_t held_sites_ = 0;
  size_t held_offsets_ = 0;
  AccessCounts total_;
  AccessCounts dropped_;
  uint64_t dropped_lines_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINE_BOOK_H_
