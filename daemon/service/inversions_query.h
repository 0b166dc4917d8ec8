// AnswerInversions: the answer of QueryInversions. Any thread but the housekeeping thread; reads the histories of spikes and of boosts.
#ifndef HFTMON_DAEMON_SERVICE_INVERSIONS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_INVERSIONS_QUERY_H_

#include <cstdint>

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/inversions.pb.h"

namespace hftmon {

// At most `rows_max` inversions where the request names no number.
grpc::Status AnswerInversions(const ServiceCore& core, const TargetSelection& selection, const v1::QueryInversionsRequest& request,
                              const Arrival& arrival, int64_t rows_max, v1::QueryInversionsResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_INVERSIONS_QUERY_H_
