// The answer of `numa`: nodes, devices, and where the memory of processes lies, for people and for programs. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_NUMA_H_
#define HFTMON_CLIENT_CLI_RENDER_NUMA_H_

#include <string>
#include <vector>

#include "client/cli/render/json.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// Nodes, devices, then each process: its threads, its mappings of which a page is there, a heat map where one was asked for.
std::string NumaText(const v1::QueryNumaResponse& response);
Json NumaJson(const v1::QueryNumaResponse& response);

// "3 single pages; 4 calls that hold its memory lock took 5 us, the longest 2 us".
std::string LookCostText(const v1::LookCost& cost);
Json LookCostJson(const v1::LookCost& cost);

// As those in warnings.h. That a host has one node, or tells no distances, is none: it is in the text. `exact`: it was asked for; policies
// and huge pages that were not read are a warning only then.
std::vector<std::string> NumaWarnings(const v1::QueryNumaResponse& response, bool exact);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_NUMA_H_
