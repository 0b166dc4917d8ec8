// Where a process touched memory that it had not yet, as text and as JSON. Pure.
#ifndef HFTMON_CLIENT_CLI_RENDER_NUMA_GROWTH_H_
#define HFTMON_CLIENT_CLI_RENDER_NUMA_GROWTH_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Requires: process.has_growth().
std::string GrowthText(const v1::ProcessPlacement& process);
// Sets "growth", "first_touches" and "left_out_first_touch_count".
void PutGrowth(const v1::ProcessPlacement& process, Json* json);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_NUMA_GROWTH_H_
