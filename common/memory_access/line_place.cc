#include "common/memory_access/line_place.h"

namespace hftmon {
namespace {

constexpr uint64_t kKernelHalf = uint64_t{1} << 63;  // of x86 and of Arm, whatever the size of their pages

}  // namespace

std::optional<LinePlace> VirtualPlace(const MemoryAccess& access) {
  if (access.address == 0) return std::nullopt;
  if ((access.address & kKernelHalf) != 0) return LinePlace{{.kind = LineSpaceKind::kKernel}, access.address};
  return LinePlace{{.kind = LineSpaceKind::kProcess, .owner = access.pid}, access.address};
}

std::optional<LinePlace> PhysicalPlace(const MemoryAccess& access) {
  if (!access.physical_address.has_value()) return std::nullopt;
  return LinePlace{{.kind = LineSpaceKind::kPhysical}, *access.physical_address};
}

LinePlace SharedMappingPlace(uint32_t device_major, uint32_t device_minor, uint64_t inode, uint64_t file_offset) {
  const uint64_t device = uint64_t{device_major} << 32 | device_minor;
  return {{.kind = LineSpaceKind::kSharedMapping, .owner = device, .inode = inode}, file_offset};
}

}  // namespace hftmon
