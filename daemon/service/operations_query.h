// AnswerOperations: the answer of QueryOperations. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_OPERATIONS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_OPERATIONS_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/operations.pb.h"

namespace hftmon {

void AnswerOperations(const ServiceCore& core, const TargetSelection& selection, const v1::QueryOperationsRequest& request,
                      v1::QueryOperationsResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_OPERATIONS_QUERY_H_
