// NumaMaps: /proc/PID/numa_maps, the policy of each mapping and on which node its pages lie. Pure parser, any thread.
//
// A line is "ADDRESS POLICY [file=NAME | heap | stack] [huge] [key=number …]". The policy may hold spaces ("prefer (many):0", "weighted
// interleave:0-1") and '=' ("bind=static:0"); it ends before the first word that is one of the others. A mapping without pages ends there.
#ifndef HFTMON_DAEMON_NUMA_NUMA_MAPS_H_
#define HFTMON_DAEMON_NUMA_NUMA_MAPS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

// The kernel allows 65,530 mappings unless it is told otherwise.
inline constexpr size_t kPlacedMappingsMax = 65'536;
inline constexpr size_t kNumaMapsBytesMax = 64u << 20;
// What the largest kernel is built for (NODES_SHIFT 10).
inline constexpr int kNodesMax = 1'024;

struct NodePages {
  int node = 0;
  uint64_t pages = 0;
};

struct NumaMapsLine {
  uint64_t start = 0;
  std::string policy;                 // the kernel's words; "default": the thread's own, else the nearest node
  std::string name;                   // of the file, PlainName; empty: none
  bool huge = false;                  // hugetlbfs. Transparent huge pages are not told here
  std::vector<NodePages> nodes;       // in the kernel's order, by number; of page_bytes each where `huge`, else of the base page
  uint64_t mapper_count = 0;          // the most mappings, of any process, that one of its pages has; 1 where the line says nothing else
  std::optional<int64_t> page_bytes;  // kernelpagesize_kB: of hugetlbfs; the base page's for all else. Absent: no pages
};

struct NumaMaps {
  std::vector<NumaMapsLine> lines;
  uint64_t bad_line_count = 0;  // none of the kernel's, left out
  bool truncated = false;       // there are more than kPlacedMappingsMax
};

NumaMaps ParseNumaMaps(std::string_view text);

// The name that the kernel wrote with \040 and the like. Ambiguous by the kernel's way of writing: a backslash itself is not escaped.
std::string PlainName(std::string_view escaped);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_NUMA_MAPS_H_
