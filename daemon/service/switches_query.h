// SwitchesQuery: the answer to QueryContextSwitches. Any thread; reads the store without blocking its writer.
#ifndef HFTMON_DAEMON_SERVICE_SWITCHES_QUERY_H_
#define HFTMON_DAEMON_SERVICE_SWITCHES_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/switches.pb.h"

namespace hftmon {

// The request has been checked; `rows_max`: events of one answer at most, where the request does not say. NOT_FOUND (reason NOT_A_THREAD)
// when a tid asked for is of no thread of the selection.
grpc::Status AnswerSwitches(const ServiceCore& core, const TargetSelection& selection, const v1::QueryContextSwitchesRequest& request,
                            const Arrival& arrival, int64_t rows_max, v1::QueryContextSwitchesResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SWITCHES_QUERY_H_
