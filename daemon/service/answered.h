// Answered: ends a unary call at once with `status`; whoever calls it has filled the response. Any thread, once a call.
#ifndef HFTMON_DAEMON_SERVICE_ANSWERED_H_
#define HFTMON_DAEMON_SERVICE_ANSWERED_H_

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace hftmon {

inline grpc::ServerUnaryReactor* Answered(grpc::CallbackServerContext* context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_ANSWERED_H_
