// How many bytes the caches of this host keep together. Any thread.
// Reads: /sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size.
#ifndef HFTMON_DAEMON_OS_CACHE_LINE_H_
#define HFTMON_DAEMON_OS_CACHE_LINE_H_

#include <cstdint>
#include <optional>

#include "daemon/os/file_root.h"

namespace hftmon {

// Absent: the kernel does not tell it, as in some guests.
std::optional<uint32_t> ReadCacheLineBytes(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_CACHE_LINE_H_
