// CorrelateQuery: the answer to CorrelateEvents. Any thread but the housekeeping thread; reads the spike history without blocking its
// writer.
#ifndef HFTMON_DAEMON_SERVICE_CORRELATE_QUERY_H_
#define HFTMON_DAEMON_SERVICE_CORRELATE_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/target_thresholds.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

// The request has been checked. FAILED_PRECONDITION where its clock cannot be placed: NO_TAI_OFFSET, NOT_A_CLOCK.
grpc::Status AnswerCorrelation(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds,
                               const v1::CorrelateEventsRequest& request, const Arrival& arrival, v1::CorrelateEventsResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CORRELATE_QUERY_H_
