// From a record of Arm's statistical profiling (SPE) to the access of memory that it tells of. Pure, any thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_SPE_ACCESS_H_
#define HFTMON_COMMON_MEMORY_ACCESS_SPE_ACCESS_H_

#include <cstdint>

#include "common/memory_access/memory_access.h"
#include "common/perf/spe_data_source.h"
#include "common/perf/spe_records.h"

namespace hftmon {

// Process, thread, CPU and time are the caller's to fill in. `interval`: operations of the sampled kinds that one sample stands for, at
// least 1. Latency is the total one, from dispatch to completion, where it is not 0. Of an operation that is neither load nor store
// `source` is neither.
MemoryAccess AccessOfSpe(const SpeRecord& record, SpeSourceEncoding encoding, uint64_t interval);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_SPE_ACCESS_H_
