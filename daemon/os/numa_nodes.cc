#include "daemon/os/numa_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/os/node_cpus.h"
#include "daemon/os/number_file.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr int kDistanceMin = 10;
constexpr int kDistanceMax = 255;
constexpr int64_t kKib = 1024;

std::string FolderOf(int node) {
  return fmt::format("{}/node{}", kNodesFolder, node);
}

// "Node 0 MemTotal:  24684084 kB", and the same without the node in /proc/meminfo.
std::optional<int64_t> BytesAt(const std::vector<std::string>& lines, std::string_view name) {
  for (const std::string& line : lines) {
    std::string_view rest = line;
    std::string_view word = NextWord(&rest);
    if (word == "Node") {
      NextWord(&rest);
      word = NextWord(&rest);
    }
    if (word != name) continue;
    const std::optional<int64_t> kib = ParseNumber<int64_t>(NextWord(&rest));
    if (!kib || *kib < 0 || *kib > INT64_MAX / kKib || NextWord(&rest) != "kB") return std::nullopt;
    return *kib * kKib;
  }
  return std::nullopt;
}

void ReadMemory(const FileRoot& root, const std::string& path, NumaNode* node) {
  const auto lines = root.ReadLines(path);
  if (!lines.ok()) return;
  node->memory_bytes = BytesAt(*lines, "MemTotal:");
  node->free_bytes = BytesAt(*lines, "MemFree:");
}

// A row has one column for each online node in order of number. Another count of columns cannot be given to nodes: a node came or went.
std::vector<NodeDistance> ReadDistances(const FileRoot& root, const std::string& folder, const std::vector<NodeCpus>& online) {
  const auto text = root.ReadFile(folder + "/distance");
  if (!text.ok()) return {};
  std::vector<NodeDistance> row;
  std::string_view rest = *text;
  for (const NodeCpus& node : online) {
    const std::optional<int> distance = ParseNumber<int>(NextWord(&rest));
    if (!distance || *distance < kDistanceMin || *distance > kDistanceMax) return {};
    row.push_back({.to = node.node, .distance = *distance});
  }
  return NextWord(&rest).empty() ? row : std::vector<NodeDistance>();
}

std::optional<NumaCounters> ReadCounters(const FileRoot& root, const std::string& folder) {
  const auto lines = root.ReadLines(folder + "/numastat");
  if (!lines.ok()) return std::nullopt;
  std::map<std::string_view, uint64_t> counts;
  for (const std::string& line : *lines) {
    std::string_view rest = line;
    const std::string_view name = NextWord(&rest);
    if (const auto count = ParseNumber<uint64_t>(NextWord(&rest))) counts.emplace(name, *count);
  }
  NumaCounters counters;
  for (const auto& [name, field] :
       {std::pair{"numa_hit", &counters.hit_count}, std::pair{"numa_miss", &counters.miss_count},
        std::pair{"numa_foreign", &counters.foreign_count}, std::pair{"interleave_hit", &counters.interleave_hit_count},
        std::pair{"local_node", &counters.local_count}, std::pair{"other_node", &counters.other_count}}) {
    const auto found = counts.find(name);
    if (found == counts.end()) return std::nullopt;
    *field = found->second;
  }
  return counters;
}

// Of a positive number: the firmware's 0 says nothing.
std::optional<int64_t> ReadPositive(const FileRoot& root, const std::string& path) {
  const auto number = ReadNumber<int64_t>(root, path);
  return number.value_or(0) > 0 ? number : std::nullopt;
}

void ReadPerformance(const FileRoot& root, const std::string& folder, NumaNode* node) {
  // Class 0 counts devices that reach memory by themselves among the initiators, class 1 (Linux 5.10) CPUs alone.
  for (const char* access : {"/access1/initiators", "/access0/initiators"}) {
    const auto names = root.List(folder + access);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      if (const int initiator = NodeNumberOf(name); initiator >= 0) node->initiator_nodes.push_back(initiator);
    }
    std::sort(node->initiator_nodes.begin(), node->initiator_nodes.end());
    node->read_latency_ns = ReadPositive(root, folder + access + "/read_latency");
    node->write_latency_ns = ReadPositive(root, folder + access + "/write_latency");
    node->read_bandwidth_mb_s = ReadPositive(root, folder + access + "/read_bandwidth");
    node->write_bandwidth_mb_s = ReadPositive(root, folder + access + "/write_bandwidth");
    return;
  }
}

