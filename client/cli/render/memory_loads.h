// What served sampled loads, as text and JSON. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_MEMORY_LOADS_H_
#define HFTMON_CLIENT_CLI_RENDER_MEMORY_LOADS_H_

#include <string>

#include "client/cli/render/json.h"
#include "common/memory_access/memory_load_table.h"

namespace hftmon {

// Their number, a table by level, and what of HITM, locks and the TLB was told.
std::string MemoryLoadsText(const MemoryLoadTable& loads);
Json MemoryLoadsJson(const MemoryLoadTable& loads);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_MEMORY_LOADS_H_
