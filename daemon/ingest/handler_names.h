// HandlerNames: what the rows of one CPU's interruptions stand for: handlers of devices, and the interfaces that its softirq NET_RX polls;
// and who sent the flushes of its TLB.
// Passive; the kernel's memory, which outlives it. Either may be empty: then its names are not known.
#ifndef HFTMON_DAEMON_INGEST_HANDLER_NAMES_H_
#define HFTMON_DAEMON_INGEST_HANDLER_NAMES_H_

#include <cstdint>
#include <span>

#include "daemon/collectors/kernel_view.h"

namespace hftmon {

struct HandlerNames {
  std::span<const hft_device_row> devices;
  std::span<const hft_interface_row> interfaces;
  std::span<const hft_arrived_shootdown> shootdowns;  // this CPU's last ones

  static HandlerNames Of(const KernelView& view, uint16_t cpu) {
    HandlerNames names;
    if (cpu < view.interrupts.size()) names.devices = view.interrupts[cpu].devices;
    if (cpu < view.network.size()) names.interfaces = view.network[cpu].interfaces;
    if (cpu < view.shootdowns.size()) names.shootdowns = view.shootdowns[cpu].log;
    return names;
  }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_HANDLER_NAMES_H_