// Of a folder "hugepages-2048kB"; absent for what is none.
std::optional<HugePagePool> ReadPool(const FileRoot& root, const std::string& folder, std::string_view name) {
  constexpr std::string_view kPrefix = "hugepages-";
  constexpr std::string_view kSuffix = "kB";
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const auto kib = ParseNumber<int64_t>(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
  if (!kib || *kib <= 0 || *kib > INT64_MAX / kKib) return std::nullopt;
  const std::string files = fmt::format("{}/{}", folder, name);
  const auto total = ReadNumber<uint64_t>(root, files + "/nr_hugepages");
  const auto free = ReadNumber<uint64_t>(root, files + "/free_hugepages");
  const auto surplus = ReadNumber<uint64_t>(root, files + "/surplus_hugepages");
  if (!total || !free || !surplus) return std::nullopt;
  return HugePagePool{.page_bytes = *kib * kKib, .total_count = *total, .free_count = *free, .surplus_count = *surplus};
}

std::vector<HugePagePool> ReadHugePages(const FileRoot& root, const std::string& folder) {
  std::vector<HugePagePool> pools;
  const auto names = root.List(folder);
  if (!names.ok()) return pools;
  for (const std::string& name : *names) {
    if (const auto pool = ReadPool(root, folder, name)) pools.push_back(*pool);
  }
  std::sort(pools.begin(), pools.end(), [](const HugePagePool& a, const HugePagePool& b) { return a.page_bytes < b.page_bytes; });
  return pools;
}

absl::StatusOr<NumaNodes> OneNode(const FileRoot& root) {
  absl::StatusOr<std::vector<int>> cpus = ReadOnlineCpus(root);
  if (!cpus.ok()) return cpus.status();
  if (cpus->empty())
    return absl::NotFoundError(fmt::format("neither {} nor /sys/devices/system/cpu/online is there: is /sys mounted?", kNodesFolder));
  NumaNode node;
  node.cpus = *std::move(cpus);
  node.has_memory = true;
  ReadMemory(root, "/proc/meminfo", &node);
  node.huge_pages = ReadHugePages(root, "/sys/kernel/mm/hugepages");
  return NumaNodes{.nodes = {std::move(node)}, .told = false};
}

// The package that holds all CPUs of a node; -1: none does.
int PackageOf(const CpuTopology& topology, const NumaNode& node) {
  int package = -1;
  for (const int number : node.cpus) {
    const LogicalCpu* cpu = topology.Find(number);
    if (cpu == nullptr || (package >= 0 && cpu->package != package)) return -1;
    package = cpu->package;
  }
  return package;
}

}  // namespace

const NumaNode* NumaNodes::Find(int node) const {
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), node, [](const NumaNode& a, int number) { return a.node < number; });
  return found == nodes.end() || found->node != node ? nullptr : &*found;
}

std::optional<int> NumaNodes::DistanceOf(int from, int to) const {
  const NumaNode* node = Find(from);
  if (node == nullptr) return std::nullopt;
  for (const NodeDistance& distance : node->distances) {
    if (distance.to == to) return distance.distance;
  }
  return std::nullopt;
}

int NumaNodes::NodeOf(int cpu) const {
  for (const NumaNode& node : nodes) {
    if (std::binary_search(node.cpus.begin(), node.cpus.end(), cpu)) return node.node;
  }
  return -1;
}

const NumaNode* NumaNodes::Nearest(int node, absl::FunctionRef<bool(const NumaNode&)> accept) const {
  const NumaNode* nearest = nullptr;
  int nearest_distance = INT_MAX;
  for (const NumaNode& candidate : nodes) {
    const int distance = candidate.node == node ? 0 : DistanceOf(node, candidate.node).value_or(kDistanceMax + 1);
    if (distance >= nearest_distance || !accept(candidate)) continue;
    nearest = &candidate;
    nearest_distance = distance;
  }
  return nearest;
}

bool NumaNodes::sub_numa_clustering(const CpuTopology& topology) const {
  std::map<int, std::vector<const NumaNode*>> by_package;
  for (const NumaNode& node : nodes) {
    if (const int package = PackageOf(topology, node); package >= 0) by_package[package].push_back(&node);
  }
  for (const auto& [package, inside] : by_package) {
    if (inside.size() < 2) continue;
    int farthest_inside = 0;
    int nearest_outside = INT_MAX;
    bool told_all = true;
    for (const NumaNode* from : inside) {
      for (const NumaNode& to : nodes) {
        // Memory without CPUs belongs to no package.
        if (to.node == from->node || to.cpus.empty()) continue;
        const std::optional<int> distance = DistanceOf(from->node, to.node);
        told_all = told_all && distance.has_value();
        const bool is_inside = std::find(inside.begin(), inside.end(), &to) != inside.end();
        if (is_inside) farthest_inside = std::max(farthest_inside, distance.value_or(INT_MAX));
        if (!is_inside) nearest_outside = std::min(nearest_outside, distance.value_or(0));
      }
    }
    if (told_all && farthest_inside < nearest_outside) return true;
  }
  return false;
}

absl::StatusOr<NumaNodes> ReadNumaNodes(const FileRoot& root) {
  const absl::StatusOr<std::vector<NodeCpus>> online = ReadNodeCpus(root);
  if (absl::IsNotFound(online.status())) return OneNode(root);
  if (!online.ok()) return online.status();
  const absl::StatusOr<std::vector<int>> with_memory = ReadKernelList(root, fmt::format("{}/has_memory", kNodesFolder));
  if (!with_memory.ok() && !absl::IsNotFound(with_memory.status())) return with_memory.status();
  const bool counts = ReadNumber<int>(root, "/proc/sys/vm/numa_stat").value_or(1) != 0;
  NumaNodes read{.nodes = {}, .told = true};
  for (const NodeCpus& of : *online) {
    const std::string folder = FolderOf(of.node);
    NumaNode node;
    node.node = of.node;
    node.cpus = of.cpus;
    ReadMemory(root, folder + "/meminfo", &node);
    // Old kernels have no such list.
    node.has_memory =
        with_memory.ok() ? std::binary_search(with_memory->begin(), with_memory->end(), of.node) : node.memory_bytes.value_or(0) > 0;
    node.distances = ReadDistances(root, folder, *online);
    ReadPerformance(root, folder, &node);
    if (counts) node.counters = ReadCounters(root, folder);
    node.huge_pages = ReadHugePages(root, folder + "/hugepages");
    read.nodes.push_back(std::move(node));
  }
  return read;
}

}  // namespace hftmon
