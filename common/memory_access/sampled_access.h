// From a sample of a perf event to the access of memory that it tells of. Pure, any thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_SAMPLED_ACCESS_H_
#define HFTMON_COMMON_MEMORY_ACCESS_SAMPLED_ACCESS_H_

#include "common/memory_access/memory_access.h"
#include "common/perf/perf_attr.h"
#include "common/perf/perf_sample.h"

namespace hftmon {

// What the sample does not tell stays as MemoryAccess has it. Without a data source, or where it names no operation (an instruction of
// another kind that IBS sampled, a breakpoint of loads and stores), `source` is neither load nor store; but what a breakpoint of writes
// alone samples is a store, whatever else is not told. A latency of 0 is not told.
MemoryAccess AccessOfSample(const PerfAttr& attr, const PerfSample& sample);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_SAMPLED_ACCESS_H_
