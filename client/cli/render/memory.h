// What page faults and flushes of the TLB take from threads, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_MEMORY_H_
#define HFTMON_CLIENT_CLI_RENDER_MEMORY_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/memory.pb.h"

namespace hftmon {

// A table of the faults of each thread, one of the flushes, one of their senders, the reasons of threads without figures, what moved pages,
// what is not told here, then the mappings with long faults.
std::string MemoryText(const v1::QueryMemoryResponse& response);

// One object: threads, collapses, mappings. What is not known is absent.
Json MemoryJson(const v1::QueryMemoryResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_MEMORY_H_
