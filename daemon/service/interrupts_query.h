// AnswerInterrupts: the answer of QueryInterrupts but for its coalescing. Any thread but the housekeeping thread; reads mapped memory, the
// store and, with_lines, files.
#ifndef HFTMON_DAEMON_SERVICE_INTERRUPTS_QUERY_H_
#define HFTMON_DAEMON_SERVICE_INTERRUPTS_QUERY_H_

#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/windowed_call.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// NOT_FOUND when a tid is no watched thread of the selection, nor had anything taken from it in the window.
grpc::Status AnswerInterrupts(const ServiceCore& core, const TargetSelection& selection, const v1::QueryInterruptsRequest& request,
                              const Arrival& arrival, v1::QueryInterruptsResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_INTERRUPTS_QUERY_H_
