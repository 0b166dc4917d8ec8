// AnswerHardware: the answer of QueryHardware. Any thread that may read files; only read_registers sends anything to a CPU.
#ifndef HFTMON_DAEMON_SERVICE_HARDWARE_QUERY_H_
#define HFTMON_DAEMON_SERVICE_HARDWARE_QUERY_H_

#include "daemon/service/service_core.h"
#include "grpcpp/support/status.h"
#include "hftmon/v1/hardware.pb.h"

namespace hftmon {

// NOT_FOUND when a CPU asked for is none of this host's.
grpc::Status AnswerHardware(const ServiceCore& core, const v1::QueryHardwareRequest& request, v1::QueryHardwareResponse* response);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_HARDWARE_QUERY_H_
