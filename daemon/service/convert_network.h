// Packets: domain -> proto. Pure.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_NETWORK_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_NETWORK_H_

#include "daemon/service/network_totals.h"
#include "hftmon/v1/network.pb.h"

namespace hftmon {

void PollsToProto(const InterfacePollTotal& polls, v1::InterfacePolls* out);
void SoftnetToProto(const SoftnetCpu& cpu, v1::Softnet* out);
void CountersToProto(const InterfaceCounters& counters, v1::DeviceCounters* out);
void SocketToProto(const SocketTotal& socket, v1::SocketPath* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_NETWORK_H_
