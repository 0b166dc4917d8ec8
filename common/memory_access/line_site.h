// LineSite: one instruction of one thread at one offset of a cache line, and what its sampled accesses were. A value.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_LINE_SITE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_LINE_SITE_H_

#include <cstdint>

#include "common/memory_access/access_counts.h"

namespace hftmon {

struct LineSite {
  uint16_t offset = 0;  // of the data, in bytes from the line's begin
  uint32_t pid = 0;
  uint32_t tid = 0;
  uint64_t code_address = 0;
  AccessCounts counts;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_LINE_SITE_H_
