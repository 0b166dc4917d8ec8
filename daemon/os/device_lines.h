// DeviceLines: the interrupts of a device, and how many of them the kernel has counted.
//
// Reads: FOLDER/device/{msi_irqs,irq}, of a device of virtio or NVMe those of the PCI device above it;
// /sys/kernel/irq/N/{actions,per_cpu_count}. Any thread but the housekeeping thread: two files for each interrupt, about 10 us each.
#ifndef HFTMON_DAEMON_OS_DEVICE_LINES_H_
#define HFTMON_DAEMON_OS_DEVICE_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct DeviceLine {
  int irq = 0;
  std::string handler;  // empty: nobody handles it now
  uint64_t count = 0;   // on all CPUs, since the host booted or the handler was requested
};

inline constexpr size_t kLinesPerDeviceMax = 1024;

// By number; at most kLinesPerDeviceMax. `folder` is "/sys/class/net/eth0" or "/sys/block/vda". NOT_FOUND: it has no device (virtual ones
// do not), or no interrupts of it can be told; the message says which.
absl::StatusOr<std::vector<DeviceLine>> ReadDeviceLines(const FileRoot& root, const std::string& folder);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_DEVICE_LINES_H_
