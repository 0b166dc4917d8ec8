// MemoryAccess: one access of memory that was sampled, whoever sampled it (a file of perf, the live ring). A value.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_MEMORY_ACCESS_H_
#define HFTMON_COMMON_MEMORY_ACCESS_MEMORY_ACCESS_H_

#include <cstdint>
#include <optional>

#include "common/perf/data_source.h"

namespace hftmon {

struct MemoryAccess {
  uint32_t pid = 0;
  uint32_t tid = 0;
  std::optional<uint32_t> cpu;
  int64_t time_ns = 0;  // the sampler's clock; 0: not told
  uint64_t code_address = 0;
  uint64_t address = 0;  // of the data; 0: not told
  std::optional<uint64_t> physical_address;
  std::optional<uint64_t> latency_cycles;  // as its hardware counts: from dispatch or from issue; not told of most stores
  uint64_t period = 1;                     // events that this sample stands for
  DataSource source;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_MEMORY_ACCESS_H_
