// NumaNodes: the host's memory nodes as they are now: CPUs, memory, how far from each other. Passive data.
//
// Reads: what NodeCpus reads; /sys/devices/system/node/{has_memory, nodeN/{distance, meminfo, numastat, access1/initiators,
// access0/initiators, hugepages}}, /proc/sys/vm/numa_stat; without nodes /sys/devices/system/cpu/online, /proc/meminfo. has_cpu is not
// read: it is empty on hosts whose nodes have CPUs. Any thread; stateless; system calls, some 100 us a node: for a request, not for the
// housekeeping loop.
//
// What the kernel or the firmware does not tell, or tells in a way that cannot be, is absent; a list of nodes or CPUs that is none is an
// error.
#ifndef HFTMON_DAEMON_OS_NUMA_NODES_H_
#define HFTMON_DAEMON_OS_NUMA_NODES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// Allocations of pages since boot, of the whole host: difference two of them.
struct NumaCounters {
  uint64_t hit_count = 0;             // here, as was wished
  uint64_t miss_count = 0;            // here, though another node was wished
  uint64_t foreign_count = 0;         // elsewhere, though here was wished
  uint64_t interleave_hit_count = 0;  // here, by a policy that interleaves
  uint64_t local_count = 0;           // here, by a CPU of this node
  uint64_t other_count = 0;           // here, by a CPU of another node
};

// The pages of one size that are set aside on a node.
struct HugePagePool {
  int64_t page_bytes = 0;
  uint64_t total_count = 0;    // the surplus included
  uint64_t free_count = 0;     // some may be promised already
  uint64_t surplus_count = 0;  // beyond what was set aside, returned when free
};

struct NodeDistance {
  int to = 0;
  int distance = 0;  // the firmware's SLIT: 10 = itself, 20 = twice as far, 255 = no way
};

struct NumaNode {
  int node = 0;
  std::vector<int> cpus;  // online ones; empty: memory only
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> free_bytes;
  bool has_memory = false;
  std::vector<NodeDistance> distances;  // to every online node, by number; empty: not told
  // Of the CPUs next to this memory, as the firmware's HMAT has it; empty: the firmware has none. Nodes that are not online may be named.
  std::vector<int> initiator_nodes;
  std::optional<int64_t> read_latency_ns;
  std::optional<int64_t> write_latency_ns;
  std::optional<int64_t> read_bandwidth_mb_s;  // 10^6 bytes a second
  std::optional<int64_t> write_bandwidth_mb_s;
  std::optional<NumaCounters> counters;  // absent also where vm.numa_stat is 0: the kernel then shows zeros
  std::vector<HugePagePool> huge_pages;  // by size
};

struct NumaNodes {
  std::vector<NumaNode> nodes;  // online ones by number, which may have holes; never empty when read
  bool told = false;            // by the kernel; false: CONFIG_NUMA is off and all stands in node 0

  const NumaNode* Find(int node) const;
  // As NodeDistance has it; absent: not told, or one of them is not online.
  std::optional<int> DistanceOf(int from, int to) const;
  // Of an online CPU; -1: not known, or it is offline.
  int NodeOf(int cpu) const;
  // The one of those that `accept` takes which has the least distance from `node`: itself before all others, those without a told distance
  // last, the lowest number of equals. Null: it takes none. It lives as long as this.
  const NumaNode* Nearest(int node, absl::FunctionRef<bool(const NumaNode&)> accept) const;
  // Whether a package is cut into nodes (sub-NUMA clusters): it holds all CPUs of two or more, and each of these is nearer to the others of
  // its package than to any of another package. Not of dies that are as far from each other as packages, nor where distances are not told.
  bool sub_numa_clustering(const CpuTopology& topology) const;
};

// Errors: those of ReadNodeCpus but NOT_FOUND, which gives one node; NOT_FOUND: neither nodes nor CPUs are told, so /sys is not mounted.
absl::StatusOr<NumaNodes> ReadNumaNodes(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_NUMA_NODES_H_
