#include "daemon/numa/probe/node_memory.h"

#include <fmt/format.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/numa/huge_page_use.h"
#include "daemon/numa/page_locations.h"
#include "daemon/os/file_root.h"
#include "daemon/os/node_cpus.h"

namespace hftmon {
namespace {

constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);

// 0, or errno.
int PreferNode(uintptr_t start, size_t bytes, int node) {
  std::array<unsigned long, kNodeNumberLimit / kBitsPerWord> mask{};
  mask[static_cast<size_t>(node) / kBitsPerWord] = 1ul << (static_cast<size_t>(node) % kBitsPerWord);
  const bool preferred =
      ::syscall(SYS_mbind, start, bytes, MPOL_PREFERRED, mask.data(), static_cast<unsigned long>(kNodeNumberLimit + 1), 0) == 0;
  return preferred ? 0 : errno;
}

}  // namespace

absl::StatusOr<NodeMemory> NodeMemory::Map(size_t bytes, int node, bool huge_pages) {
  if (node < 0 || node >= kNodeNumberLimit) return absl::InvalidArgumentError(fmt::format("node {}: there is none such", node));
  NodeMemory memory;
  memory.mapped_bytes_ = bytes + kAlignment;
  void* mapped = ::mmap(nullptr, memory.mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return absl::ResourceExhaustedError(fmt::format("{} bytes cannot be mapped: {}", bytes, std::strerror(errno)));
  memory.mapped_ = mapped;
  memory.start_ = (reinterpret_cast<uintptr_t>(mapped) + kAlignment - 1) / kAlignment * kAlignment;
  memory.bytes_ = bytes;
  memory.node_ = node;
  const int error = PreferNode(memory.start_, bytes, node);
  // A kernel without nodes has all memory on the one that it does not name.
  if (error != 0 && !(error == ENOSYS && node == 0)) {
    return absl::InvalidArgumentError(fmt::format("memory of node {} cannot be preferred: {}", node, std::strerror(error)));
  }
  ::madvise(reinterpret_cast<void*>(memory.start_), bytes, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);  // not a must
  return memory;
}

NodeMemory::NodeMemory(NodeMemory&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      start_(other.start_),
      bytes_(other.bytes_),
      node_(other.node_) {}

NodeMemory::~NodeMemory() {
  if (mapped_ != nullptr) ::munmap(mapped_, mapped_bytes_);
}

absl::StatusOr<NodeMemory::Located> NodeMemory::Locate() const {
  SystemPageLocations locations;
  const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  Located located{.page_count = bytes_ / page_bytes};
  std::array<uint64_t, kLocatedPagesMax> addresses{};
  std::array<int, kLocatedPagesMax> nodes{};
  for (uint64_t page = 0; page < located.page_count; page += kLocatedPagesMax) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(kLocatedPagesMax, located.page_count - page));
    for (size_t i = 0; i < count; ++i) addresses[i] = start_ + (page + i) * page_bytes;
    const int error = locations.Locate(::getpid(), std::span(addresses).first(count), std::span(nodes).first(count));
    if (error != 0) return absl::UnavailableError(fmt::format("the kernel does not tell where pages lie: {}", std::strerror(-error)));
    located.on_node_count += static_cast<uint64_t>(std::count(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(count), node_));
  }
  return located;
}

bool NodeMemory::IsHuge() const {
  const absl::StatusOr<std::string> smaps = FileRoot().ReadFile("/proc/self/smaps");
  if (!smaps.ok()) return false;
  uint64_t huge_bytes = 0;
  for (const HugePageUse& use : ParseHugePageUse(*smaps)) {
    if (use.start < start_ + bytes_ && use.end > start_) huge_bytes += use.huge_bytes;
  }
  return huge_bytes >= bytes_;
}

}  // namespace hftmon
