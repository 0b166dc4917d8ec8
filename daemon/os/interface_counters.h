// InterfaceCounters: what the network interfaces count themselves, from /sys/class/net/NAME/statistics. Those of the network namespace
// that this process had when /sys was mounted; since each interface came up. The driver may ask the device for them: some milliseconds.
#ifndef HFTMON_DAEMON_OS_INTERFACE_COUNTERS_H_
#define HFTMON_DAEMON_OS_INTERFACE_COUNTERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

// An absent figure could not be read.
struct InterfaceCounters {
  std::string name;
  uint32_t ifindex = 0;
  std::optional<uint64_t> rx_packets;
  std::optional<uint64_t> rx_dropped;
  std::optional<uint64_t> rx_missed_errors;  // the device had no room
  std::optional<uint64_t> rx_fifo_errors;
  std::optional<uint64_t> tx_packets;
  std::optional<uint64_t> tx_dropped;
  std::optional<uint64_t> tx_fifo_errors;
};

struct InterfaceReport {
  std::vector<InterfaceCounters> interfaces;  // by name
  uint64_t unread_count = 0;                  // beyond the bound
};

inline constexpr size_t kInterfacesMax = 512;

// Of all, or only of that of the name `only`, whatever the bound: then no other one's files are opened.
absl::StatusOr<InterfaceReport> ReadInterfaceCounters(const FileRoot& root, const std::string& only = "");

// Inode of this process's network namespace; 0: not known.
uint32_t OwnNetworkNamespace();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_INTERFACE_COUNTERS_H_
