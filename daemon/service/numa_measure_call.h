// NumaMeasureCall: the unary call MeasureNuma: begins the measurement and answers when it is over. See SamplingCall. The measurement has a
// thread and processes of its own.
#ifndef HFTMON_DAEMON_SERVICE_NUMA_MEASURE_CALL_H_
#define HFTMON_DAEMON_SERVICE_NUMA_MEASURE_CALL_H_

#include <cstdint>
#include <memory>

#include "daemon/service/numa_measuring.h"
#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

class NumaMeasureCall final : public SamplingCall {
 public:
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, v1::MeasureNumaResponse* response);

 private:
  NumaMeasureCall(grpc::CallbackServerContext* context, const Shared& shared, v1::MeasureNumaResponse* response)
      : SamplingCall(context, shared), response_(response) {}

  grpc::Status Begin();
  int64_t Poll(int64_t now_ns) override;
  void Release() override { run_.reset(); }
  grpc::Status Answer(const NumaMatrix& matrix);

  v1::MeasureNumaResponse* const response_;
  std::unique_ptr<NumaMeasureRun> run_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NUMA_MEASURE_CALL_H_
