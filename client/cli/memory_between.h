// MemoryBetween: what threads had of page faults and TLB flushes from one answer of QueryMemory to the next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_MEMORY_BETWEEN_H_
#define HFTMON_CLIENT_CLI_MEMORY_BETWEEN_H_

#include "hftmon/v1/memory.pb.h"

namespace hftmon {

// As the second answer, with differences for counts and sums of its threads. Longest ones are the second's: of that time none was longer. A
// thread that the first lacks, or that began anew, has the second's sums.
v1::QueryMemoryResponse MemoryBetween(const v1::QueryMemoryResponse& first, const v1::QueryMemoryResponse& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_MEMORY_BETWEEN_H_
