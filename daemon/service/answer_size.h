// CheckAnswer: no answer leaves that is larger than the limits allow. Pure but for the figures it notes; any thread.
#ifndef HFTMON_DAEMON_SERVICE_ANSWER_SIZE_H_
#define HFTMON_DAEMON_SERVICE_ANSWER_SIZE_H_

#include <cstdint>

#include "daemon/service/service_limits.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/status.h"

namespace hftmon {

// RESOURCE_EXHAUSTED (reason ANSWER_LIMIT) when the answer has more rows (events, spikes, samples, targets) or bytes than one may have.
grpc::Status CheckAnswer(const google::protobuf::MessageLite& answer, int64_t rows, LimitBook* limits);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_ANSWER_SIZE_H_
