// HugePageChoice: whether memory may be asked for in huge pages of 2 MiB without the kernel compacting the host's memory for it. Pure, any
// thread.
//
// Out of /sys/kernel/mm/transparent_hugepage/defrag and /proc/buddyinfo. A moment's answer: others may take the free blocks meanwhile, so
// twice as many have to be there.
#ifndef HFTMON_DAEMON_NUMA_HUGE_PAGE_CHOICE_H_
#define HFTMON_DAEMON_NUMA_HUGE_PAGE_CHOICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hftmon {

inline constexpr int64_t kHugePageBytes = int64_t{2} << 20;
inline constexpr uint64_t kFreeBlockTimes = 2;

// Why memory is of small pages. The numbers stand in hftmon-numa-probe's answer.
enum class SmallPages : uint8_t {
  kNone = 0,          // it is not
  kWouldCompact = 1,  // too few free blocks, and the kernel would have moved pages to make some before the program goes on
  kNotTold = 2,       // there are no transparent huge pages, or the kernel does not say what it does for them
  kOtherSize = 3,     // the base page is not 4 KiB: huge ones are not 2 MiB
  kNotGiven = 4,      // they were asked for, and not all came
};
inline constexpr uint8_t kSmallPagesLast = 4;

// Free blocks of 2 MiB and more on the node, in pieces of 2 MiB, with base pages of 4 KiB. Absent: no line tells of the node, or one of it
// is none of the kernel's.
std::optional<uint64_t> FreeHugeBlocks(std::string_view buddyinfo, int node);

// kNone: ask for them. An empty text is a file that cannot be read.
SmallPages ChooseHugePages(std::string_view defrag, std::string_view buddyinfo, int node, uint64_t bytes);

// A sentence's part; empty for kNone.
std::string SmallPagesReason(SmallPages why, int node);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_HUGE_PAGE_CHOICE_H_
