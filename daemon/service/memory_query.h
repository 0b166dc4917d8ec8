// AnswerMemory: the answer of QueryMemory. Any thread; reads mapped memory and the history of spikes.
#ifndef HFTMON_DAEMON_SERVICE_MEMORY_QUERY_H_
#define HFTMON_DAEMON_SERVICE_MEMORY_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/memory.pb.h"

namespace hftmon {

// NOT_FOUND when a tid is no watched thread of the selection.
grpc::Status AnswerMemory(const ServiceCore& core, const TargetSelection& selection, const v1::QueryMemoryRequest& request,
                          const Arrival& arrival, v1::QueryMemoryResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_MEMORY_QUERY_H_
