// ProcessPlacement: on which nodes the memory of a process lies, by mapping or by asked range, and what it cost the process to find out.
// Passive data.
#ifndef HFTMON_DAEMON_NUMA_PROCESS_PLACEMENT_H_
#define HFTMON_DAEMON_NUMA_PROCESS_PLACEMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/numa/mapping_kind.h"
#include "daemon/numa/share_interval.h"

namespace hftmon {

struct NodeShare {
  int node = 0;
  uint64_t pages = 0;      // of those looked at; of all where MappingPlacement.exact
  double share = 0;        // of those that are there
  ShareInterval interval;  // where the share of all of them lies; both ends are `share` where exact
};

struct MappingPlacement {
  uint64_t start = 0;
  uint64_t end = 0;  // one past the last byte
  std::string name;  // as /proc/PID/maps writes it; a range's own
  MappingKind kind = MappingKind::kAnonymous;
  bool shared = false;
  uint64_t page_count = 0;       // what it has room for, of page_bytes
  uint64_t sampled_count = 0;    // of them looked at
  uint64_t absent_count = 0;     // of those, not there: never touched, swapped out, the zero page, a device's
  std::vector<NodeShare> nodes;  // by number; their pages and absent_count sum to sampled_count
  int64_t page_bytes = 0;        // the base page; hugetlbfs's where numa_maps told it
  bool exact = false;            // every page was looked at: no estimate
  // It was unmapped, cut or replaced while it was looked at: its figures are of both, and good for nothing but a second look.
  bool changed = false;
  // From numa_maps and smaps: absent where they were not read (ProcessPlacement.unavailable says why).
  std::optional<std::string> policy;
  std::optional<uint64_t> huge_bytes;    // mapped by huge pages; of a whole mapping, never of a range
  std::optional<uint64_t> mapper_count;  // the most mappings of any process that share one of its pages
};

// What was asked of the kernel that takes the process's mmap lock. While a call holds it, the process's mmap, munmap and brk wait; so do
// its page faults before Linux 6.4. A call's length is what they can have waited for it at most: text is read in several holds.
struct LookCost {
  uint64_t call_count = 0;
  uint64_t page_count = 0;         // asked for one by one
  uint64_t beside_page_count = 0;  // of those, of named ranges and of single addresses: beside PlacementWish::pages_max
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;
};

// A page that was looked at.
struct LocatedPage {
  uint64_t address = 0;
  int node = 0;  // < 0: not there
};

struct UnavailablePlacement {
  std::string part;  // policy, huge_pages, exact, ranges
  std::string reason;
};

struct ProcessPlacement {
  std::vector<MappingPlacement> mappings;  // in the order of addresses; of PlacementWish::ranges in the order asked
  // Of PlacementWish::named_ranges, in their order: memory that mappings have too, looked at more closely. page_bytes is the base page's
  // but where the range is a whole mapping.
  std::vector<MappingPlacement> ranges;
  // Mappings that are not listed: without any access (guards, reservations), and the kernel's own.
  uint64_t unlisted_count = 0;
  // Mappings or ranges that are listed and of which no page was looked at: pages_max does not reach for them. The smallest.
  uint64_t left_out_count = 0;
  bool truncated = false;       // there are more mappings than kPlacedMappingsMax: the highest are missing
  uint64_t bad_line_count = 0;  // of numa_maps
  uint64_t seed = 0;            // the sample's: the same question with it looks at the same pages
  int64_t begin_ns = 0;         // CLOCK_MONOTONIC
  int64_t end_ns = 0;
  LookCost look_cost;
  std::vector<UnavailablePlacement> unavailable;
  std::vector<LocatedPage> asked_pages;  // of PlacementWish::addresses, ascending, each page once
  std::vector<LocatedPage> pages;  // of PlacementWish::keep_pages, in the order of `mappings`, within each of addresses; none of `ranges`
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PROCESS_PLACEMENT_H_
