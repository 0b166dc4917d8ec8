// What `numa --bandwidth` adds to an answer: what nodes, links and groups moved through memory; and served accesses. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_NUMA_BANDWIDTH_H_
#define HFTMON_CLIENT_CLI_RENDER_NUMA_BANDWIDTH_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Empty where there is nothing of it.
std::string NumaBandwidthText(const v1::QueryNumaResponse& response);
// Sets bandwidths, links and groups.
void PutNumaBandwidth(const v1::QueryNumaResponse& response, Json* json);

// "accesses: 900 local, 100 remote (10.0%)".
std::string NumaAccessesText(const v1::NumaAccesses& accesses);
Json NumaAccessesJson(const v1::NumaAccesses& accesses);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_NUMA_BANDWIDTH_H_
