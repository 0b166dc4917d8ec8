#include "client/cli/record/host_facts.h"

#include <sys/utsname.h>

#include <fstream>
#include <map>
#include <vector>

#include "common/cpu_list.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr int kNodesMax = 1'024;  // the kernel's largest CONFIG_NODES_SHIFT

std::map<int, std::vector<int>> NodesIn(const std::string& folder) {
  std::map<int, std::vector<int>> nodes;
  for (int node = 0; node < kNodesMax; ++node) {
    std::ifstream file(folder + "/node" + std::to_string(node) + "/cpulist");
    std::string text;
    if (!file || !std::getline(file, text)) continue;
    if (const auto cpus = ParseCpuList(text); cpus.ok()) nodes[node] = *cpus;
  }
  return nodes;
}

}  // namespace

void AddHostFacts(v1::RecordingHeader* header, const std::string& node_folder) {
  struct utsname name = {};
  if (uname(&name) == 0) {
    header->set_host(ValidUtf8(name.nodename));
    header->set_kernel(ValidUtf8(name.release));
  }
  for (const auto& [node, cpus] : NodesIn(node_folder)) {
    v1::RecordedNode* told = header->add_nodes();
    told->set_node(node);
    told->mutable_cpus()->Add(cpus.begin(), cpus.end());
  }
}

}  // namespace hftmon
