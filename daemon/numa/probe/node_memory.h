// NodeMemory: memory that is to lie on one node, by preference: where the node has none left it lies elsewhere, and nobody is killed for it
// (a binding would be: the kernel frees memory for it by the OOM killer). So whoever uses it looks where it is. One thread; unmapped with
// the object.
#ifndef HFTMON_DAEMON_NUMA_PROBE_NODE_MEMORY_H_
#define HFTMON_DAEMON_NUMA_PROBE_NODE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "daemon/numa/probe/cache_line_cycle.h"

namespace hftmon {

class NodeMemory {
 public:
  // Of the size of the huge pages of x86-64, and of arm64 with pages of 4 KiB: memory begins and ends with one.
  static constexpr size_t kAlignment = size_t{2} << 20;

  struct Located {
    uint64_t page_count = 0;
    uint64_t on_node_count = 0;
  };

  // `bytes` is a multiple of kAlignment. With `huge_pages` such are asked for and need not come; without, none comes whatever the host's
  // settings are. RESOURCE_EXHAUSTED: it cannot be mapped.
  // INVALID_ARGUMENT: no such node here.
  static absl::StatusOr<NodeMemory> Map(size_t bytes, int node, bool huge_pages);
  NodeMemory(NodeMemory&& other) noexcept;
  NodeMemory& operator=(NodeMemory&&) = delete;
  ~NodeMemory();

  std::span<CacheLine> lines() { return {reinterpret_cast<CacheLine*>(start_), bytes_ / sizeof(CacheLine)}; }
  // Every page of it, once it was touched. UNAVAILABLE: this kernel does not tell where pages lie.
  absl::StatusOr<Located> Locate() const;
  // All of it is mapped by huge pages.
  bool IsHuge() const;

 private:
  NodeMemory() = default;

  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  uintptr_t start_ = 0;
  size_t bytes_ = 0;
  int node_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PROBE_NODE_MEMORY_H_
