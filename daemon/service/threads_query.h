// ThreadsQuery: the answer to QueryThreads. Any thread; reads the store without blocking its writer, and two small files of /sys.
#ifndef HFTMON_DAEMON_SERVICE_THREADS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_THREADS_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

// The request has been checked. NOT_FOUND (reason NOT_A_THREAD) when a tid asked for is of no thread of the selection.
grpc::Status AnswerThreads(const ServiceCore& core, const TargetSelection& selection, const v1::QueryThreadsRequest& request,
                           const Arrival& arrival, v1::QueryThreadsResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_THREADS_QUERY_H_
