// The way of network packets, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_NETWORK_H_
#define HFTMON_CLIENT_CLI_RENDER_NETWORK_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/network.pb.h"

namespace hftmon {

// Tables: CPUs, with cpus also what each polled; interfaces; drops; sockets of threads; retransmits. What bypasses the kernel is said to be
// invisible. `interface`: the one that was asked for, so that none of its figures is told for all; empty: all were.
std::string NetworkText(const v1::QueryNetworkResponse& response, bool by_cpu, const std::string& interface = "");

// One object: cpus, interfaces, drops, threads, retransmits. What is not known is absent.
Json NetworkJson(const v1::QueryNetworkResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_NETWORK_H_
