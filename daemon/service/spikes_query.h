// SpikesQuery: the answer to DetectSpikes. Any thread; reads the spike history without blocking its writer.
#ifndef HFTMON_DAEMON_SERVICE_SPIKES_QUERY_H_
#define HFTMON_DAEMON_SERVICE_SPIKES_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/target_thresholds.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

// The request has been checked; `rows_max`: spikes of one answer at most, where the request does not say.
grpc::Status AnswerSpikes(const ServiceCore& core, const TargetSelection& selection, TargetThresholds* thresholds,
                          const v1::DetectSpikesRequest& request, const Arrival& arrival, int64_t rows_max,
                          v1::DetectSpikesResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SPIKES_QUERY_H_
