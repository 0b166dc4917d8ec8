// PlacementRows: the rows of an answer about a process's memory, and what numa_maps, smaps and looks at single pages add to them. Pure, any
// thread.
#ifndef HFTMON_DAEMON_NUMA_PLACEMENT_ROWS_H_
#define HFTMON_DAEMON_NUMA_PLACEMENT_ROWS_H_

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "daemon/numa/address_range.h"
#include "daemon/numa/huge_page_use.h"
#include "daemon/numa/numa_maps.h"
#include "daemon/numa/process_placement.h"
#include "daemon/os/proc_maps.h"

namespace hftmon {

// Above what any processor gives a program (57 bits less one): beyond it nothing is listed.
inline constexpr uint64_t kUserSpaceEnd = uint64_t{1} << 57;

// One of each mapping that the process may access, without figures; unlisted_count and truncated.
void PutMappings(const ProcMaps& maps, int64_t page_bytes, ProcessPlacement* placement);
// One of each range. kSeveral: it lies in no single mapping.
void PutRanges(const ProcMaps& maps, std::span<const AddressRange> ranges, int64_t page_bytes, std::vector<MappingPlacement>* rows);

// To mappings and ranges. Of rows that are whole mappings also the figures, exact; of ranges within one the policy and mapper_count. A line
// that does not fit its mapping (another file, more pages than it has: it changed between the two reads) adds nothing.
void AddNumaMaps(const NumaMaps& lines, const ProcMaps& maps, int64_t page_bytes, ProcessPlacement* placement);
// huge_bytes of rows, ranges too, that are whole mappings.
void AddHugePages(std::span<const HugePageUse> uses, ProcessPlacement* placement);

// What was found where: a page's node, or < 0.
class PlacementTally {
 public:
  explicit PlacementTally(size_t row_count) : rows_(row_count) {}
  void Add(size_t row, int node);
  // Sets the figures of the rows of which pages were looked at.
  void Finish(std::span<MappingPlacement> rows) const;

 private:
  struct Row {
    uint64_t sampled_count = 0;
    std::map<int, uint64_t> pages;  // by node
  };
  std::vector<Row> rows_;
};

// Marks the rows whose memory is no longer what it was: `after` was read when they had been looked at. A mapping that grew has not changed.
void MarkChanged(const ProcMaps& before, const ProcMaps& after, std::span<MappingPlacement> rows);

// Whether anything of the process's own is where it was: after an exec, or when its number is another's, nothing is (but for programs that
// lie at fixed addresses).
bool AnythingStays(const ProcMaps& before, const ProcMaps& after);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PLACEMENT_ROWS_H_
