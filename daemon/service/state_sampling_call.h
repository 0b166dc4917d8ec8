// StateSamplingCall: the unary call SampleState: begins the sampling and answers when it is over.
//
// Owner: itself; deleted in OnDone. No gRPC thread waits: the poll thread looks every kPollIntervalNs and runs the answer. The sampling
// ends with the call: when its client goes away or its deadline passes, and (UNAVAILABLE) when the daemon stops. It is a query in flight
// like any other. UNAVAILABLE, reason LOOP_AWAY: the loop did not come to its end within kSlackNs.
#ifndef HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_

#include <atomic>
#include <cstdint>

#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/sampling.pb.h"

namespace hftmon {

class StateSamplingCall : public grpc::ServerUnaryReactor, private Pollee {
 public:
  static constexpr int64_t kPollIntervalNs = 20'000'000;
  static constexpr int64_t kSlackNs = 2'000'000'000;
  static constexpr int64_t kDurationDefaultNs = 1'000'000'000;
  static constexpr int64_t kIntervalDefaultNs = 1'000;

  // Outlives the calls.
  struct Shared {
    const ServiceCore* core = nullptr;
    PollThread* poll_thread = nullptr;
    const std::atomic<bool>* stopping = nullptr;
    QueryGauge* queries = nullptr;
    LimitBook* limits = nullptr;
  };

  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, const v1::SampleStateRequest& request,
                                         v1::SampleStateResponse* response);

  void OnDone() override;

 private:
  StateSamplingCall(grpc::CallbackServerContext* context, const Shared& shared, v1::SampleStateResponse* response)
      : context_(context), shared_(shared), response_(response) {}

  grpc::Status Begin(const v1::SampleStateRequest& request);
  int64_t Poll(int64_t now_ns) override;
  // The sampling is over before the client knows: it may begin another at once.
  int64_t EndWith(const grpc::Status& status);
  grpc::Status Answer(const StateSamples& samples);

  grpc::CallbackServerContext* const context_;
  const Shared shared_;
  v1::SampleStateResponse* const response_;
  int64_t over_ns_ = 0;  // steady clock: when it should be
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_STATE_SAMPLING_CALL_H_
