// CoalescingSource: the seam through which the service reads what devices make interrupts of.
//
// Any thread but the housekeeping thread: reads files and asks drivers, milliseconds. Faked in tests.
#ifndef HFTMON_DAEMON_SERVICE_COALESCING_SOURCE_H_
#define HFTMON_DAEMON_SERVICE_COALESCING_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/device_lines.h"
#include "daemon/os/interrupt_coalescing.h"

namespace hftmon {

// A device and its interrupts.
struct DeviceInterrupts {
  std::string name;
  absl::StatusOr<std::vector<DeviceLine>> lines = absl::UnavailableError("not read");
  bool shared = false;  // another device has the same lines
};

struct InterfaceInterrupts {
  DeviceInterrupts device;
  std::optional<uint64_t> rx_packets;
  std::optional<uint64_t> tx_packets;
  absl::StatusOr<CoalescingSettings> settings = absl::UnavailableError("not read");
};

struct BlockDeviceInterrupts {
  DeviceInterrupts device;
  std::optional<uint64_t> completed_count;
};

// A list, or why there is none; and how many are beyond its bound.
template <typename Device>
struct DeviceList {
  absl::StatusOr<std::vector<Device>> devices = absl::UnavailableError("not read");
  uint64_t unread_count = 0;
};

struct CoalescingReport {
  DeviceList<InterfaceInterrupts> interfaces;
  DeviceList<BlockDeviceInterrupts> block_devices;
};

class CoalescingSource {
 public:
  virtual ~CoalescingSource() = default;
  virtual CoalescingReport Read() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_COALESCING_SOURCE_H_
