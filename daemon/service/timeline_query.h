// TimelineQuery: the answer to QueryTimeline. Any thread but the housekeeping thread; reads the histories without blocking their writer.
#ifndef HFTMON_DAEMON_SERVICE_TIMELINE_QUERY_H_
#define HFTMON_DAEMON_SERVICE_TIMELINE_QUERY_H_

#include <vector>

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

// What the threads of the selection do when a call arrives: what happened before that is in the histories when the call is answered, and
// what goes on is in nothing else.
std::vector<ThreadTotal> ThreadsOnArrival(const ServiceCore& core, const TargetSelection& selection);

// The request has been checked. NOT_FOUND (reason NOT_A_THREAD) when a tid asked for is of no thread of the selection; INVALID_ARGUMENT
// when the window ends in the future.
grpc::Status AnswerTimeline(const ServiceCore& core, const TargetSelection& selection, const v1::QueryTimelineRequest& request,
                            const Arrival& arrival, const std::vector<ThreadTotal>& on_arrival, v1::QueryTimelineResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TIMELINE_QUERY_H_
