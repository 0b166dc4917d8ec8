// The answer of `numa --measure`: how far nodes' memory is from nodes' CPUs, for people and for programs. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_NUMA_MATRIX_H_
#define HFTMON_CLIENT_CLI_RENDER_NUMA_MATRIX_H_

#include <string>
#include <vector>

#include "client/cli/render/json.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// A row a node with CPUs, a column a node with memory: time of a load, and what one CPU reads a second.
std::string NumaMatrixText(const v1::MeasureNumaResponse& response);
Json NumaMatrixJson(const v1::MeasureNumaResponse& response);

// A line for each pair that has no value; equal reasons of one node's CPUs are one.
std::vector<std::string> NumaMatrixWarnings(const v1::MeasureNumaResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_NUMA_MATRIX_H_
