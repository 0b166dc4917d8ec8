// BlockCompletions: the block devices of this host, and how many requests each has completed. Source: /sys/block/NAME/stat, since the
// device is there. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_OS_BLOCK_COMPLETIONS_H_
#define HFTMON_DAEMON_OS_BLOCK_COMPLETIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct BlockDevice {
  std::string name;
  std::optional<uint64_t> completed_count;  // reads, writes, discards and flushes; absent: it cannot be read
};

struct BlockDevices {
  std::vector<BlockDevice> devices;  // those that have a device below /sys/devices, by name
  uint64_t unread_count = 0;         // beyond the bound
};

inline constexpr size_t kBlockDevicesMax = 256;

absl::StatusOr<BlockDevices> ReadBlockDevices(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_BLOCK_COMPLETIONS_H_
