// BusyLine: a cache line that was used, contended or not, and from where its sampled loads were served. Values, any thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_BUSY_LINE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_BUSY_LINE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/perf/data_source.h"

namespace hftmon {

// Remote is another socket or node.
enum class LoadOrigin : uint8_t {
  kUnknown,  // not told, told as a miss alone, or of memory that has no near and far (CXL, I/O)
  kLocalCache,
  kLocalMemory,
  kRemoteCache,
  kRemoteMemory,
};
inline constexpr size_t kLoadOrigins = static_cast<size_t>(LoadOrigin::kRemoteMemory) + 1;

// Of what served a load.
LoadOrigin OriginOf(const DataSource& source);

using LoadsByOrigin = std::array<uint64_t, kLoadOrigins>;

struct BusyLine {
  uint64_t address = 0;   // of its first byte: the lowest virtual address that it was seen at, never 0
  uint64_t accesses = 0;  // samples, as all of these
  uint64_t loads = 0;     // a read-modify-write that is told as both counts in both
  uint64_t stores = 0;
  LoadsByOrigin loads_by_origin{};  // sums to loads

  uint64_t LoadsOf(LoadOrigin origin) const { return loads_by_origin[static_cast<size_t>(origin)]; }
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_BUSY_LINE_H_
