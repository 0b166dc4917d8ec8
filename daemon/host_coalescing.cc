#include "daemon/host_coalescing.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/os/block_completions.h"
#include "daemon/os/interface_counters.h"

namespace hftmon {
namespace {

// Two disks of one controller, two ports of one function: whose an interrupt was cannot be told.
void MarkShared(const std::vector<DeviceInterrupts*>& devices) {
  std::map<int, int> devices_of_line;
  for (const DeviceInterrupts* device : devices) {
    if (!device->lines.ok()) continue;
    for (const DeviceLine& line : *device->lines) ++devices_of_line[line.irq];
  }
  for (DeviceInterrupts* device : devices) {
    if (!device->lines.ok()) continue;
    for (const DeviceLine& line : *device->lines) device->shared = device->shared || devices_of_line[line.irq] > 1;
  }
}

}  // namespace

DeviceList<InterfaceInterrupts> HostCoalescing::Interfaces() const {
  DeviceList<InterfaceInterrupts> list;
  const absl::StatusOr<InterfaceReport> report = ReadInterfaceCounters(root_);
  if (!report.ok()) {
    list.devices = report.status();
    return list;
  }
  list.unread_count = report->unread_count;
  std::vector<InterfaceInterrupts> found;
  for (const InterfaceCounters& interface : report->interfaces) {
    const std::string folder = "/sys/class/net/" + interface.name;
    if (!root_.Exists(folder + "/device")) continue;
    InterfaceInterrupts& one = found.emplace_back();
    one.device.name = interface.name;
    one.device.lines = ReadDeviceLines(root_, folder);
    one.rx_packets = interface.rx_packets;
    one.tx_packets = interface.tx_packets;
    one.settings = read_settings_(interface.name);
  }
  list.devices = std::move(found);
  return list;
}

DeviceList<BlockDeviceInterrupts> HostCoalescing::BlockDevices() const {
  DeviceList<BlockDeviceInterrupts> list;
  const auto read = ReadBlockDevices(root_);
  if (!read.ok()) {
    list.devices = read.status();
    return list;
  }
  list.unread_count = read->unread_count;
  std::vector<BlockDeviceInterrupts> found;
  for (const BlockDevice& device : read->devices) {
    BlockDeviceInterrupts& one = found.emplace_back();
    one.device.name = device.name;
    one.device.lines = ReadDeviceLines(root_, "/sys/block/" + device.name);
    one.completed_count = device.completed_count;
  }
  list.devices = std::move(found);
  return list;
}

CoalescingReport HostCoalescing::Read() const {
  std::lock_guard lock(mutex_);
  CoalescingReport report{.interfaces = Interfaces(), .block_devices = BlockDevices()};
  std::vector<DeviceInterrupts*> all;
  if (report.interfaces.devices.ok()) {
    for (InterfaceInterrupts& one : *report.interfaces.devices) all.push_back(&one.device);
  }
  if (report.block_devices.devices.ok()) {
    for (BlockDeviceInterrupts& one : *report.block_devices.devices) all.push_back(&one.device);
  }
  MarkShared(all);
  return report;
}

}  // namespace hftmon
