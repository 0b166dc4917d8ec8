// InterruptCoalescing: how long, and for how many frames, a network device may put an interrupt off, as its driver says.
//
// Source: the ioctl SIOCETHTOOL with ETHTOOL_GCOALESCE (<linux/ethtool.h>). Nothing is set. The driver may ask the device: milliseconds.
// Interfaces of this process's network namespace. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_OS_INTERRUPT_COALESCING_H_
#define HFTMON_DAEMON_OS_INTERRUPT_COALESCING_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace hftmon {

// 0 may mean that the driver does not have that setting.
struct CoalescingSettings {
  uint32_t rx_usecs = 0;
  uint32_t rx_max_frames = 0;
  uint32_t tx_usecs = 0;
  uint32_t tx_max_frames = 0;
  bool adaptive_rx = false;
  bool adaptive_tx = false;
};

// UNIMPLEMENTED: the driver reports none. The other errors name the interface and errno.
using ReadCoalescing = std::function<absl::StatusOr<CoalescingSettings>(const std::string& interface)>;

// This host's.
absl::StatusOr<CoalescingSettings> SystemReadCoalescing(const std::string& interface);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_INTERRUPT_COALESCING_H_
