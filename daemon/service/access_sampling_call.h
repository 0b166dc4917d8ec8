// AccessSamplingCall: the unary call SampleAccesses: begins the sampling and answers when it is over.
//
// Owner: itself; deleted in OnDone. No gRPC thread waits: the sampling has a thread of its own, the poll thread looks every kPollIntervalNs
// and runs the answer. The sampling ends with the call: when its client goes away or its deadline passes (CANCELLED), and (UNAVAILABLE)
// when the daemon stops; the call ends when it has. It is a query in flight like any other.
#ifndef HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_
#define HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "daemon/service/access_sampling.h"
#include "daemon/service/poll_thread.h"
#include "daemon/service/query_gauge.h"
#include "daemon/service/service_core.h"
#include "daemon/service/service_limits.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/sharing.pb.h"

namespace hftmon {

class AccessSamplingCall : public grpc::ServerUnaryReactor, private Pollee {
 public:
  static constexpr int64_t kPollIntervalNs = 20'000'000;
  static constexpr int64_t kDurationDefaultNs = 1'000'000'000;
  static constexpr uint32_t kLoadLatencyDefaultCycles = 30;
  static constexpr uint64_t kPeriodDefault = 10'007;
  static constexpr int kLinesDefault = 20;

  // Outlives the calls.
  struct Shared {
    const ServiceCore* core = nullptr;
    PollThread* poll_thread = nullptr;
    const std::atomic<bool>* stopping = nullptr;
    QueryGauge* queries = nullptr;
    LimitBook* limits = nullptr;
  };

  // The request is checked, and its process named by the initial namespace's number.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared,
                                         const v1::SampleAccessesRequest& request, v1::SampleAccessesResponse* response);

  void OnDone() override;

 private:
  AccessSamplingCall(grpc::CallbackServerContext* context, const Shared& shared, v1::SampleAccessesResponse* response)
      : context_(context), shared_(shared), response_(response) {}

  grpc::Status Begin(const v1::SampleAccessesRequest& request);
  int64_t Poll(int64_t now_ns) override;
  // The sampling is over before the client knows: it may begin another at once.
  int64_t EndWith(const grpc::Status& status);
  grpc::Status Answer(const AccessSamples& samples);

  grpc::CallbackServerContext* const context_;
  const Shared shared_;
  v1::SampleAccessesResponse* const response_;
  std::unique_ptr<AccessSamplingRun> run_;
  bool cancelled_ = false;
  int64_t over_ns_ = 0;  // steady clock: when it should be
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_ACCESS_SAMPLING_CALL_H_
