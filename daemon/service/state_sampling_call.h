// StateSamplingCall: the unary call SampleState: begins the sampling and answers when it is over.
// See SamplingCall. UNAVAILABLE, reason LOOP_AWAY: the loop did not come to its end within kSlackNs. The poll thread looks seldom: it may
// share the loop's CPU.
#ifndef HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_

#include <cstdint>

#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/sampling.pb.h"

namespace hftmon {

class StateSamplingCall final : public SamplingCall {
 public:
  static constexpr int64_t kSlackNs = 2'000'000'000;
  static constexpr int64_t kIntervalDefaultNs = 1'000;

  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, const v1::SampleStateRequest& request,
                                         v1::SampleStateResponse* response);

 private:
  StateSamplingCall(grpc::CallbackServerContext* context, const Shared& shared, v1::SampleStateResponse* response)
      : SamplingCall(context, shared), response_(response) {}

  grpc::Status Begin(const v1::SampleStateRequest& request);
  int64_t Poll(int64_t now_ns) override;
  void Release() override;
  grpc::Status Answer(const StateSamples& samples);

  v1::SampleStateResponse* const response_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_
