// AnswerNetwork: the answer of QueryNetwork. Any thread; reads mapped memory and some files of /proc and /sys.
#ifndef HFTMON_DAEMON_SERVICE_NETWORK_QUERY_H_
#define HFTMON_DAEMON_SERVICE_NETWORK_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/network.pb.h"

namespace hftmon {

// NOT_FOUND when a tid is no watched thread of the selection, a CPU none of the host, or nothing is known of the interface.
grpc::Status AnswerNetwork(const ServiceCore& core, const TargetSelection& selection, const v1::QueryNetworkRequest& request,
                           const Arrival& arrival, v1::QueryNetworkResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NETWORK_QUERY_H_
