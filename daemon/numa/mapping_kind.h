// MappingKind: what a mapping of a process is, by the name that /proc/PID/maps gives it. Pure, any thread.
#ifndef HFTMON_DAEMON_NUMA_MAPPING_KIND_H_
#define HFTMON_DAEMON_NUMA_MAPPING_KIND_H_

#include <cstdint>
#include <string_view>

namespace hftmon {

enum class MappingKind : uint8_t {
  kAnonymous,
  kHeap,
  kStack,         // of the first thread; others' are anonymous
  kFile,          // a file's pages, or private copies of them
  kSharedMemory,  // tmpfs, memfd, SysV, shared anonymous
  kHugetlb,       // of hugetlbfs. A memfd of huge pages is known as such only where numa_maps was read: else kSharedMemory
  kSpecial,       // the kernel's own ([vdso], [vvar]) and files that are none (anon_inode:…): no memory of the process
  kSeveral,       // a range that does not lie in one mapping
};

// "anonymous", "heap", …
std::string_view MappingKindName(MappingKind kind);

// Names are the process's to choose, so a file may pass for shared memory: nothing depends on it but the word.
MappingKind KindOf(std::string_view name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_MAPPING_KIND_H_
