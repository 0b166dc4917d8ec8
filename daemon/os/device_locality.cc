#include "daemon/os/device_locality.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "daemon/os/node_cpus.h"
#include "daemon/os/number_file.h"

namespace hftmon {
namespace {

// A disk behind a SAS expander is seven below its controller.
constexpr int kLevelsMax = 8;

// A VLAN upon a bond upon interfaces is two.
constexpr int kLowerLevelsMax = 4;
constexpr size_t kLowersMax = 64;

bool IsPci(const FileRoot& root, const std::string& device) {
  return root.Exists(device + "/vendor") && root.Exists(device + "/class");
}

// The device itself or the one above it that names a node: of virtio and of buses on PCI it is the PCI device. Empty: none does. Above a
// PCI device is a bridge, and above what has no uevent is no device.
std::string DeviceWithNode(const FileRoot& root, std::string device) {
  for (int level = 0; level < kLevelsMax; ++level) {
    if (root.Exists(device + "/numa_node")) return device;
    if (IsPci(root, device)) break;
    device += "/..";
    if (!root.Exists(device + "/uevent")) break;
  }
  return "";
}

DeviceLocality Locate(const FileRoot& root, const std::string& folder, const char* kind, const std::string& name) {
  DeviceLocality located{.name = name, .kind = kind, .node = std::nullopt, .local_cpus = {}, .reason = ""};
  const std::string start = fmt::format("{}/{}/device", folder, name);
  const std::string device = DeviceWithNode(root, start);
  if (device.empty()) {
    located.reason = fmt::format("neither {} nor a device above it has a numa_node", start);
    return located;
  }
  const std::string path = device + "/numa_node";
  const auto node = ReadNumber<int>(root, path);
  if (!node || *node < -1 || *node >= kNodeNumberLimit) {
    located.reason = fmt::format("{} cannot be read as the number of a node", path);
  } else if (*node == -1) {
    located.reason = fmt::format("the firmware tells no node ({} is -1): the board's manual says which socket the slot belongs to", path);
  } else {
    located.node = *node;
    if (auto cpus = ReadKernelList(root, device + "/local_cpulist"); cpus.ok()) located.local_cpus = *std::move(cpus);
  }
  return located;
}

// The interfaces that a virtual one lies upon.
std::vector<std::string> LowersOf(const FileRoot& root, const std::string& folder, const std::string& name) {
  constexpr std::string_view kPrefix = "lower_";
  std::vector<std::string> lowers;
  const auto entries = root.List(fmt::format("{}/{}", folder, name));
  if (!entries.ok()) return lowers;
  for (const std::string& entry : *entries) {
    if (entry.starts_with(kPrefix)) lowers.push_back(entry.substr(kPrefix.size()));
  }
  return lowers;
}

// Takes the node of an interface below into what is known of those before it; false: there is no common one, and the reason says why.
bool TakeLower(DeviceLocality lower, DeviceLocality* upper) {
  if (!lower.node) {
    upper->reason = fmt::format("it lies upon {}: {}", lower.name, lower.reason);
  } else if (upper->node.value_or(*lower.node) != *lower.node) {
    upper->reason = fmt::format("the interfaces that it lies upon are of the nodes {} and {}", *upper->node, *lower.node);
  } else {
    upper->node = lower.node;
    upper->local_cpus = std::move(lower.local_cpus);
    return true;
  }
  upper->node = std::nullopt;
  upper->local_cpus.clear();
  return false;
}

// Absent: it is virtual, and lies upon nothing or upon what has no place.
std::optional<DeviceLocality> LocateUpon(const FileRoot& root, const std::string& folder, const char* kind, const std::string& name,
                                         int levels_left) {
  if (root.Exists(fmt::format("{}/{}/device", folder, name))) return Locate(root, folder, kind, name);
  const std::vector<std::string> lowers = LowersOf(root, folder, name);
  if (lowers.empty() || levels_left == 0) return std::nullopt;
  DeviceLocality located{.name = name, .kind = kind, .node = std::nullopt, .local_cpus = {}, .reason = ""};
  if (lowers.size() > kLowersMax) {
    located.reason = fmt::format("it lies upon {} interfaces: that is no place", lowers.size());
    return located;
  }
  for (const std::string& lower_name : lowers) {
    std::optional<DeviceLocality> lower = LocateUpon(root, folder, kind, lower_name, levels_left - 1);
    if (!lower) return std::nullopt;
    if (!TakeLower(*std::move(lower), &located)) break;
  }
  return located;
}

void AddOf(const FileRoot& root, const std::string& folder, const char* kind, size_t devices_max, DeviceLocalities* all) {
  const auto names = root.List(folder);
  if (!names.ok()) return;
  size_t count = 0;
  for (const std::string& name : *names) {
    std::optional<DeviceLocality> located = LocateUpon(root, folder, kind, name, kLowerLevelsMax);
    if (!located) continue;
    if (++count > devices_max) {
      ++all->left_out_count;
    } else {
      all->devices.push_back(*std::move(located));
    }
  }
}

}  // namespace

DeviceLocalities ReadDeviceLocalities(const FileRoot& root, size_t devices_max) {
  DeviceLocalities all;
  AddOf(root, "/sys/class/net", "net", devices_max, &all);
  AddOf(root, "/sys/block", "block", devices_max, &all);
  return all;
}

}  // namespace hftmon
