// AnswerCache: the answer of QueryCache. Any thread; reads mapped memory and the history of counters, and where read_now asks for it the
// counters of other CPUs.
#ifndef HFTMON_DAEMON_SERVICE_CACHE_QUERY_H_
#define HFTMON_DAEMON_SERVICE_CACHE_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

// NOT_FOUND when a tid is no watched thread of the selection, and none that the window has.
grpc::Status AnswerCache(const ServiceCore& core, const TargetSelection& selection, const v1::QueryCacheRequest& request,
                         const Arrival& arrival, v1::QueryCacheResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CACHE_QUERY_H_
