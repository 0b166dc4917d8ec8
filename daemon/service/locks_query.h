// AnswerLocks: the answer of QueryLocks. Any thread; reads mapped memory and the history of spikes.
#ifndef HFTMON_DAEMON_SERVICE_LOCKS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_LOCKS_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// NOT_FOUND when a tid is no watched thread of the selection.
grpc::Status AnswerLocks(const ServiceCore& core, const TargetSelection& selection, const v1::QueryLocksRequest& request,
                         const Arrival& arrival, v1::QueryLocksResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_LOCKS_QUERY_H_
