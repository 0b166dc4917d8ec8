#include "common/memory_access/spe_access.h"

#include <algorithm>

namespace hftmon {

MemoryAccess AccessOfSpe(const SpeRecord& record, SpeSourceEncoding encoding, uint64_t interval) {
  MemoryAccess access;
  access.code_address = record.code_address.value_or(0);
  access.address = record.data_address.value_or(0);
  if (record.physical_address.value_or(0) != 0) access.physical_address = record.physical_address;
  if (record.total_latency_cycles.value_or(0) > 0) access.latency_cycles = record.total_latency_cycles;
  access.period = std::max<uint64_t>(interval, 1);
  access.source = SpeDataSource(record, encoding);
  return access;
}

}  // namespace hftmon
