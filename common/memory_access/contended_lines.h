// ContendedLines: gathers sampled accesses by cache line; tells which lines go from core to core, what that costs and what would mend it.
//
// Threads: one at a time, like any value. The table does not depend on the order of the accesses as long as nothing was dropped.
// Bound: the limits below; with the defaults bytes() stays under kBytesMax, whatever comes in (usual is a tenth of it). Where one is
// reached the least contended quarter goes and is counted as dropped: first lines without any contended access, of one thread alone, with
// few accesses; of contended ones their sites alone. So a contended line's contended accesses are counted exactly beside millions of other
// lines, as long as contended ones are fewer than three quarters of `lines`.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINES_H_
#define HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "common/memory_access/contended_line.h"
#include "common/memory_access/line_place.h"
#include "common/memory_access/memory_access.h"

namespace hftmon {

class ContendedLineBook;

struct ContendedLineLimits {
  static constexpr uint32_t kLineBytesMin = 16;
  static constexpr uint32_t kLineBytesMax = 1024;

  size_t lines = 65'536;
  size_t sites = 262'144;  // of all lines together; and so many offsets
  size_t sites_per_line = 256;
  size_t cpus_per_line = 256;
  uint32_t line_bytes = 64;  // some Arm and Power CPUs: 128

  // line_bytes is a power of two within the range, every other limit at least 4.
  bool Valid() const;
};

class ContendedLines {
 public:
  static constexpr size_t kBytesMax = size_t{320} << 20;  // with the default limits

  // Requires limits.Valid().
  explicit ContendedLines(const ContendedLineLimits& limits = {});
  ~ContendedLines();
  ContendedLines(ContendedLines&&) noexcept;
  ContendedLines& operator=(ContendedLines&&) noexcept;

  // At its VirtualPlace. A sample without an address, or that is no access, is counted as such.
  void Add(const MemoryAccess& access);
  // At a place that the caller knows better (a mapping that processes share). The address may be unknown.
  void Add(const MemoryAccess& access, const LinePlace& place);

  // node_of_cpu[cpu] is its NUMA node; CPUs beyond its end, or without a value, have no known one.
  ContendedLineTable Build(LineOrder order, std::span<const std::optional<uint32_t>> node_of_cpu = {}, size_t lines_max = SIZE_MAX) const;

  size_t size() const;   // lines that are held now, contended or not
  size_t bytes() const;  // that they and their sites take, without the allocator's own

 private:
  std::unique_ptr<ContendedLineBook> book_;
  uint64_t no_address_ = 0;
  uint64_t no_access_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_CONTENDED_LINES_H_
