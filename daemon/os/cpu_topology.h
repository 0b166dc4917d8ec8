// CpuTopology: the host's CPUs, their cores and nodes, and which of them are kept free of ordinary work. Passive data, read once at start.
// Reads: hwloc; /sys/devices/system/cpu/{online,possible,isolated,nohz_full}, cpuN/topology/thread_siblings_list; what NodeCpus reads.
#ifndef HFTMON_DAEMON_OS_CPU_TOPOLOGY_H_
#define HFTMON_DAEMON_OS_CPU_TOPOLOGY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct LogicalCpu {
  int cpu = 0;   // the kernel's number
  int core = 0;  // hwloc's logical core: equal for SMT siblings, unique on the host
  int package = 0;
  int numa_node = 0;  // the kernel's number of its node, by the kernel's own lists, by hwloc where it has none; -1 when none names it
};

struct CpuTopology {
  std::vector<LogicalCpu> cpus;  // those that hwloc sees, by number
  std::vector<int> online;
  std::vector<int> possible;
  std::vector<int> isolated;  // isolcpus=, or a cpuset partition of type isolated
  std::vector<int> nohz_full;
  int numa_node_count = 0;

  const LogicalCpu* Find(int cpu) const;
  bool IsOnline(int cpu) const;
  // Isolated or without a tick: its user wants nothing else there.
  bool IsReserved(int cpu) const;
  // The CPUs of its core, itself included; only itself when the core is not known.
  std::vector<int> SiblingsOf(int cpu) const;
  // One more than the largest possible CPU: the size of every per-CPU table shared with the kernel.
  int possible_count() const { return possible.empty() ? 0 : possible.back() + 1; }
};

// The lists alone, without hwloc, as they are now. Empty where the kernel has no such file.
absl::StatusOr<std::vector<int>> ReadOnlineCpus(const FileRoot& root);
// isolcpus=, or a cpuset partition of type isolated.
absl::StatusOr<std::vector<int>> ReadIsolatedCpus(const FileRoot& root);
// Without a tick while one thread runs there.
absl::StatusOr<std::vector<int>> ReadNohzFullCpus(const FileRoot& root);
// Isolated or without a tick.
absl::StatusOr<std::vector<int>> ReadReservedCpus(const FileRoot& root);
// Those that share a core with `cpu`, without itself.
absl::StatusOr<std::vector<int>> ReadSmtSiblings(const FileRoot& root, int cpu);

// `hwloc_xml_path`: a topology exported by lstopo instead of this host's own; empty = this host. Errors name the file or the hwloc call.
absl::StatusOr<CpuTopology> LoadCpuTopology(const FileRoot& root, const std::string& hwloc_xml_path = "");

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_CPU_TOPOLOGY_H_
