#include "daemon/os/node_cpus.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cpu_list.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

absl::Status Malformed(std::string_view path, const absl::Status& status) {
  return absl::InternalError(fmt::format("{}: {}", path, std::string(status.message())));
}

// By number. Empty when the kernel tells none.
absl::StatusOr<std::vector<int>> OnlineNodes(const FileRoot& root) {
  const std::string path = fmt::format("{}/online", kNodesFolder);
  absl::StatusOr<std::vector<int>> online = ReadKernelList(root, path);
  if (!online.ok() && !absl::IsNotFound(online.status())) return online;
  if (online.ok() && !online->empty()) {
    if (online->back() < kNodeNumberLimit) return online;
    return absl::InternalError(fmt::format("{} names node {}: no kernel has more than {}", path, online->back(), kNodeNumberLimit));
  }
  std::vector<int> nodes;
  const auto names = root.List(kNodesFolder);
  if (!names.ok()) return absl::IsNotFound(names.status()) ? absl::StatusOr<std::vector<int>>(nodes) : names.status();
  for (const std::string& name : *names) {
    if (const int node = NodeNumberOf(name); node >= 0) nodes.push_back(node);
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

absl::StatusOr<std::vector<int>> CpusOf(const FileRoot& root, const std::string& folder) {
  absl::StatusOr<std::vector<int>> cpus = ReadKernelList(root, folder + "/cpulist");
  if (!absl::IsNotFound(cpus.status())) return cpus;
  const std::string path = folder + "/cpumap";
  const auto text = root.ReadFile(path);
  if (!text.ok()) return text.status();
  cpus = ParseCpuMask(*text);
  return cpus.ok() ? cpus : Malformed(path, cpus.status());
}

}  // namespace

int NodeNumberOf(std::string_view name) {
  constexpr std::string_view kPrefix = "node";
  if (!name.starts_with(kPrefix)) return -1;
  const std::optional<int> node = ParseNumber<int>(name.substr(kPrefix.size()));
  return node && *node >= 0 && *node < kNodeNumberLimit ? *node : -1;
}

absl::StatusOr<std::vector<int>> ReadKernelList(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<int>> list = ParseCpuList(*text);
  return list.ok() ? list : Malformed(path, list.status());
}

absl::StatusOr<std::vector<NodeCpus>> ReadNodeCpus(const FileRoot& root) {
  const absl::StatusOr<std::vector<int>> online = OnlineNodes(root);
  if (!online.ok()) return online.status();
  std::vector<NodeCpus> nodes;
  for (const int node : *online) {
    const std::string folder = fmt::format("{}/node{}", kNodesFolder, node);
    absl::StatusOr<std::vector<int>> cpus = CpusOf(root, folder);
    if (cpus.ok()) {
      nodes.push_back({.node = node, .cpus = *std::move(cpus)});
    } else if (!absl::IsNotFound(cpus.status())) {
      return cpus.status();
    } else if (root.Exists(folder)) {
      return absl::InternalError(fmt::format("{} has neither cpulist nor cpumap: is /sys whole?", folder));
    }
  }
  if (nodes.empty()) return absl::NotFoundError(fmt::format("{} names no node: this kernel is built without CONFIG_NUMA", kNodesFolder));
  return nodes;
}

}  // namespace hftmon
