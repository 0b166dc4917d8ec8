// HugePageUse: how much of each mapping lies in huge pages, from /proc/PID/smaps: transparent ones of every kind, and those of hugetlbfs.
// numa_maps tells of the latter alone. Pure parser, any thread.
#ifndef HFTMON_DAEMON_NUMA_HUGE_PAGE_USE_H_
#define HFTMON_DAEMON_NUMA_HUGE_PAGE_USE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hftmon {

// Some 900 bytes a mapping: enough for 70,000. It is held in memory while it is read.
inline constexpr size_t kSmapsBytesMax = 64u << 20;

struct HugePageUse {
  uint64_t start = 0;
  uint64_t end = 0;  // one past the last byte
  // AnonHugePages + ShmemPmdMapped + FilePmdMapped + Shared_Hugetlb + Private_Hugetlb: mapped in one piece, not merely allocated so.
  uint64_t huge_bytes = 0;
  uint64_t page_bytes = 0;  // KernelPageSize: hugetlbfs's, else the base page's; 0: not told
};

// In the order of the file. Lines that are none of the kernel's are left out; so are mappings beyond kPlacedMappingsMax.
std::vector<HugePageUse> ParseHugePageUse(std::string_view smaps);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_HUGE_PAGE_USE_H_
