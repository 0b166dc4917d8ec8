// LinePlace: where a memory access went, so that equal places are the same memory, whichever process saw it at which address. Values, any
// thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_LINE_PLACE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_LINE_PLACE_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/memory_access/memory_access.h"

namespace hftmon {

enum class LineSpaceKind : uint8_t { kProcess, kKernel, kPhysical, kSharedMapping };

// What makes two equal addresses the same memory.
struct LineSpace {
  LineSpaceKind kind = LineSpaceKind::kProcess;
  uint64_t owner = 0;  // of a process its pid, of a shared mapping its device (major << 32 | minor), else 0
  uint64_t inode = 0;  // of a shared mapping alone

  auto operator<=>(const LineSpace&) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const LineSpace& space) {
    return H::combine(std::move(hash), space.kind, space.owner, space.inode);
  }
};

struct LinePlace {
  LineSpace space;
  uint64_t address = 0;  // within the space; of a shared mapping the offset in its file

  auto operator<=>(const LinePlace&) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const LinePlace& place) {
    return H::combine(std::move(hash), place.space, place.address);
  }
};

// By the virtual address: the kernel's half is one space for all, below it each process has its own. Absent where the address was not told.
std::optional<LinePlace> VirtualPlace(const MemoryAccess& access);

// By the physical address, the same for all processes. Absent where it was not told. A page that is moved while it is watched becomes two.
std::optional<LinePlace> PhysicalPlace(const MemoryAccess& access);

// Of a mapping that processes share (MAP_SHARED): each may see it at another address.
LinePlace SharedMappingPlace(uint32_t device_major, uint32_t device_minor, uint64_t inode, uint64_t file_offset);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_LINE_PLACE_H_
