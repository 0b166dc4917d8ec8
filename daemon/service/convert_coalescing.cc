#include "daemon/service/convert_coalescing.h"

#include <string>

#include "common/utf8.h"

namespace hftmon {
namespace {

template <typename Message>
void DeviceToProto(const DeviceInterrupts& device, Message* out) {
  out->set_name(ValidUtf8(device.name));
  out->set_shared(device.shared);
  if (!device.lines.ok()) return out->set_lines_unavailable(std::string(device.lines.status().message()));
  uint64_t sum = 0;
  for (const DeviceLine& line : *device.lines) {
    v1::DeviceLine* entry = out->add_lines();
    entry->set_irq(line.irq);
    entry->set_handler(ValidUtf8(line.handler));
    entry->set_count(line.count);
    sum += line.count;
  }
  out->set_interrupt_count(sum);
}

void InterfaceToProto(const InterfaceInterrupts& interface, v1::InterfaceInterrupts* out) {
  DeviceToProto(interface.device, out);
  if (interface.rx_packets) out->set_rx_packets(*interface.rx_packets);
  if (interface.tx_packets) out->set_tx_packets(*interface.tx_packets);
  if (!interface.settings.ok()) return out->set_settings_unavailable(std::string(interface.settings.status().message()));
  v1::CoalescingSettings* settings = out->mutable_settings();
  settings->set_rx_usecs(interface.settings->rx_usecs);
  settings->set_rx_max_frames(interface.settings->rx_max_frames);
  settings->set_tx_usecs(interface.settings->tx_usecs);
  settings->set_tx_max_frames(interface.settings->tx_max_frames);
  settings->set_adaptive_rx(interface.settings->adaptive_rx);
  settings->set_adaptive_tx(interface.settings->adaptive_tx);
}

}  // namespace

void CoalescingToProto(const CoalescingReport& report, v1::InterruptCoalescing* out) {
  out->set_unread_interface_count(report.interfaces.unread_count);
  out->set_unread_block_device_count(report.block_devices.unread_count);
  if (report.interfaces.devices.ok()) {
    for (const InterfaceInterrupts& interface : *report.interfaces.devices) InterfaceToProto(interface, out->add_interfaces());
  } else {
    out->set_interfaces_unavailable(std::string(report.interfaces.devices.status().message()));
  }
  if (!report.block_devices.devices.ok()) {
    out->set_block_devices_unavailable(std::string(report.block_devices.devices.status().message()));
    return;
  }
  for (const BlockDeviceInterrupts& device : *report.block_devices.devices) {
    v1::BlockDeviceInterrupts* entry = out->add_block_devices();
    DeviceToProto(device.device, entry);
    if (device.completed_count) entry->set_completed_count(*device.completed_count);
  }
}

}  // namespace hftmon
