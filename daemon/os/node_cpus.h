// NodeCpus: which CPUs the kernel counts to which memory node. It is the only source that is right for a node without CPUs: hwloc hangs
// such a node under CPUs that are not its own.
// Reads: /sys/devices/system/node/online (without it: the folders there), nodeN/cpulist (without it: nodeN/cpumap).
// Any thread; stateless; system calls, some 15 us a node.
#ifndef HFTMON_DAEMON_OS_NODE_CPUS_H_
#define HFTMON_DAEMON_OS_NODE_CPUS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

inline constexpr char kNodesFolder[] = "/sys/devices/system/node";
// Node numbers are below this (the largest CONFIG_NODES_SHIFT is 10).
inline constexpr int kNodeNumberLimit = 1024;

struct NodeCpus {
  int node = 0;
  std::vector<int> cpus;  // the online ones; empty: a node of memory only, or one whose CPUs are all offline
};

// The online nodes by number, which may have holes. NOT_FOUND: the kernel tells no nodes (CONFIG_NUMA is off). INTERNAL names the file that
// is no list of nodes or CPUs. A node that goes offline meanwhile is left out.
absl::StatusOr<std::vector<NodeCpus>> ReadNodeCpus(const FileRoot& root);

// A file of nodes or CPUs as the kernel writes lists. NOT_FOUND and the other errors of FileRoot; INTERNAL names the file and the bad item.
absl::StatusOr<std::vector<int>> ReadKernelList(const FileRoot& root, const std::string& path);

// 12 for "node12"; -1 for what is not the name of a node's folder.
int NodeNumberOf(std::string_view name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_NODE_CPUS_H_
