// DeviceLocality: which memory node a network interface or a disk is attached to. Passive data.
//
// Reads: /sys/class/net/NAME/{device, lower_*}, /sys/block/NAME/device, and {numa_node, local_cpulist, uevent, vendor, class} of that
// device and of those above it. Not hwloc: it hangs what the firmware does not place under the whole machine, and so what it does place.
// Any thread but the housekeeping thread; stateless; system calls, some 60 us a device.
#ifndef HFTMON_DAEMON_OS_DEVICE_LOCALITY_H_
#define HFTMON_DAEMON_OS_DEVICE_LOCALITY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

struct DeviceLocality {
  std::string name;         // "eth0", "nvme0n1"
  std::string kind;         // "net", "block"
  std::optional<int> node;  // absent: not told, see `reason`
  // As the kernel tells beside the node, and some kernels name all CPUs whatever the node is: NumaNode::cpus is surer. Empty without a
  // node.
  std::vector<int> local_cpus;
  std::string reason;  // why there is no node; empty when there is one
};

struct DeviceLocalities {
  // Net before block, by name. An interface that lies upon others which all have a place (VLAN, bond) has their node, if it is the same
  // one; what is virtual otherwise (lo, veth, loop0) has no place and is not among them.
  std::vector<DeviceLocality> devices;
  size_t left_out_count = 0;  // of either kind beyond `devices_max`
};

inline constexpr size_t kLocatedDevicesMax = 1024;

// At most `devices_max` of each kind.
DeviceLocalities ReadDeviceLocalities(const FileRoot& root, size_t devices_max = kLocatedDevicesMax);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_DEVICE_LOCALITY_H_
