#include "client/examples/order_book/injections/remote_memory.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "common/cpu_list.h"

namespace hftmon::order_book {
namespace {

constexpr uint64_t kLineBytes = 64;
constexpr int kNodesMax = 1'024;

absl::StatusOr<std::vector<int>> ReadList(const std::string& path) {
  std::string text;
  std::getline(std::ifstream(path), text);
  return ParseCpuList(text);
}

}  // namespace

absl::StatusOr<int> RemoteNode(const std::string& sys_root, int cpu) {
  const std::string nodes = sys_root + "/devices/system/node/";
  const absl::StatusOr<std::vector<int>> with_memory = ReadList(nodes + "has_memory");
  if (!with_memory.ok()) return with_memory.status();
  for (const int node : *with_memory) {
    if (node >= kNodesMax) continue;
    const absl::StatusOr<std::vector<int>> cpus = ReadList(fmt::format("{}node{}/cpulist", nodes, node));
    if (cpus.ok() && std::find(cpus->begin(), cpus->end(), cpu) == cpus->end()) return node;
  }
  return absl::FailedPreconditionError(
      fmt::format("remote_memory: this host has no NUMA node with memory besides CPU {}'s: run it on a host with two", cpu));
}

absl::Status RemoteMemoryInjection::Prepare() {
  const absl::StatusOr<int> node = RemoteNode("/sys", plan_.engine_cpu);
  if (!node.ok()) return node.status();
  node_ = *node;
  if (absl::Status status = memory_.Map(kBytes); !status.ok()) return status;
  std::vector<unsigned long> mask(kNodesMax / (8 * sizeof(unsigned long)));
  mask[static_cast<size_t>(node_) / (8 * sizeof(unsigned long))] = 1UL << (static_cast<size_t>(node_) % (8 * sizeof(unsigned long)));
  if (syscall(SYS_mbind, memory_.data(), memory_.bytes(), MPOL_BIND, mask.data(), kNodesMax + 1, 0) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("remote_memory: memory of node {} is refused: {}: widen this process's cpuset.mems", node_, std::strerror(errno)));
  }
  // Each line names the next: a full-period generator over their number, a power of two, so that nobody can guess ahead.
  const uint64_t lines = kBytes / kLineBytes;
  for (uint64_t line = 0; line < lines; ++line) {
    *reinterpret_cast<uint64_t*>(memory_.data() + line * kLineBytes) = (line * 1'664'525 + 1'013'904'223) % lines;
  }
  return absl::OkStatus();
}

void RemoteMemoryInjection::Disturb(uint64_t end_tsc) {
  constexpr int kLoadsPerLook = 16;
  do {
    for (int i = 0; i < kLoadsPerLook; ++i) at_ = *reinterpret_cast<volatile uint64_t*>(memory_.data() + at_ * kLineBytes);
    load_count_ += kLoadsPerLook;
  } while (ReadTsc() < end_tsc);
}

}  // namespace hftmon::order_book
