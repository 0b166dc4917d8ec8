#include "daemon/os/cpu_topology.h"

#include <fmt/format.h>
#include <hwloc.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>

#include "common/cpu_list.h"
#include "daemon/os/node_cpus.h"

namespace hftmon {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using HwlocTopology = std::unique_ptr<hwloc_topology, DestroyTopology>;

absl::StatusOr<HwlocTopology> LoadHwloc(const std::string& xml_path) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return absl::ErrnoToStatus(errno, "hwloc cannot start");
  HwlocTopology topology(raw);
  if (!xml_path.empty() && hwloc_topology_set_xml(raw, xml_path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, fmt::format("hwloc cannot read the topology {}", xml_path));
  }
  // CPUs outside our own cpuset are watched too.
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(raw) != 0) {
    return absl::ErrnoToStatus(errno, fmt::format("hwloc cannot load the topology of {}", xml_path.empty() ? "this host" : xml_path));
  }
  return topology;
}

int LogicalIndexOfAncestor(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_obj_t object, int otherwise) {
  const hwloc_obj_t ancestor = hwloc_get_ancestor_obj_by_type(topology, type, object);
  return ancestor == nullptr ? otherwise : static_cast<int>(ancestor->logical_index);
}

// Of the nodes that hwloc holds local to a CPU the one that spans the fewest CPUs, the lowest of equals; -1: none. A node of memory only is
// local to all CPUs that it hangs under, those of a package or of the host, whatever its number.
int NodeOf(hwloc_topology_t topology, hwloc_obj_t pu) {
  int nearest = -1;
  int nearest_weight = 0;
  for (hwloc_obj_t node = nullptr; (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr;) {
    if (node->cpuset == nullptr || !hwloc_bitmap_isset(node->cpuset, pu->os_index)) continue;
    const int number = static_cast<int>(node->os_index);
    const int weight = hwloc_bitmap_weight(node->cpuset);
    if (nearest >= 0 && (weight > nearest_weight || (weight == nearest_weight && number > nearest))) continue;
    nearest = number;
    nearest_weight = weight;
  }
  return nearest;
}

std::vector<LogicalCpu> ListCpus(hwloc_topology_t topology) {
  std::vector<LogicalCpu> cpus;
  for (hwloc_obj_t pu = nullptr; (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != nullptr;) {
    LogicalCpu cpu;
    cpu.cpu = static_cast<int>(pu->os_index);
    cpu.core = LogicalIndexOfAncestor(topology, HWLOC_OBJ_CORE, pu, static_cast<int>(pu->logical_index));
    cpu.package = LogicalIndexOfAncestor(topology, HWLOC_OBJ_PACKAGE, pu, 0);
    cpu.numa_node = NodeOf(topology, pu);
    cpus.push_back(cpu);
  }
  std::sort(cpus.begin(), cpus.end(), [](const LogicalCpu& a, const LogicalCpu& b) { return a.cpu < b.cpu; });
  return cpus;
}

// A CPU list of the kernel. A file that a kernel does not have, and "(null)" as some write for none, is an empty list.
absl::StatusOr<std::vector<int>> ReadCpuList(const FileRoot& root, std::string_view path) {
  const absl::StatusOr<std::string> text = root.ReadFile(path);
  if (absl::IsNotFound(text.status())) return std::vector<int>();
  if (!text.ok()) return text.status();
  if (Trim(*text) == "(null)") return std::vector<int>();
  absl::StatusOr<std::vector<int>> cpus = ParseCpuList(*text);
  if (!cpus.ok()) return absl::InternalError(fmt::format("{}: {}", path, std::string(cpus.status().message())));
  return cpus;
}

// The kernel's own lists instead of what hwloc made of them, where the kernel has them. A CPU that none of them has is offline.
absl::Status TakeNodesOfKernel(const FileRoot& root, CpuTopology* topology) {
  const absl::StatusOr<std::vector<NodeCpus>> nodes = ReadNodeCpus(root);
  if (absl::IsNotFound(nodes.status())) return absl::OkStatus();
  if (!nodes.ok()) return nodes.status();
  topology->numa_node_count = static_cast<int>(nodes->size());
  for (LogicalCpu& cpu : topology->cpus) {
    const auto holds = [&cpu](const NodeCpus& node) { return std::binary_search(node.cpus.begin(), node.cpus.end(), cpu.cpu); };
    const auto found = std::find_if(nodes->begin(), nodes->end(), holds);
    cpu.numa_node = found == nodes->end() ? -1 : found->node;
  }
  return absl::OkStatus();
}

bool Contains(const std::vector<int>& sorted, int cpu) {
  return std::binary_search(sorted.begin(), sorted.end(), cpu);
}

}  // namespace

const LogicalCpu* CpuTopology::Find(int cpu) const {
  const auto found = std::lower_bound(cpus.begin(), cpus.end(), cpu, [](const LogicalCpu& a, int number) { return a.cpu < number; });
  return found == cpus.end() || found->cpu != cpu ? nullptr : &*found;
}

bool CpuTopology::IsOnline(int cpu) const {
  return Contains(online, cpu);
}
bool CpuTopology::IsReserved(int cpu) const {
  return Contains(isolated, cpu) || Contains(nohz_full, cpu);
}

std::vector<int> CpuTopology::SiblingsOf(int cpu) const {
  const LogicalCpu* self = Find(cpu);
  if (self == nullptr) return {cpu};
  std::vector<int> siblings;
  for (const LogicalCpu& other : cpus) {
    if (other.core == self->core) siblings.push_back(other.cpu);
  }
  return siblings;
}

absl::StatusOr<std::vector<int>> ReadOnlineCpus(const FileRoot& root) {
  return ReadCpuList(root, "/sys/devices/system/cpu/online");
}

absl::StatusOr<std::vector<int>> ReadIsolatedCpus(const FileRoot& root) {
  return ReadCpuList(root, "/sys/devices/system/cpu/isolated");
}

absl::StatusOr<std::vector<int>> ReadNohzFullCpus(const FileRoot& root) {
  return ReadCpuList(root, "/sys/devices/system/cpu/nohz_full");
}

absl::StatusOr<std::vector<int>> ReadReservedCpus(const FileRoot& root) {
  absl::StatusOr<std::vector<int>> isolated = ReadIsolatedCpus(root);
  if (!isolated.ok()) return isolated;
  const absl::StatusOr<std::vector<int>> nohz_full = ReadNohzFullCpus(root);
  if (!nohz_full.ok()) return nohz_full.status();
  std::vector<int> reserved;
  std::set_union(isolated->begin(), isolated->end(), nohz_full->begin(), nohz_full->end(), std::back_inserter(reserved));
  return reserved;
}

absl::StatusOr<std::vector<int>> ReadSmtSiblings(const FileRoot& root, int cpu) {
  absl::StatusOr<std::vector<int>> siblings =
      ReadCpuList(root, fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
  if (siblings.ok()) std::erase(*siblings, cpu);
  return siblings;
}

absl::StatusOr<CpuTopology> LoadCpuTopology(const FileRoot& root, const std::string& hwloc_xml_path) {
  const absl::StatusOr<HwlocTopology> hwloc = LoadHwloc(hwloc_xml_path);
  if (!hwloc.ok()) return hwloc.status();
  CpuTopology topology;
  topology.cpus = ListCpus(hwloc->get());
  topology.numa_node_count = std::max(0, hwloc_get_nbobjs_by_type(hwloc->get(), HWLOC_OBJ_NUMANODE));
  if (absl::Status status = TakeNodesOfKernel(root, &topology); !status.ok()) return status;
  struct List {
    const char* name;
    std::vector<int>* cpus;
  };
  for (const List& list : {List{"online", &topology.online}, List{"possible", &topology.possible}, List{"isolated", &topology.isolated},
                           List{"nohz_full", &topology.nohz_full}}) {
    absl::StatusOr<std::vector<int>> cpus = ReadCpuList(root, fmt::format("/sys/devices/system/cpu/{}", list.name));
    if (!cpus.ok()) return cpus.status();
    *list.cpus = *std::move(cpus);
  }
  if (topology.online.empty()) {
    for (const LogicalCpu& cpu : topology.cpus) topology.online.push_back(cpu.cpu);
  }
  if (topology.possible.empty()) topology.possible = topology.online;
  if (topology.online.empty()) return absl::InternalError("neither hwloc nor /sys/devices/system/cpu/online names a CPU: is /sys mounted?");
  return topology;
}

}  // namespace hftmon
