#include "daemon/os/cache_line.h"

#include "daemon/os/number_file.h"

namespace hftmon {

std::optional<uint32_t> ReadCacheLineBytes(const FileRoot& root) {
  return ReadNumber<uint32_t>(root, "/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size");
}

}  // namespace hftmon
